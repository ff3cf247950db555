package reporttest

import (
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
)

// Stressed is an experiment whose networks were judged under two shifts: under
// the first each class loses two images, under the second class 7 is lost.
func Stressed(t testing.TB) report.Input {
	t.Helper()
	p := SmallPlan()
	e := p.Experiment(t)
	e.Evaluate.Shifts = []string{"noise 20", "blur 1"}
	in := report.Input{Experiment: e}
	in.Results, in.Histories = p.Run(e)
	for i := range in.Results {
		in.Scores = append(in.Scores, Scored(&in.Results[i], e.Evaluate.Shifts))
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
			found := make([]int, len(f.Confusion))
			for class, row := range f.Confusion {
				found[class] = row[class]
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
