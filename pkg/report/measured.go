package report

import (
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// measuredCosts lists the measured costs that the experiment's target or figure
// looks at.
func measuredCosts(e *experiment.Experiment) []footprint.Cost {
	if e == nil {
		return nil
	}
	used := []footprint.Cost{footprint.Cost(e.Report.X)}
	if e.Target != nil {
		used = append(used, e.Target.Costs()...)
	}
	return slices.DeleteFunc(footprint.MeasuredCosts(), func(c footprint.Cost) bool { return !slices.Contains(used, c) })
}

// takeMeasured gives each row what its results say of its files, else those of
// another experiment, or a search's certificate, which knows those that were
// not trained too, and the baseline what its row has.
func (r *planned) takeMeasured(in Input) {
	known := map[string]*footprint.Measured{}
	if in.Certificate != nil {
		for _, j := range in.Certificate.Candidates {
			known[j.ConfigID] = j.Measured
		}
	}
	for _, results := range [][]result.Result{in.Others, in.Results} {
		for i := range results {
			if m := results[i].Footprint.Measured; m != nil {
				known[results[i].ConfigID] = m
			}
		}
	}
	for i := range r.Rows {
		if f := &r.Rows[i].Footprint; f.Measured == nil {
			f.Measured = known[r.Rows[i].ID]
		}
	}
	if b := r.Baseline.Row; b >= 0 {
		for k, c := range r.Costs {
			r.Baseline.Costs[k] = float64(r.Rows[b].Footprint.Get(c.Key))
		}
	}
}

// anyFiles says whether a network's files were measured.
func (r *Report) anyFiles() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Footprint.Measured != nil })
}
