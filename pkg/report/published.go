package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/text"
)

// PublishedRow is one line of a file of published figures: an accuracy that
// somebody else reports for a configuration.
type PublishedRow struct {
	Line   int               // in the file, for errors
	Where  map[string]string // axis or column name to value; "config" is a configuration's ID, "experiment" an experiment's name
	Figure Published
}

// ReadPublished reads published figures from CSV. The first line names the
// columns: `accuracy` (a fraction), optionally `seconds` and `source`, and
// what tells the configuration: `experiment`, `config` or axes. Errors are
// "file:line: what is wrong".
func ReadPublished(in io.Reader, file string) ([]PublishedRow, error) {
	c := csv.NewReader(in)
	c.Comment, c.TrimLeadingSpace = '#', true
	head, err := c.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: no header line: want columns such as kernel,filters,accuracy,source", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if !slices.Contains(head, "accuracy") {
		return nil, fmt.Errorf("%s:1: no column `accuracy`, only %s", file, strings.Join(head, ", "))
	}
	var rows []PublishedRow
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		line, _ := c.FieldPos(0)
		row, err := publishedRow(head, record)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, line, err)
		}
		row.Line = line
		rows = append(rows, row)
	}
}

func publishedRow(head, record []string) (PublishedRow, error) {
	row := PublishedRow{Where: map[string]string{}}
	for i, name := range head {
		value := strings.TrimSpace(record[i])
		switch name {
		case "accuracy":
			v, err := strconv.ParseFloat(value, 64)
			if err != nil || !(v >= 0 && v <= 1) {
				return row, fmt.Errorf("accuracy %q: want a fraction, such as 0.9581 for 95.81 %%", value)
			}
			row.Figure.Accuracy, row.Figure.Rounding = v, Rounding(value)
		case "seconds":
			if value == "" {
				continue
			}
			v, err := strconv.ParseFloat(value, 64)
			if err != nil || !(v >= 0) {
				return row, fmt.Errorf("seconds %q: want a number", value)
			}
			row.Figure.Seconds = &v
		case "source":
			row.Figure.Source = value
		default:
			if value != "" {
				row.Where[name] = value
			}
		}
	}
	return row, nil
}

// Rounding is half a unit of the last digit after the point: 0.986 stands for
// 0.9855 to 0.9865. It is 0 for a number written otherwise.
func Rounding(printed string) float64 {
	_, digits, ok := strings.Cut(printed, ".")
	if !ok || strings.ContainsAny(printed, "eE") {
		return 0
	}
	return 0.5 * math.Pow10(-len(digits))
}

// publish puts published figures beside the configurations they are for.
// Lines of another experiment are skipped; a line that fits none or several
// configurations is an error.
func (r *filled) publish(rows []PublishedRow) error {
	for _, p := range rows {
		if name, ok := p.Where["experiment"]; ok && name != r.Name {
			continue
		}
		fit := r.Find(p.Where)
		if len(fit) != 1 {
			return fmt.Errorf("published figures, line %d: fits %s of %s, want one", p.Line, text.Count(len(fit), "configuration"), r.Name)
		}
		row := &r.Rows[fit[0]]
		if row.Published != nil {
			return fmt.Errorf("published figures, line %d: a second figure for %s", p.Line, row.Label)
		}
		figure := p.Figure
		figure.Place = place(figure.Accuracy, row.Score(Test))
		row.Published = &figure
	}
	return nil
}

func (r *Report) matches(row *Row, where map[string]string) bool {
	for name, want := range where {
		switch at := r.AxisIndex(name); {
		case name == "experiment":
		case name == "config":
			if row.ID != want {
				return false
			}
		case at < 0 || compareNatural(row.Values[at], want) != 0:
			return false
		}
	}
	return true
}

// place says where a published test accuracy lies among our seeds.
func place(v float64, s *Score) string {
	switch {
	case s == nil:
		return "no test accuracy of ours"
	case v < s.Min:
		return "below all of " + text.Count(s.N, "seed")
	case v > s.Max:
		return "above all of " + text.Count(s.N, "seed")
	case v < s.Mean:
		return "within our range, below the mean"
	case v > s.Mean:
		return "within our range, above the mean"
	}
	return "our mean"
}
