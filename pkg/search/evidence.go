package search

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
)

// read reads the result files that a certificate names, and those of early stops
// for themselves: a trial that was trained on has both.
func (e Evidence) read(c *result.Certificate, p *Problem) (results, stops map[result.Key]*result.Result, faults []Fault) {
	candidates, seeds := map[string]Candidate{}, map[int64]bool{}
	for _, candidate := range p.Candidates {
		candidates[candidate.ID] = candidate
	}
	for _, s := range slices.Concat(p.Seeds, c.FreshSeeds) {
		seeds[s] = true
	}
	opened := p.opened(c)
	results, stops = map[result.Key]*result.Result{}, map[result.Key]*result.Result{}
	files, int8s := splitFiles(c)
	for _, f := range files {
		at, stopped := trialPath(f.Path)
		k, err := result.ParseKey(strings.TrimSuffix(at, "/"+result.ResultName))
		if candidates[k.ConfigID].ID == "" || err != nil || at != resultPath(k) || !seeds[k.Seed] {
			faults = append(faults, Fault{f.Path, "it is not a trial of the certificate's configurations and seeds"})
			continue
		}
		into, other := results, stops
		if stopped {
			into, other = stops, results
		}
		if into[k] != nil || other[k] != nil && !p.audits {
			faults = append(faults, Fault{f.Path, "it is a second file of its trial"})
		}
		r, found := e.readOne(f, k, stopped, !opened[k])
		if r != nil {
			for _, d := range p.doubts(candidates[k.ConfigID], r) {
				found = append(found, Fault{f.Path, d})
			}
			into[k] = r
		}
		faults = append(faults, found...)
	}
	if p.Target.Precision == experiment.Int8 {
		faults = append(faults, e.readInt8s(int8s, p, results, opened, slices.Concat(p.Seeds, c.FreshSeeds))...)
	}
	return results, stops, faults
}

// opened are the networks whose test images the certificate says were opened.
func (p *Problem) opened(c *result.Certificate) map[result.Key]bool {
	out := map[result.Key]bool{}
	for _, o := range c.Openings {
		for _, n := range o.Networks {
			out[result.Key{ConfigID: o.ConfigID, Seed: n.Seed}] = true
		}
		for _, s := range p.Seeds {
			k := result.Key{ConfigID: o.ConfigID, Seed: s}
			out[k] = out[k] || !p.fresh()
		}
	}
	return out
}

// readOne reads one result file, or that of an early stop; sealed says that its
// test images were closed when the certificate was written. The result is nil
// where there is none.
func (e Evidence) readOne(f result.File, k result.Key, stopped, sealed bool) (*result.Result, []Fault) {
	b, faults := e.open(f, sealed && !stopped, e.Sealed)
	if b == nil {
		return nil, faults
	}
	r, err := decode(b, stopped)
	if err != nil {
		return nil, append(faults, Fault{f.Path, "it is no result: " + err.Error()})
	}
	if r.Key() != k {
		return nil, append(faults, Fault{f.Path, "it says that it is the result of " + r.Key().String()})
	}
	return &r, faults
}

// open reads a file and compares its SHA-256 with the certificate's; sealed
// says that its trial's test images were closed when that was written, before
// what the content was then.
func (e Evidence) open(f result.File, sealed bool, before func([]byte) ([]byte, error)) ([]byte, []Fault) {
	b, err := e.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, []Fault{{f.Path, "the file is missing"}}
	} else if err != nil {
		return nil, []Fault{{f.Path, err.Error()}}
	}
	if isFile(b, f) {
		return b, nil
	}
	then, err := b, errors.New("unknown")
	if sealed && before != nil {
		then, err = before(b)
	}
	if err != nil || !isFile(then, f) {
		return b, []Fault{{f.Path, "the file was changed: its SHA-256 is not the certificate's"}}
	}
	return b, nil
}

// decode decodes a result file, or that of an early stop.
func decode(b []byte, stopped bool) (r result.Result, err error) {
	if !stopped {
		err = models.UnmarshalStrict(b, &r)
		return r, err
	}
	var s result.Stopped
	err = models.UnmarshalStrict(b, &s)
	return s.Result(), err
}

func isFile(b []byte, f result.File) bool { return result.SHA256(b) == f.SHA256 }

// doubts lists what in a result contradicts itself or the configuration that
// it claims to be of. A result forged with care has none: only training it
// again shows that.
func (p *Problem) doubts(c Candidate, r *result.Result) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if !SameData(&r.Dataset, &p.Data) {
		if r.Dataset.Digest != p.Data.Digest {
			add("it is of another version of the data set: %s, the certificate has %s", short(r.Dataset.Digest), short(p.Data.Digest))
		} else {
			add("the data set is split or shaped otherwise than in the certificate")
		}
	}
	full := c.Spec().FullLayers()
	same := len(r.Model) == len(full)
	for i := 0; same && i < len(full); i++ {
		same = full[i].Equal(r.Model[i])
	}
	if !same {
		add("its model is not the one of %s", c.ID)
	}
	if !r.Train.Equal(c.Recipe) {
		add("its recipe is not the one of %s", c.ID)
	}
	if r.Status == result.StoppedEarly {
		return append(out, p.stoppedDoubts(r)...)
	}
	if r.Footprint.Parameters != c.Footprint.Parameters || r.Footprint.MACs != c.Footprint.MACs || r.Footprint.Peak != c.Footprint.Peak {
		add("its footprint is not the one of its model")
	}
	if r.Status != result.Done {
		return out
	}
	if r.Steps != c.Recipe.Steps {
		add("%d steps trained, the recipe says %d", r.Steps, c.Recipe.Steps)
	}
	if r.Correct.Validation == nil {
		add("done without validation figures")
	}
	return append(out, p.splitDoubts(r.On)...)
}

// splitDoubts compares the accounts of each split with one another.
func (p *Problem) splitDoubts(on func(result.Split) result.Figures) []string {
	var out []string
	for _, s := range result.Splits() {
		for _, doubt := range on(s).Check(s.Images(p.Data), p.Data.Classes, result.Whole) {
			out = append(out, string(s)+": "+doubt)
		}
	}
	return out
}

// Doubts lists what in the result of a candidate contradicts itself or its
// configuration; nil for a trial of no candidate.
func (p *Problem) Doubts(r *result.Result) []string {
	for _, c := range p.Candidates {
		if c.ID == r.ConfigID {
			return p.doubts(c, r)
		}
	}
	return nil
}
