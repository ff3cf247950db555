package claims

import (
	"fmt"
	"slices"

	"slimfit/pkg/footprint"
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
const confidence = 0.95

// Answered is a question with its judged claims.
type Answered struct {
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Claims   []Judged `json:"claims"`
}

// Judged is a claim with its verdict and what it rests on.
type Judged struct {
	Claim   string       `json:"claim"`
	Ours    bool         `json:"ours"`
	Source  string       `json:"source"`
	Check   Check        `json:"check"`
	Verdict Verdict      `json:"verdict"`
	Finding string       `json:"finding"` // what the results say, in words
	Note    string       `json:"note"`
	Split   report.Split `json:"split"`
	Cells   []Cell       `json:"cells"`
	Than    []Cell       `json:"than,omitempty"` // each cell's partner
}

// Cell is one configuration that a claim speaks of.
type Cell struct {
	Experiment string         `json:"experiment"`
	Label      string         `json:"label"`
	ConfigID   string         `json:"config_id"`
	Summary    *stats.Summary `json:"accuracy"`       // over seeds; nil without results
	Says       string         `json:"says"`           // of this cell, in words
	P          *float64       `json:"p_holm"`         // against the next cell or the partner, corrected; nil for none
	Less       *float64       `json:"less_next_mean"` // this mean less the other one's; nil for none

	report *report.Report
	row    *report.Row
	images int
	split  report.Split
}

func (c *Cell) name() string {
	if c.Label == "" || c.row == nil {
		return c.Label
	}
	return c.Experiment + ", " + c.Label
}

// Judge holds every claim against the reports. It fails where a claim names a
// configuration that its experiment does not have, or several; file is named
// in errors.
func Judge(f *File, reports []*report.Report, file string) ([]Answered, error) {
	var out []Answered
	for _, q := range f.Questions {
		a := Answered{Question: q.Text, Answer: q.Answer}
		for _, c := range q.Claims {
			j, err := judgeClaim(c, reports)
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w", file, c.Line, err)
			}
			a.Claims = append(a.Claims, j)
		}
		out = append(out, a)
	}
	return out, nil
}

func judgeClaim(c Claim, reports []*report.Report) (Judged, error) {
	j := Judged{Claim: c.Text, Ours: c.Ours, Source: c.Source, Note: c.Note, Check: c.Check}
	var err error
	if j.Cells, err = findAll(c.Cells, reports); err != nil {
		return j, err
	}
	if j.Than, err = findAll(c.Than, reports); err != nil {
		return j, err
	}
	for _, cell := range slices.Concat(j.Cells, j.Than) {
		if cell.split != "" {
			j.Split = cell.split
		}
		counted := c.Check == Ratio || c.Check == Bound // no training is needed for these
		if cell.row == nil || cell.Summary == nil && !counted {
			j.Verdict, j.Finding = Untested, "no results of "+cell.name()+"."
			return j, nil
		}
		if c.Published && cell.row.Published == nil {
			return j, fmt.Errorf("%s has no published figure; --published FILE gives them", cell.name())
		}
	}
	return j, j.judge(c)
}

func findAll(places []map[string]string, reports []*report.Report) ([]Cell, error) {
	var all []Cell
	for _, where := range places {
		cell, err := find(where, reports)
		if err != nil {
			return nil, err
		}
		all = append(all, cell)
	}
	return all, nil
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
		c := Cell{Experiment: name, Label: row.Label, ConfigID: row.ID, report: r, row: row, images: r.Images(), split: r.Split}
		if s, err := stats.Summarize(row.Accuracies(r.Split)); err == nil {
			s.Mean, s.SD = stats.Round(s.Mean), stats.Round(s.SD)
			c.Summary = &s
		}
		return c, nil
	}
	return Cell{Experiment: name, Label: cellText(where)}, nil
}

func (j *Judged) judge(c Claim) error {
	switch j.Check {
	case Fits:
		return j.fits(c)
	case Every:
		return j.every(c.Accuracy.Value)
	case Bound:
		return j.bound(c.Accuracy.Value, c.Least)
	case Ratio:
		return j.ratio(footprint.Cost(c.Cost), c.Times)
	}
	if j.few() {
		return nil
	}
	switch j.Check {
	case Falls:
		return j.falls()
	case Gains:
		return j.gains()
	case Ranking:
		return j.ranking()
	case Same:
		return j.same(c.Margin)
	case Spread:
		return j.spread(c.Margin)
	}
	return j.against(c.Accuracy.Value) // reaches, below
}

// few refuses cells that a comparison cannot use: one seed has no spread, and
// differences are judged image by image.
func (j *Judged) few() bool {
	for _, c := range slices.Concat(j.Cells, j.Than) {
		switch {
		case c.Summary.N < 2:
			j.Verdict, j.Finding = Untested, c.name()+" has one seed only, and so no spread."
			return true
		case c.row.Wrong(c.split) == nil:
			j.Verdict, j.Finding = Untested, "the lists of wrong images of "+c.name()+" are missing."
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
