package reporttest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// Stressed is an experiment whose networks were judged under two shifts: under
// the first each class loses two images, under the second class 7 is lost.
func Stressed(t testing.TB) report.Input {
	t.Helper()
	in := SmallPlan().Input(t)
	in.Experiment.Evaluate.Shifts = []string{"noise 20", "blur 1"}
	for i := range in.Results {
		in.Scores = append(in.Scores, Scored(&in.Results[i], in.Experiment.Evaluate.Shifts))
	}
	return in
}

// Scored are scores of a simulated result: wrong answers are unsure, every third
// right one as well. The first shift loses two images of every class, others
// lose class 7.
func Scored(r *result.Result, shifts []string) result.Scores {
	s := result.NewScores(*r)
	for _, split := range result.Splits() {
		f := r.On(split)
		if f.Correct == nil {
			continue
		}
		s.Sure[split] = result.Tally{{1, *f.Correct / 3, len(f.Wrong)}, {20, *f.Correct - *f.Correct/3, 0}}
		for k, name := range shifts {
			found := result.Found(f.Confusion)
			for class := range found {
				if k == 0 {
					found[class] -= 2
				} else if class == 7 {
					found[class] = 0
				}
			}
			s.SetFound(name, split, found)
		}
	}
	return s
}

// quantizedInput is the small experiment with int8 figures of the networks of
// kernel 5: each tells some images more wrong than its float32 network, the
// test images only those with 8 filters.
func Quantized(t testing.TB) report.Input {
	t.Helper()
	in := SmallPlan().Input(t)
	for i, r := range in.Results {
		if r.Assignment["kernel"] == 5.0 {
			in.Int8 = append(in.Int8, Worse(r, 2+i%3, r.Assignment["filters"] == 8.0))
		}
	}
	return in
}

// worse are int8 figures with n more wrong images of class 0.
func Worse(r result.Result, n int, test bool) result.Int8 {
	q := result.Int8{ConfigID: r.ConfigID, Seed: r.Seed, WeightsSHA: r.WeightsSHA, Bytes: 16_000 + 16*n, SHA256: strings.Repeat("ab", 32)}
	for _, s := range result.Splits() {
		if s == result.Test && !test {
			continue
		}
		f := r.On(s)
		right, m := *f.Correct-n, slices.Clone(f.Confusion)
		m[0] = slices.Clone(m[0])
		m[0][0], m[0][1] = m[0][0]-n, m[0][1]+n
		q.SetOn(s, result.Figures{Accuracy: new(float64(right) / float64(s.Images(r.Dataset))), Correct: &right, Confusion: m})
	}
	return q
}

// recipePlan is the small experiment with another learning rate: other config
// IDs, the same networks.
func Recipe(t *testing.T, rate float64) report.Input {
	t.Helper()
	p := SmallPlan()
	p.Name, p.Rate = "simulated-recipe", rate
	return p.Input(t)
}

// better makes every network of the input right on every second image that it
// had wrong.
func Better(in report.Input) report.Input {
	for i := range in.Results {
		r := &in.Results[i]
		if r.Status != result.Done {
			continue
		}
		for _, s := range result.Splits() {
			var kept [][2]int
			for k, w := range r.On(s).Wrong {
				if k%2 == 0 {
					kept = append(kept, w)
				}
			}
			images := s.Images(r.Dataset)
			correct := images - len(kept)
			*r.Wrong.At(s), **r.Correct.At(s), **r.Accuracy.At(s) = kept, correct, float64(correct)/float64(images)
		}
	}
	return in
}

// Compare builds both and puts them side by side.
func Compare(t *testing.T, a, b report.Input) *report.Comparison {
	t.Helper()
	c, err := report.Compare(Build(t, a, report.Options{}), Build(t, b, report.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Golden compares got with testdata/name; -update writes it instead.
func Golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test -update writes it anew. First difference: %s", file, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			return "\n got " + string(g[i]) + "\nwant " + string(w[i])
		}
	}
	return "one is longer"
}

// Main runs the tests of a package that has golden files: go test -update
// writes them anew.
func Main(m *testing.M) {
	flag.Bool("update", false, "write golden files anew")
	flag.Parse()
	os.Exit(m.Run())
}
