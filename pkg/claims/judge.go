package claims

import (
	"fmt"

	"slimfit/pkg/report"
	"slimfit/pkg/stats"
)

// Verdict is what the results make of a claim.
type Verdict string

const (
	Holds     Verdict = "holds"
	Fails     Verdict = "fails"
	Partly    Verdict = "partly"      // for some of its cells
	Undecided Verdict = "not decided" // seeds and images leave it open
	Untested  Verdict = "not tested"  // results are missing
)

// confidence is that of every interval and bound here; a difference is real
// where its corrected p is below 1 - confidence.
const (
	confidence     = 0.95
	bootstrapDraws = 2000
	bootstrapSeed  = 1705_03338
)

// Judged is a claim with its verdict and what it rests on.
type Judged struct {
	Claim   string       `json:"claim"`
	Source  string       `json:"source"`
	Check   Check        `json:"check"`
	Verdict Verdict      `json:"verdict"`
	Finding string       `json:"finding"` // what the results say, in words
	Note    string       `json:"note"`
	Split   report.Split `json:"split"`
	Cells   []Cell       `json:"cells"`
}

// Cell is one configuration that a claim speaks of.
type Cell struct {
	Experiment string         `json:"experiment"`
	Label      string         `json:"label"`
	ConfigID   string         `json:"config_id"`
	Summary    *stats.Summary `json:"accuracy"`       // over seeds; nil without results
	Says       string         `json:"says"`           // of this cell, in words
	P          *float64       `json:"p_holm"`         // against the next cell, corrected; nil for none
	Next       *float64       `json:"less_next_mean"` // this mean less the next one's; nil for none

	row    *report.Row
	images int
	split  report.Split
}

// Judge holds every claim against the reports. It fails where a claim names a
// configuration that its experiment does not have, or several; file is named
// in errors.
func Judge(f *File, reports []*report.Report, file string) ([]Judged, error) {
	var out []Judged
	for _, c := range f.Claims {
		j := Judged{Claim: c.Text, Source: c.Source, Note: c.Note, Check: c.Check}
		missing := ""
		for _, where := range c.Cells {
			cell, err := find(where, reports)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, c.Line, err)
			}
			if cell.Summary == nil && missing == "" {
				missing = "no results of " + cell.Label
			}
			if cell.split != "" {
				j.Split = cell.split
			}
			j.Cells = append(j.Cells, cell)
		}
		var err error
		if missing != "" {
			j.Verdict, j.Finding = Untested, missing+"."
		} else if err = j.judge(c); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, c.Line, err)
		}
		out = append(out, j)
	}
	return out, nil
}

// find looks a cell up. An experiment that is not among the reports is no
// error: its results may be yet to come.
func find(where map[string]string, reports []*report.Report) (Cell, error) {
	name := where["experiment"]
	for _, r := range reports {
		if r.Name != name {
			continue
		}
		fit := r.Find(where)
		if len(fit) != 1 {
			return Cell{}, fmt.Errorf("cell %s fits %d configurations of %s, want one", cellText(where), len(fit), name)
		}
		row := &r.Rows[fit[0]]
		c := Cell{Experiment: name, Label: row.Label, ConfigID: row.ID, row: row, images: r.Images(), split: r.Split}
		if s, err := stats.Summarize(row.Accuracies(r.Split)); err == nil {
			c.Summary = &s
		}
		return c, nil
	}
	return Cell{Experiment: name, Label: cellText(where)}, nil
}

func (j *Judged) judge(c Claim) error {
	switch j.Check {
	case Falls:
		return j.falls()
	case Reaches, Below:
		return j.against(c.Accuracy)
	case Fits:
		return j.fits(c.Accuracy, c.Rounding)
	case Same:
		return j.same()
	}
	return j.spread()
}

// few refuses cells that a comparison cannot use: one seed has no spread, and
// differences are judged image by image.
func (j *Judged) few() bool {
	for i := range j.Cells {
		c := &j.Cells[i]
		switch {
		case c.Summary.N < 2:
			j.Verdict, j.Finding = Untested, c.Label+" has one seed only, and so no spread."
			return true
		case c.row.Wrong(c.split) == nil:
			j.Verdict, j.Finding = Untested, "the lists of wrong images of "+c.Label+" are missing."
			return true
		}
	}
	return false
}

// conclude turns counts of cells into a verdict.
func (j *Judged) conclude(holds, fails int) {
	switch {
	case holds == len(j.Cells):
		j.Verdict = Holds
	case fails == len(j.Cells):
		j.Verdict = Fails
	case holds > 0 && fails > 0:
		j.Verdict = Partly
	default:
		j.Verdict = Undecided
	}
}
