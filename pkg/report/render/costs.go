package render

import (
	"slices"

	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/text"
)

// Files shows what each network's files take; it has no rows where nobody
// measured.
func Files(r *report.Report) Table {
	names, cells := nameColumns(r)
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
				line = append(line, None)
				continue
			}
			line = append(line, text.Whole(float64(v)))
		}
		t.Rows = append(t.Rows, line)
	}
	latency := slices.ContainsFunc(r.Rows, func(row report.Row) bool { return row.Footprint.Has(footprint.LatencyMicros) })
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
func costsSection(r *report.Report) Section {
	s := Section{Title: "What each network costs", Tables: []Table{Footprint(r), ratiosTable(r)},
		Text: []string{"For one image, counted from the architecture. Each figure has its own convention; see the definitions."}}
	if t := Files(r); len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
	return s
}

func Footprint(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "footprint", Caption: "Footprint of each network under every convention", Columns: conventions(names)}
	trained := report.TrainsMore(r.Rows)
	if trained {
		t.Columns = append(t.Columns, Column{"parameters trained", true})
	}
	add := func(line []string, f *footprint.Footprint) {
		for _, v := range counted(f) {
			line = append(line, text.Whole(v))
		}
		if trained {
			line = append(line, text.Thousands(f.Trained()))
		}
		t.Rows = append(t.Rows, line)
	}
	if r.Baseline.Row < 0 {
		line := make([]string, len(names))
		line[0] = text.Plain(r.Baseline.Name)
		add(line, &r.Baseline.Footprint)
	}
	for i := range r.Rows {
		add(cells(i), &r.Rows[i].Footprint)
	}
	return t
}

// ratiosTable is footprintTable against the baseline.
func ratiosTable(r *report.Report) Table {
	names, cells := nameColumns(r)
	t := Table{Name: "ratios", Caption: "How many times less than " + text.Plain(r.Baseline.Name) + ", under every convention",
		Columns: conventions(names)}
	base := counted(&r.Baseline.Footprint)
	for i := range r.Rows {
		line := cells(i)
		for k, v := range counted(&r.Rows[i].Footprint) {
			line = append(line, text.Ratio(base[k]/max(v, 1)))
		}
		t.Rows = append(t.Rows, line)
	}
	return t
}

// conventions are the columns of footprintTable after those that name a row.
func conventions(names []Column) []Column {
	for _, h := range []string{"parameters", "weights", "MACs", "weight bytes", "activations", "activations with dense", "peak activations"} {
		names = append(names, Column{h, true})
	}
	return names
}

func counted(f *footprint.Footprint) []float64 {
	return []float64{float64(f.Parameters), float64(f.Weights), float64(f.MACs), float64(f.WeightBytes),
		float64(f.Activations.Paper), float64(f.Activations.All), float64(f.Peak)}
}
