package target

import (
	"encoding/json"
	"math/big"
	"os"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// vector is one configuration and what it comes to; the report's page is tested
// by the same ones.
type vector struct {
	Name      string             `json:"name"`
	Rule      string             `json:"rule"`
	Seeds     int                `json:"seeds"`
	Accuracy  float64            `json:"accuracy"`
	Metric    string             `json:"metric"`
	RecallAll float64            `json:"recall_all"`
	Recall    map[string]float64 `json:"recall"`
	Networks  []Network          `json:"networks"`
	Verdict   Verdict            `json:"verdict"`
	Value     float64            `json:"value"` // to twelve digits
}

func TestVectors(t *testing.T) {
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	verdicts := map[Verdict]int{}
	for _, v := range all {
		goal := &Target{Accuracy: v.Accuracy, Metric: v.Metric, Confidence: 0.95, Rule: v.Rule, RecallAll: v.RecallAll}
		for class, floor := range v.Recall {
			n, err := strconv.Atoi(class)
			if err != nil {
				t.Fatal(err)
			}
			goal.Recall = append(goal.Recall, Recall{n, floor})
		}
		j, err := NewJudge(goal, v.Seeds)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		seen := j.See(v.Networks)
		got := seen.Verdict(v.Accuracy)
		verdicts[got]++
		if got != v.Verdict {
			t.Errorf("%s: %s, want %s (%+v)", v.Name, got, v.Verdict, seen)
		}
		if d := seen.Value - v.Value; d > 1e-12 || d < -1e-12 {
			t.Errorf("%s: value %v, want %v", v.Name, seen.Value, v.Value)
		}
	}
	if len(verdicts) != 3 {
		t.Errorf("the vectors end in %v only", verdicts)
	}
}

// Networks are judged in whole images: what reaches a share written in decimal
// digits is what exact arithmetic says.
func TestReachesIsExact(t *testing.T) {
	exact := func(correct, images int, share float64) bool {
		r, _ := new(big.Rat).SetString(strconv.FormatFloat(share, 'g', -1, 64))
		return new(big.Rat).SetFrac64(int64(correct), int64(images)).Cmp(r) >= 0
	}
	for _, c := range []struct {
		images, needed int
		share          float64
	}{{100, 29, 0.29}, {100, 7, 0.07}, {10000, 9500, 0.95}, {3 * 5000, 14850, 0.99}, {7, 1, 0.0000001}, {10, 0, 0}, {10, 10, 1}, {0, 0, 0.5}} {
		if got := Needed(c.images, c.share); got != c.needed {
			t.Errorf("%v of %d images are %d, want %d", c.share, c.images, got, c.needed)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		images := rapid.IntRange(1, 100_000_000).Draw(t, "images")
		scale := rapid.SampledFrom([]int{10, 100, 1000, 100_000, 10_000_000}).Draw(t, "scale")
		digits := rapid.IntRange(1, scale).Draw(t, "digits")
		share := float64(digits) / float64(scale)
		needed := Needed(images, share)
		for correct := max(0, needed-2); correct <= min(images, needed+2); correct++ {
			if got, want := Reaches(correct, images, share), exact(correct, images, share); got != want || got != (correct >= needed) {
				t.Fatalf("%d of %d against %v: %v, exactly %v, needed %d", correct, images, share, got, want, needed)
			}
		}
	})
}

// All triples of 5,000 images whose mean is exactly the target meet it; their
// accuracies' sum is below it for more than half of them.
func TestExactTies(t *testing.T) {
	j, err := NewJudge(&Target{Accuracy: 0.99, Confidence: 0.95, Rule: Mean}, 3)
	if err != nil {
		t.Fatal(err)
	}
	old := *j
	old.FloatSums = true
	triples, missed := 0, 0
	for a := 4900; a <= 5000; a++ {
		for b := a; b <= 5000; b++ {
			c := 3*4950 - a - b
			if c < b || c > 5000 {
				continue
			}
			nets := []Network{{Correct: a, Images: 5000}, {Correct: b, Images: 5000}, {Correct: c, Images: 5000}}
			triples++
			if j.See(nets).Verdict(0.99) != Meets {
				t.Errorf("%d, %d and %d of 5000 miss a mean of 0.99", a, b, c)
			}
			if old.See(nets).Verdict(0.99) != Meets {
				missed++
			}
			nets[0].Correct--
			if j.See(nets).Verdict(0.99) != Misses {
				t.Errorf("%d, %d and %d of 5000 meet a mean of 0.99", a-1, b, c)
			}
		}
	}
	if triples < 1000 || missed == 0 {
		t.Errorf("%d triples, of which %d are missed by sums of rounded accuracies", triples, missed)
	}
}

// Best is an upper bound of what any continuation reaches.
func TestBestIsTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j, err := NewJudge(&Target{Accuracy: 0.95, Confidence: 0.95, Rule: rapid.SampledFrom(Rules()).Draw(t, "rule")}, 10)
		if err != nil {
			t.Fatal(err)
		}
		nets := func(name string, low, high int) (all []Network) {
			for _, c := range rapid.SliceOfN(rapid.IntRange(4500, 5000), low, high).Draw(t, name) {
				all = append(all, Network{Correct: c, Images: 5000})
			}
			return all
		}
		have := nets("have", 1, 9)
		seen := j.See(have)
		all := j.See(append(have, nets("rest", 10-len(have), 10-len(have))...))
		if all.Value > seen.Best+1e-12 || all.Best != all.Value {
			t.Fatalf("with all seeds %v, best %v, above what was the best, %v", all.Value, all.Best, seen.Best)
		}
	})
}

func TestNewJudge(t *testing.T) {
	for _, rule := range Rules() {
		least := LeastSeeds(rule)
		if _, err := NewJudge(&Target{Confidence: 0.95, Rule: rule}, least); err != nil {
			t.Errorf("%s with %d seeds: %v", rule, least, err)
		}
		if _, err := NewJudge(&Target{Confidence: 0.95, Rule: rule}, least-1); err == nil {
			t.Errorf("%s with %d seeds: no error", rule, least-1)
		}
	}
}

// Needed, in exact arithmetic, is the fewest correct of images that reach the share.
func Needed(images int, share float64) int {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(share, 'g', -1, 64))
	if !ok {
		return images + 1 // not a number
	}
	r.Mul(r, new(big.Rat).SetInt64(int64(images)))
	n := new(big.Int).Div(new(big.Int).Sub(new(big.Int).Add(r.Num(), r.Denom()), big.NewInt(1)), r.Denom())
	return int(n.Int64())
}
