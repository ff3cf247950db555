// Package figure draws reports, as SVG and PNG.
package figure

import (
	"fmt"
	"slices"

	"slimfit/pkg/footprint"
	"slimfit/pkg/report"
	"slimfit/pkg/stats"
	"slimfit/pkg/text"
)

// Figure is a drawing beside the text.
type Figure struct {
	Name    string // of its files, without folder and ending
	Caption string
}

// Names of the figures' files, without ending.
const (
	Accuracy = "accuracy" // against the chart's x, one curve a slice
	Front    = "front"    // against cost, with the Pareto front
	Training = "training" // loss and accuracy over steps
	Shifts   = "shifts"   // the chosen network on shifted images
	Targets  = "targets"  // the answers of a search with several targets
)

// Names lists the figures that a report may have.
func Names() []string { return []string{Accuracy, Front, Targets, Training, Shifts} }

// List lists what can be drawn, in the order of reading.
func List(r *report.Report) []Figure {
	var all []Figure
	drawn := false
	for i := range r.Rows {
		drawn = drawn || r.DrawnScore(&r.Rows[i], r.Split) != nil
	}
	if drawn {
		all = append(all, Figure{Accuracy, accuracyCaption(r)})
		if !onlyFront(r) {
			all = append(all, Figure{Front, frontCaption(r)})
		}
	}
	if r.Evidence != nil && len(r.Evidence.Targets) > 1 {
		if opened, _ := openings(r); len(opened) > 0 {
			all = append(all, Figure{Targets, targetsCaption(r)})
		}
	}
	if rows := trainingRows(r); len(rows) > 0 {
		all = append(all, Figure{Training, trainingCaption(r, rows)})
	}
	if i := r.Chosen(); i >= 0 && len(r.Rows[i].Shifts) > 0 {
		s := fmt.Sprintf("What %s gets of the validation images, as they are and shifted: mean accuracy over the seeds, and the recall of the "+
			"class that is found least", text.Plain(r.Rows[i].Label))
		if slices.ContainsFunc(r.Rows[i].Shifts, func(s report.Shifted) bool { return s.Int8[report.Validation] != nil }) {
			s += "; both in int8 too"
		}
		all = append(all, Figure{Shifts, s + "."})
	}
	r.Noun.All(&all)
	return all
}

// onlyFront says that the accuracy figure has the cost on x already.
func onlyFront(r *report.Report) bool { return r.Chart.X == string(r.Answer.Cost) }

// named is the accuracy that is drawn, at the start of a sentence.
func named(r *report.Report) string {
	if r.Balanced() {
		return "Balanced accuracy"
	}
	return "Accuracy"
}

func accuracyCaption(r *report.Report) string {
	s := fmt.Sprintf("%s on the %s images against %s. Each mark is the mean over the seeds that are done, each bar runs from the "+
		"worst seed to the best", named(r), r.Split, r.Chart.Label)
	if r.Target != nil {
		s += fmt.Sprintf("; the dashed line is the target of %s", r.Target.Asked())
	}
	s += "." + standIn(r)
	s += publishedCaption(r)
	if r.Answer.Pick >= 0 {
		s += " The ring marks the smallest network that meets it."
	}
	if r.Counts.Done < r.Counts.Planned {
		s += " Hollow marks lack seeds; a cross at the bottom has none."
	}
	return s
}

func frontCaption(r *report.Report) string {
	s := fmt.Sprintf("%s on the %s images against %s, with the front: networks that no other beats in both.", named(r), r.Split,
		r.Costs[r.CostIndex(r.Answer.Cost)].Unit)
	if r.Target != nil {
		s += fmt.Sprintf(" The dashed line is the target of %s.", r.Target.Asked())
	}
	return s + standIn(r) + publishedCaption(r)
}

// standIn says that the accuracies are not those that are judged.
func standIn(r *report.Report) string {
	if r.StandIn == "" {
		return ""
	}
	return " Drawn: " + text.Plain(r.StandIn) + "."
}

func publishedCaption(r *report.Report) string {
	if r.Split != report.Test || !slices.ContainsFunc(r.Rows, func(row report.Row) bool { return row.Published != nil }) {
		return ""
	}
	return " Diamonds are published figures."
}

func trainingCaption(r *report.Report, rows []int) string {
	s := "Training loss (above) and validation accuracy (below) over the steps, one thin line a seed."
	if len(rows) < len(r.Rows) {
		s += fmt.Sprintf(" Of %d networks, %d are drawn: the pick, the baseline and the front first.", len(r.Rows), len(rows))
	}
	if slices.ContainsFunc(rows, func(i int) bool { return glanced(&r.Rows[i]) }) {
		s += fmt.Sprintf(" Between every %sth step and the end, accuracies are of a sample of the validation images where these are many.",
			text.Thousands(stats.LookEvery))
	}
	return s
}

// glanced says whether the validation accuracy of a network in training was
// measured between looks too, of a sample: package train.
func glanced(row *report.Row) bool {
	for _, h := range row.Histories {
		for i, p := range h {
			if p.Validation != nil && p.Step%stats.LookEvery != 0 && i < len(h)-1 {
				return true
			}
		}
	}
	return false
}

// maxTraining is the most networks whose training is drawn in one figure.
const maxTraining = 6

// trainingRows chooses the networks whose training is drawn.
func trainingRows(r *report.Report) []int {
	var rows []int
	taken := map[int]bool{}
	take := func(i int) {
		if i < 0 || taken[i] || len(rows) == maxTraining {
			return
		}
		for _, h := range r.Rows[i].Histories {
			if len(h) > 1 {
				taken[i] = true
				rows = append(rows, i)
				return
			}
		}
	}
	take(r.Answer.Pick)
	take(r.Baseline.Row)
	for _, i := range r.Front {
		take(i)
	}
	for _, i := range r.ByCost(footprint.Parameters) {
		take(i)
	}
	return rows
}
