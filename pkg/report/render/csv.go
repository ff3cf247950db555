package render

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// TrialsCSV writes one line a planned trial: for spreadsheets and data frames.
// Accuracies are fractions, as in the result files; an empty field is a figure
// that does not exist. Axes that only some reports have are empty in others.
func TrialsCSV(reports []*report.Report) ([]byte, error) {
	axes := allAxes(reports)
	head := append([]string{"experiment", "config_id", "label"}, axes...)
	head = append(head, "seed", "status", "reason")
	measured := []string{"", "_correct", "_images", "_low", "_high"}
	head = append(head, splitHeads("", measured)...)
	head = append(append(head, "steps", "seconds"), costHeads(reports)...)
	int8 := hasInt8(reports)
	if int8 {
		head = append(append(head, splitHeads("int8_", measured)...), "int8_bytes")
	}
	lines := [][]string{head}
	for _, r := range reports {
		for i := range r.Rows {
			row := &r.Rows[i]
			for j := range row.Trials {
				t := &row.Trials[j]
				line := append(identity(r, row, axes), fmt.Sprint(t.Seed), string(t.Status), text.SheetCell(t.Reason))
				for _, s := range result.Splits() {
					line = append(line, measuredCells(t.On(s))...)
				}
				if t.Status == report.Absent || t.Status == report.Skipped {
					line = append(line, "", "")
				} else {
					line = append(line, fmt.Sprint(t.Steps), text.Number(t.Seconds))
				}
				line = append(line, costCells(row)...)
				if int8 {
					line = append(line, int8Fields(t.Int8)...)
				}
				lines = append(lines, line)
			}
		}
	}
	return writeCSV(lines)
}

// ConfigurationsCSV writes one line a configuration: what the results table
// shows.
func ConfigurationsCSV(reports []*report.Report) ([]byte, error) {
	axes := allAxes(reports)
	head := append([]string{"experiment", "config_id", "label"}, axes...)
	head = append(append(head, costHeads(reports)...), "activations_with_dense", "planned", "done", "failed", "diverged", "missing", "skipped")
	scored := []string{"_mean", "_sd", "_min", "_max"}
	head = append(head, splitHeads("", scored)...)
	head = append(head, "seconds_mean", "verdict", "why", "published", "published_source")
	int8 := hasInt8(reports)
	if int8 {
		head = append(append(head, splitHeads("int8_", scored)...), "int8_bytes")
	}
	lines := [][]string{head}
	for _, r := range reports {
		for i := range r.Rows {
			row := &r.Rows[i]
			line := append(append(identity(r, row, axes), costCells(row)...), fmt.Sprint(row.Footprint.Activations.All))
			c := row.Counts
			for _, n := range []int{c.Planned, c.Done, c.Failed, c.Diverged, c.Missing, c.Skipped} {
				line = append(line, fmt.Sprint(n))
			}
			for _, s := range result.Splits() {
				line = append(line, scoreFields(row.Score(s))...)
			}
			time, published, source := "", "", ""
			if row.Seconds != nil {
				time = text.Number(row.Seconds.Mean)
			}
			if row.Published != nil {
				published, source = text.Number(row.Published.Accuracy), text.SheetCell(row.Published.Source)
			}
			line = append(line, time, string(row.Verdict), text.SheetCell(row.Why), published, source)
			if int8 {
				line = append(line, int8ScoreFields(row.Int8)...)
			}
			lines = append(lines, line)
		}
	}
	return writeCSV(lines)
}

// splitHeads names the fields of both splits.
func splitHeads(prefix string, endings []string) (heads []string) {
	for _, s := range result.Splits() {
		for _, end := range endings {
			heads = append(heads, prefix+string(s)+end)
		}
	}
	return heads
}

func allAxes(reports []*report.Report) []string {
	var axes []string
	for _, r := range reports {
		for _, a := range r.Axes {
			if !slices.Contains(axes, a.Name) {
				axes = append(axes, a.Name)
			}
		}
	}
	return axes
}

func costHeads(reports []*report.Report) []string {
	var heads []string
	for _, c := range reports[0].Costs {
		heads = append(heads, string(c.Key))
	}
	return heads
}

func costCells(row *report.Row) []string {
	var cells []string
	for _, c := range row.Costs {
		cells = append(cells, text.Number(c))
	}
	return cells
}

func identity(r *report.Report, row *report.Row, axes []string) []string {
	line := []string{text.SheetCell(r.Name), text.SheetCell(row.ID), text.SheetCell(row.Label)}
	for _, name := range axes {
		v := ""
		if at := r.AxisIndex(name); at >= 0 {
			v = row.Values[at]
		}
		line = append(line, text.SheetCell(v))
	}
	return line
}

func measuredCells(m *report.Measured) []string {
	if m == nil {
		return []string{"", "", "", "", ""}
	}
	cells := []string{text.Number(m.Accuracy), "", "", "", ""}
	if m.Correct != nil {
		cells[1], cells[2] = fmt.Sprint(*m.Correct), fmt.Sprint(m.Images)
	}
	if m.Interval != nil {
		cells[3], cells[4] = text.Number(m.Interval.Low), text.Number(m.Interval.High)
	}
	return cells
}

func scoreFields(s *report.Score) []string {
	if s == nil {
		return []string{"", "", "", ""}
	}
	sd := ""
	if s.SD != nil {
		sd = text.Number(*s.SD)
	}
	return []string{text.Number(s.Mean), sd, text.Number(s.Min), text.Number(s.Max)}
}

func writeCSV(lines [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(lines); err != nil {
		return nil, fmt.Errorf("write csv: %w", err)
	}
	return b.Bytes(), nil
}

// JSON writes a list of reports without escapes of <, > and &, indented unless
// it is too long for anyone to read.
func JSON(reports []*report.Report) ([]byte, error) {
	return indented(reports, !slices.ContainsFunc(reports, func(r *report.Report) bool { return len(r.Rows) > report.MostRows }))
}

func indented(v any, indent bool) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if indent {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write json: %w", err)
	}
	return b.Bytes(), nil
}
