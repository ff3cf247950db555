package search

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// against names what a certificate, whose problem is p, says otherwise than the
// experiment file: names, data set, seeds, configurations with their recipes,
// and their assignments. The target is OtherQuestion's.
func against(c *result.Certificate, p *Problem, e *experiment.Experiment) []Fault {
	var faults []Fault
	file := filepath.Base(e.File)
	differ := func(at string, given, said any) {
		a, errA := plainJSON(given)
		b, errB := plainJSON(said)
		if errA != nil || errB != nil || len(unequal(a, b)) > 0 {
			faults = append(faults, Fault{at, fmt.Sprintf("it says %s, %s says %s", brief(a), file, brief(b))})
		}
	}
	differ("experiment", c.Experiment, e.Name)
	differ("dataset.name", c.Dataset.Name, e.Ref.Name)
	if !SameData(&c.Dataset, &e.Data) {
		differ("dataset", c.Dataset, e.Data)
		return faults // and so does every configuration
	}
	if e.Target != nil {
		differ("seeds", c.Seeds, judgedSeeds(e))
	} else {
		differ("seeds", c.Seeds, e.Seeds)
	}
	listed, ids := map[string]Candidate{}, map[string]bool{}
	for _, k := range slices.Concat(p.Candidates, p.OverBudget) {
		listed[k.Digest()], ids[k.ID] = k, true
	}
	if c.Space != nil {
		return faults // its digest tells the others
	}
	for _, k := range e.Configs {
		digest := k.Config.Digest()
		switch had, ok := listed[digest]; {
		case ok:
			differ(had.ID+": assignment", had.Assignment, k.Assignment)
		case ids[k.ID]: // two with one short ID
			faults = append(faults, Fault{k.ID, "its model or recipe is not the one of " + file})
		default:
			faults = append(faults, Fault{"certificate", k.ID + " of " + file + " is not in it"})
		}
		delete(listed, digest)
	}
	for _, digest := range slices.Sorted(maps.Keys(listed)) {
		faults = append(faults, Fault{"certificate", listed[digest].ID + " is not in " + file})
	}
	return faults
}

// judgedSeeds are those of an experiment that its target judges.
func judgedSeeds(e *experiment.Experiment) []int64 {
	if n := e.Target.Seeds; n > 0 && n < len(e.Seeds) {
		return e.Seeds[:n]
	}
	return e.Seeds
}

// OtherQuestion says in which keys the target of an experiment is not the one
// that the certificate answers, such as "accuracy 0.88 there, 0.89 here"; ""
// where it is.
func OtherQuestion(c *result.Certificate, e *experiment.Experiment) string {
	if e.Target == nil {
		return "there is no target there"
	}
	return unlike(asked(e.Target), question{c.Target, cmp.Or(c.Evidence, target.Certificate)}, "there", "here")
}

// Otherwise says in which keys a target asks otherwise than the one before it;
// "" where it does not.
func Otherwise(before, now *experiment.Target) string {
	if now == nil {
		return "none now"
	}
	words := unlike(asked(before), asked(now), "before", "now")
	return strings.Replace(words, target.Certificate+" before, "+target.Observed, target.Observed, 1) // no word on what it does not give
}

// question is what a target asks for.
type question struct {
	result.Target
	Evidence string `json:"evidence"`
}

func asked(t *experiment.Target) question {
	return question{(&Problem{Target: *t}).target(), cmp.Or(t.Evidence, target.Certificate)}
}

// unlike names the keys in which two targets differ, each with both values.
func unlike(a, b question, ofA, ofB string) string {
	x, errX := plainJSON(a)
	y, errY := plainJSON(b)
	if errX != nil || errY != nil {
		return "its target is no target"
	}
	var words []string
	for _, d := range unequal(x, y) {
		words = append(words, fmt.Sprintf("%s %s %s, %s %s", strings.TrimPrefix(d.at, "."), valueWords(d.a), ofA, valueWords(d.b), ofB))
	}
	return strings.Join(words, "; ")
}

// Asked says whether a certificate answers this very question; e is its
// experiment.
func (p *Problem) Asked(c *result.Certificate, e *experiment.Experiment) bool {
	q, _ := fromCertificate(c, e)
	return q != nil && q.Question() == p.Question() && (c.Space == nil || p.field != nil && c.Space.SHA256 == p.field.digest)
}

// valueWords is a JSON value for a sentence.
func valueWords(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case string:
		return v
	case []any:
		if len(v) == 0 {
			return "none"
		}
	}
	return brief(v)
}
