package report

import (
	"slices"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
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
func (r *Report) takeMeasured(in Input) {
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

// anyFiles says whether filesTable has rows.
func (r *Report) anyFiles() bool {
	return slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Footprint.Measured != nil })
}

// filesTable shows what each network's files take; it has no rows where nobody
// measured.
func (r *Report) filesTable() Table {
	names, cells := r.nameColumns()
	t := Table{Name: "files", Caption: "Bytes of each network's files and of its activations in TensorFlow Lite Micro", Columns: names}
	for _, h := range []string{"TFLite", "TFLite int8", "npz", "arena", "arena float32", "latency µs"} {
		t.Columns = append(t.Columns, Column{h, true})
	}
	for i := range r.Rows {
		m := r.Rows[i].Footprint.Measured
		if m == nil {
			continue
		}
		line := cells(i)
		for _, v := range []int{m.TFLite, m.TFLiteInt8, m.NPZ, m.Arena, m.ArenaFloat, r.Rows[i].Footprint.Get(footprint.LatencyMicros)} {
			if v == 0 {
				line = append(line, none)
				continue
			}
			line = append(line, text.Whole(float64(v)))
		}
		t.Rows = append(t.Rows, line)
	}
	latency := slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Footprint.Has(footprint.LatencyMicros) })
	if latency {
		t.Caption += ", and single-image latency as measured"
	} else {
		t.Columns = t.Columns[:len(t.Columns)-1]
		for i := range t.Rows {
			t.Rows[i] = t.Rows[i][:len(t.Columns)]
		}
	}
	return t
}

// costsSection shows what is counted and what is measured.
func (r *Report) costsSection() Section {
	s := Section{Title: "What each network costs", Tables: []Table{r.footprintTable(), r.ratiosTable()},
		Text: []string{"For one image, counted from the architecture. Each figure has its own convention; see the definitions."}}
	if t := r.filesTable(); len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
	return s
}
