package report

import (
	"cmp"
	"slices"

	"slimfit/pkg/footprint"
)

// front lists the rows that no other beats: none is as cheap or cheaper and as
// accurate or more so, and better in one of the two. Accuracy is the mean over
// finished seeds on the report's split. By rising cost.
func (r *Report) front(cost footprint.Cost) []int {
	k := r.costIndex(cost)
	var order []int
	for i := range r.Rows {
		if r.judgedScore(&r.Rows[i], r.Split) != nil {
			order = append(order, i)
		}
	}
	mean := func(i int) float64 { return r.judgedScore(&r.Rows[i], r.Split).Mean }
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

// byCost orders rows by the cost, then parameters, MACs, peak and ID: the
// stated tie-break of the pick, as a search has it.
func (r *Report) byCost(cost footprint.Cost) []int {
	order := make([]int, len(r.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &r.Rows[a], &r.Rows[b]
		for _, c := range []footprint.Cost{cost, footprint.Parameters, footprint.MACs, footprint.Peak} {
			k := r.costIndex(c)
			if d := cmp.Compare(x.Costs[k], y.Costs[k]); d != 0 {
				return d
			}
		}
		return cmp.Compare(x.ID, y.ID)
	})
	return order
}
