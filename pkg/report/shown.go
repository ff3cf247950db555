package report

import (
	"cmp"
	"slices"

	"slimfit/pkg/footprint"
)

// MostRows is how many networks a page or a figure shows. CSV and JSON hold them all.
const MostRows = 1000

// Shown is the report cut down to the rows that a person looks at: the pick,
// the baseline, the front, what is undecided before the pick, then the cheapest
// and the most accurate in turn. It is the report itself where that is all.
func (r *Report) Shown(limit int) *Report {
	if len(r.Rows) <= limit {
		return r
	}
	keep := r.choose(limit)
	place := make(map[int]int, len(keep))
	out := *r
	out.Rows, out.LeftOut = nil, len(r.Rows)-len(keep)
	for _, i := range keep {
		place[i] = len(out.Rows)
		out.Rows = append(out.Rows, r.Rows[i])
	}
	one := func(i int) int {
		if at, ok := place[i]; ok {
			return at
		}
		return -1
	}
	move := func(rows []int) []int {
		var kept []int
		for _, i := range rows {
			if at := one(i); at >= 0 {
				kept = append(kept, at)
			}
		}
		return kept
	}
	out.Answer.Pick, out.Answer.Open = one(r.Answer.Pick), move(r.Answer.Open)
	out.Baseline.Row, out.Front, out.Pairs = one(r.Baseline.Row), move(r.Front), nil
	out.Chart.Curves = slices.Clone(r.Chart.Curves)
	for i := range out.Chart.Curves {
		out.Chart.Curves[i].Rows = move(out.Chart.Curves[i].Rows)
	}
	return &out
}

// choose lists the rows to keep, in the report's order.
func (r *Report) choose(limit int) []int {
	var keep []int
	taken := map[int]bool{}
	take := func(i int) {
		if i >= 0 && !taken[i] && len(keep) < limit {
			taken[i] = true
			keep = append(keep, i)
		}
	}
	take(r.Answer.Pick)
	take(r.Baseline.Row)
	for _, i := range slices.Concat(r.Front, r.Answer.Open) {
		take(i)
	}
	cheap := r.ByCost(r.cost())
	good := r.byAccuracy()
	for i := range cheap {
		take(cheap[i])
		take(good[i])
	}
	slices.Sort(keep)
	return keep
}

// byAccuracy orders rows by falling mean accuracy, then cost.
func (r *Report) byAccuracy() []int {
	order := r.ByCost(footprint.Parameters)
	mean := func(i int) float64 {
		if s := r.DrawnScore(&r.Rows[i], r.Split); s != nil {
			return s.Mean
		}
		return -1
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(mean(b), mean(a)) })
	return order
}
