package search

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// Trained is a trial as its folder holds it.
type Trained struct {
	Result  result.Result
	History []result.Point // nil where it is not known
}

// Sample draws k distinct trials of those that the certificate rests on, all
// of them where there are fewer. The same seed draws the same ones. They come
// in the certificate's order.
func Sample(c *result.Certificate, k int, seed uint64) ([]experiment.Trial, error) {
	var all []experiment.Trial
	for _, j := range c.Candidates {
		if len(j.Networks) == 0 {
			continue
		}
		config, f, err := rebuild(j, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", j.ConfigID, err)
		}
		seeds := map[int64]bool{}
		for _, n := range j.Networks {
			seeds[n.Seed] = true
		}
		for _, o := range c.Openings {
			for _, n := range o.Networks {
				seeds[n.Seed] = seeds[n.Seed] || o.ConfigID == j.ConfigID
			}
		}
		for _, n := range slices.Sorted(maps.Keys(seeds)) {
			if seeds[n] {
				all = append(all, experiment.Trial{Seed: n, Configuration: configuration(j, config, f)})
			}
		}
	}
	picked := make([]bool, len(all))
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(all))[:min(max(k, 0), len(all))] {
		picked[i] = true
	}
	var out []experiment.Trial
	for i, t := range all {
		if picked[i] {
			out = append(out, t)
		}
	}
	return out, nil
}

func configuration(j result.Judged, config models.Config, f footprint.Footprint) *experiment.Configuration {
	return &experiment.Configuration{ID: j.ConfigID, Assignment: j.Assignment, Config: config, Footprint: f}
}

// Retrained compares a trial with its training anew, bit for bit: weights,
// history, and every wrong image of the splits that both judged. where names
// the trial. A difference on another machine may be that machine's; the fault
// says so.
func Retrained(where string, old, again Trained) []Fault {
	var faults []Fault
	a, b := old.Result, again.Result
	add := func(format string, args ...any) {
		faults = append(faults, Fault{where, "trained again: " + fmt.Sprintf(format, args...)})
	}
	if a.Status != b.Status {
		add("it is now %s, was %s", b.Status, a.Status)
		return append(faults, otherMachine(where, a.Environment, b.Environment)...)
	}
	if !a.Environment.SameKernels(b.Environment) {
		for _, s := range result.Splits() {
			was, is, n := a.On(s).Correct, b.On(s).Correct, s.Images(a.Dataset)
			if was != nil && is != nil && n > 0 && !withinNoise(*was, *is, n) {
				add("%d %s images correct, was %d: more than noise", *is, s, *was)
			}
		}
		return faults
	}
	if a.WeightsSHA != b.WeightsSHA {
		add("other weights, SHA-256 %s, was %s", short(b.WeightsSHA), short(a.WeightsSHA))
	}
	if i := firstDifference(old.History, again.History); old.History != nil && i >= 0 {
		add("another history, from its point %d on", i+1)
	}
	for _, s := range result.Splits() {
		was, is := a.On(s), b.On(s)
		switch {
		case was.Correct == nil || is.Correct == nil:
		case *was.Correct != *is.Correct:
			add("%d %s images correct, was %d", *is.Correct, s, *was.Correct)
		case !slices.Equal(was.Wrong, is.Wrong):
			add("as many %s images correct, but other ones", s)
		}
	}
	if len(faults) > 0 {
		faults = append(faults, otherMachine(where, a.Environment, b.Environment)...)
	}
	return faults
}

// withinNoise says whether two counts of n images differ by no more than four
// standard errors of their difference, were both drawn at random.
func withinNoise(a, b, n int) bool {
	p := float64(a+b) / float64(2*n)
	return math.Abs(float64(a-b)) <= 4*math.Sqrt(2*float64(n)*p*(1-p))+1
}

// otherMachine names what of two environments can change the last bits.
func otherMachine(where string, a, b result.Environment) []Fault {
	var faults []Fault
	for _, d := range []struct {
		name    string
		was, is any
	}{
		{"TensorFlow", a.TensorFlow, b.TensorFlow}, {"threads", a.Threads, b.Threads}, {"device", a.Device, b.Device},
		{"kernels of the first convolution", a.Kernels(), b.Kernels()},
		{"CPU features", a.CPUFeatures, b.CPUFeatures}, {"system", a.OS, b.OS},
	} {
		if !reflect.DeepEqual(d.was, d.is) {
			faults = append(faults, Fault{where, fmt.Sprintf("this may be the machine: %s %v here, %v then", d.name, d.is, d.was)})
		}
	}
	return faults
}

// firstDifference is the index of the first point in which two histories
// differ, -1 if they are the same. Versions measured the accuracy at more or
// fewer of the same steps.
func firstDifference(a, b []result.Point) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x.Step != y.Step || x.Loss != y.Loss || x.Validation != nil && y.Validation != nil && *x.Validation != *y.Validation {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}
