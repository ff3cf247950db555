package report

import (
	"cmp"
	"slices"

	"slimfit/pkg/result"
)

// Mistake is an image that networks of one configuration get wrong.
type Mistake struct {
	Image     int    // its number in the split, from 0
	File      string // within a folder of pictures; "" where it is not known
	True      int    // class; -1 where it is not known
	Predicted int    // what most of the seeds that are wrong take it for, the lowest class of equals
	Seeds     int    // that are wrong
	// Mean softmax shares of Predicted and True, of the Scored seeds whose answer
	// that is and that are known to be sure of it.
	Score, TrueScore float64
	Scored           int
	Picture          []byte // PNG; nil where there is none
}

// Chosen is the row that a reader looks at first: the pick, else the one that
// comes nearest to the target, or is the most accurate where there is none; -1
// where no network has an accuracy.
func (r *Report) Chosen() int {
	if r.Answer.Pick >= 0 {
		return r.Answer.Pick
	}
	best, value := -1, 0.0
	for _, i := range r.ByCost(r.cost()) {
		if j := r.seen(&r.Rows[i], r.Split); j.Best != nil && (best < 0 || *j.Best > value) {
			best, value = i, *j.Best
		}
	}
	return best
}

// Worst lists the images of the split that most seeds of a configuration get
// wrong, at most so many, among equals those first that they are surest of, then
// lower numbers. File, true class and scores are of scores.json; older ones have none.
func Worst(results []result.Result, scores []result.Scores, configID string, split Split, most int) []Mistake {
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
	kept := map[int][]result.Mistake{}
	for _, s := range scores {
		if s.ConfigID != configID {
			continue
		}
		for _, m := range s.Mistakes[split] {
			kept[m.Image] = append(kept[m.Image], m)
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
		for _, s := range kept[image] {
			m.True, m.File = s.True, s.File
			if s.Predicted == m.Predicted {
				m.Score, m.TrueScore, m.Scored = m.Score+s.Score, m.TrueScore+s.TrueScore, m.Scored+1
			}
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(b.Seeds, a.Seeds), cmp.Compare(b.Score, a.Score), cmp.Compare(a.Image, b.Image))
	})
	for i := range all {
		n := float64(max(1, all[i].Scored))
		all[i].Score, all[i].TrueScore = all[i].Score/n, all[i].TrueScore/n
	}
	return all[:min(most, len(all))]
}
