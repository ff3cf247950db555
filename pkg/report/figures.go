package report

import (
	"fmt"
	"slices"

	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

// Names of the figures' files, without ending.
const (
	accuracyFigure = "accuracy" // against the chart's x, one curve a slice
	frontFigure    = "front"    // against cost, with the Pareto front
	trainingFigure = "training" // loss and accuracy over steps
)

// Figures lists what can be drawn, in the order of reading.
func (r *Report) Figures() []Figure {
	var all []Figure
	drawn := false
	for i := range r.Rows {
		drawn = drawn || r.judgedScore(&r.Rows[i], r.Split) != nil
	}
	if drawn {
		all = append(all, Figure{accuracyFigure, r.accuracyCaption()})
		if !r.onlyFront() {
			all = append(all, Figure{frontFigure, r.frontCaption()})
		}
	}
	if rows := r.trainingRows(); len(rows) > 0 {
		all = append(all, Figure{trainingFigure, r.trainingCaption(rows)})
	}
	return all
}

// onlyFront says that the accuracy figure has the cost on x already.
func (r *Report) onlyFront() bool { return r.Chart.X == string(r.cost()) }

func (r *Report) accuracyCaption() string {
	s := fmt.Sprintf("Accuracy on the %s images against %s. Each mark is the mean over the seeds that are done, each bar runs from the worst seed to the best", r.Split, r.Chart.Label)
	if r.Target != nil {
		s += fmt.Sprintf("; the dashed line is the target of %s", text.Threshold(r.Target.Accuracy))
	}
	s += "."
	s += r.publishedCaption()
	if r.Answer.Pick >= 0 {
		s += " The ring marks the smallest network that meets it."
	}
	if r.Counts.Done < r.Counts.Planned {
		s += " Hollow marks lack seeds; a cross at the bottom has none."
	}
	return s
}

func (r *Report) frontCaption() string {
	s := fmt.Sprintf("Accuracy on the %s images against %s, with the front: networks that no other beats in both.", r.Split, r.Costs[r.costIndex(r.cost())].Unit)
	if r.Target != nil {
		s += fmt.Sprintf(" The dashed line is the target of %s.", text.Threshold(r.Target.Accuracy))
	}
	return s + r.publishedCaption()
}

func (r *Report) publishedCaption() string {
	if r.Split != Test || !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Published != nil }) {
		return ""
	}
	return " Diamonds are published figures."
}

func (r *Report) trainingCaption(rows []int) string {
	s := "Training loss (above) and validation accuracy (below) over the steps, one thin line a seed."
	if len(rows) < len(r.Rows) {
		s += fmt.Sprintf(" Of %d networks, %d are drawn: the pick, the baseline and the front first.", len(r.Rows), len(rows))
	}
	return s
}

// maxTraining is the most networks whose training is drawn in one figure.
const maxTraining = 6

// trainingRows chooses the networks whose training is drawn.
func (r *Report) trainingRows() []int {
	var rows []int
	taken := map[int]bool{}
	take := func(i int) {
		if i < 0 || taken[i] || len(rows) == maxTraining {
			return
		}
		for _, h := range r.Rows[i].history {
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
	for _, i := range r.byCost(footprint.Parameters) {
		take(i)
	}
	return rows
}
