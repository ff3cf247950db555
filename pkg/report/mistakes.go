package report

import (
	"cmp"
	"slices"

	"slimfit/pkg/result"
	"slimfit/pkg/target"
)

// Mistake is an image that networks of one configuration get wrong.
type Mistake struct {
	Image     int    // its number in the split, from 0
	True      int    // class
	Predicted int    // what most of the seeds that are wrong take it for, the lowest class of equals
	Seeds     int    // that are wrong
	Picture   []byte // PNG; nil where there is none
}

// Chosen is the row that a reader looks at first: the pick, else the one that
// comes nearest to the target, or is the most accurate where there is none; -1
// where no network has an accuracy.
func (r *Report) Chosen() int {
	if r.Answer.Pick >= 0 {
		return r.Answer.Pick
	}
	rule := target.Worst
	if r.Target != nil {
		rule = r.Target.Rule
	}
	best, value := -1, 0.0
	for _, i := range r.ByCost(r.cost()) {
		for _, j := range r.Rows[i].Judged[r.Split] {
			if j.Rule == rule && j.Best != nil && (best < 0 || *j.Best > value) {
				best, value = i, *j.Best
			}
		}
	}
	return best
}

// Worst lists the images of the split that most seeds of a configuration get
// wrong, at most so many, lower numbers first among equals. Their true classes
// are not in results: they are -1.
func Worst(results []result.Result, configID string, split Split, most int) []Mistake {
	votes := map[int]map[int]int{} // image, class, seeds
	for i := range results {
		r := &results[i]
		if r.ConfigID != configID || r.Status != result.Done {
			continue
		}
		for _, w := range r.On(split).Wrong {
			if votes[w[0]] == nil {
				votes[w[0]] = map[int]int{}
			}
			votes[w[0]][w[1]]++
		}
	}
	var all []Mistake
	for image, classes := range votes {
		m := Mistake{Image: image, True: -1}
		for class, n := range classes {
			m.Seeds += n
			if best := classes[m.Predicted]; n > best || n == best && class < m.Predicted {
				m.Predicted = class
			}
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Mistake) int { return cmp.Or(cmp.Compare(b.Seeds, a.Seeds), cmp.Compare(a.Image, b.Image)) })
	return all[:min(most, len(all))]
}
