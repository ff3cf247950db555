package report

import (
	"cmp"
	"slices"

	"slimfit/pkg/footprint"
)

// front lists the rows that no other beats: none is as cheap or cheaper and as
// accurate or more so, and better in one of the two. Accuracy is the mean over
// finished seeds on the report's split. By rising cost.
func (r *filled) front(cost footprint.Cost) []int {
	k := r.CostIndex(cost)
	var order []int
	for i := range r.Rows {
		if r.JudgedScore(&r.Rows[i], r.Split) != nil {
			order = append(order, i)
		}
	}
	mean := func(i int) float64 { return r.JudgedScore(&r.Rows[i], r.Split).Mean }
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Rows[a].Costs[k], r.Rows[b].Costs[k]), cmp.Compare(mean(b), mean(a)))
	})
	var out []int
	for _, i := range order {
		if len(out) > 0 {
			last := out[len(out)-1]
			same := r.Rows[last].Costs[k] == r.Rows[i].Costs[k] && mean(last) == mean(i)
			if mean(i) <= mean(last) && !same {
				continue
			}
		}
		out = append(out, i)
	}
	return out
}
