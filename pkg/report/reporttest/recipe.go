package reporttest

import (
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// recipePlan is the small experiment with another learning rate: other config
// IDs, the same networks.
func Recipe(t *testing.T, rate float64) report.Input {
	t.Helper()
	p := SmallPlan()
	p.Name, p.Rate = "simulated-recipe", rate
	e := p.Experiment(t)
	results, histories := p.Run(e)
	return report.Input{Experiment: e, Results: results, Histories: histories}
}

// better makes every network of the input right on every second image that it
// had wrong.
func Better(in report.Input) report.Input {
	for i := range in.Results {
		r := &in.Results[i]
		if r.Status != result.Done {
			continue
		}
		for _, s := range []struct {
			wrong   *[][2]int
			correct *int
			acc     *float64
			images  int
		}{{&r.Wrong.Validation, r.Correct.Validation, r.Accuracy.Validation, r.Dataset.Validation},
			{&r.Wrong.Test, r.Correct.Test, r.Accuracy.Test, r.Dataset.Test}} {
			var kept [][2]int
			for k, w := range *s.wrong {
				if k%2 == 0 {
					kept = append(kept, w)
				}
			}
			*s.wrong, *s.correct = kept, s.images-len(kept)
			*s.acc = float64(*s.correct) / float64(s.images)
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
