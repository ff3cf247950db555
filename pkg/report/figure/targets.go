package figure

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"slimfit/pkg/report"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// opened is a network design whose test images were opened for some target.
type opened struct {
	result.Opening
	cost float64
	wins []string // the targets that it answers
	last int      // of all targets, the highest of wins
}

// openings are those of all targets, each design once, cheapest first; and the
// targets without an answer.
func openings(r *report.Report) (all []opened, unmet []string) {
	for t, c := range r.Evidence.Targets {
		goal := text.Threshold(c.Target.Accuracy)
		for _, o := range c.Openings {
			i := slices.IndexFunc(all, func(have opened) bool { return have.ConfigID == o.ConfigID })
			if i < 0 {
				at := slices.IndexFunc(c.Candidates, func(j result.Judged) bool { return j.ConfigID == o.ConfigID })
				if at < 0 || len(o.Networks) == 0 {
					continue
				}
				i, all = len(all), append(all, opened{Opening: o, cost: float64(c.Candidates[at].Cost)})
			}
			if w := c.Winner; w != nil && w.ConfigID == o.ConfigID {
				all[i].wins, all[i].last = append(all[i].wins, goal), t
			}
		}
		if c.Winner == nil {
			unmet = append(unmet, goal)
		}
	}
	slices.SortStableFunc(all, func(a, b opened) int { return cmp.Compare(a.cost, b.cost) })
	return all, unmet
}

// shown is the accuracy that intervals are of.
func shown(n result.TestedNetwork) float64 {
	switch {
	case n.Balanced != nil:
		return *n.Balanced
	case n.Distinct != nil:
		return float64(n.Distinct.Correct) / float64(n.Distinct.Test)
	}
	return n.Accuracy
}

func targetsCaption(r *report.Report) string {
	asked := r.Evidence.Certificate.Target
	s := fmt.Sprintf("The targets of one search (dashed) and what it opened the test images for: one mark a network, with its interval at "+
		"%s; filled for the answer to a target, which stands beside it, hollow for what failed there.", text.Threshold(asked.Confidence))
	return s + " " + unopened(r) + "."
}

// unopened says what the figure leaves out.
func unopened(r *report.Report) string {
	all, unmet := openings(r)
	trained := map[string]bool{}
	for _, c := range r.Evidence.Targets {
		for _, j := range c.Candidates {
			trained[j.ConfigID] = trained[j.ConfigID] || len(j.Networks) > 0
		}
	}
	n := -len(all)
	for _, is := range trained {
		if is {
			n++
		}
	}
	s := fmt.Sprintf("Left out: trained, and not opened: %s", text.Thousands(n))
	if len(unmet) > 0 {
		s += "; no answer to " + text.List(unmet)
	}
	return s
}

// drawTargets draws the answers to all targets of one search.
func drawTargets(r *report.Report) (*drawing, error) {
	asked := r.Evidence.Certificate.Target
	metric := strings.ReplaceAll(cmp.Or(asked.Metric, "accuracy"), "_", " ")
	if asked.Precision != "" {
		metric += " in " + asked.Precision
	}
	p := newPlot(text.Plain(r.Name)+": the answer to each target", r.Costs[r.CostIndex(asked.Cost)].Unit, "test "+metric+" (%)")
	d := &drawing{plots: []*plot.Plot{p}, legend: newLegend(), width: figureWidth, height: figureHeight}
	all, _ := openings(r)
	x, y := bounds{}, bounds{}
	for _, o := range all {
		x.add(o.cost)
		for _, n := range o.Networks {
			y.add(100 * n.Interval[0])
			y.add(100 * n.Interval[1])
		}
	}
	for _, c := range r.Evidence.Targets {
		y.add(100 * c.Target.Accuracy)
	}
	scale := abscissa{log: x.low > 0, ticks: costTicks{}}
	if !scale.log { // a cost may be 0
		scale.ticks = niceTicks{text.Whole}
	}
	fitScales(p, scale, x, y)
	p.X.Label.Text += "\n" + unopened(r)
	addGrid(p)
	for i, c := range r.Evidence.Targets {
		if err := addTarget(d, p, c.Target.Accuracy, sliceColor(i)); err != nil {
			return nil, err
		}
	}
	for _, o := range all {
		if err := addOpened(d, o); err != nil {
			return nil, fmt.Errorf("opening of %s: %w", o.ConfigID, err)
		}
	}
	return d, nil
}

// addOpened draws the networks of one opening beside each other, and names them.
func addOpened(d *drawing, o opened) error {
	p, ink := d.plots[0], sliceColor(o.last)
	var bars errorBars
	name, high, label := "opened, and fails", 0.0, text.ShortenMiddle(text.Plain(o.ConfigID), 30)
	if len(o.wins) > 0 {
		name = "answers " + text.List(o.wins)
	} else {
		ink = color.Gray{0x88}
	}
	for i, n := range o.Networks {
		at := o.cost * math.Pow(p.X.Max/p.X.Min, 0.008*(float64(i)-float64(len(o.Networks)-1)/2))
		if p.X.Min <= 0 {
			at = o.cost
		}
		v := 100 * shown(n)
		bars.add(plotter.XY{X: at, Y: v}, v-100*n.Interval[0], 100*n.Interval[1]-v)
		high = max(high, 100*n.Interval[1])
	}
	if err := bars.draw(p, ink, 4); err != nil {
		return err
	}
	s, err := scatter(p, bars.XYs, sliceShape(0, len(o.wins) == 0), ink, 2.8)
	if err != nil {
		return err
	}
	words, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: o.cost, Y: high}}, Labels: []string{label}})
	if err != nil {
		return err
	}
	words.TextStyle[0].Font, words.TextStyle[0].Color, words.Offset.Y = sans(9, false), ink, 3
	words.TextStyle[0].XAlign = draw.XLeft
	if math.Log(o.cost/p.X.Min) > 0.6*math.Log(p.X.Max/p.X.Min) {
		words.TextStyle[0].XAlign = draw.XRight
	}
	p.Add(words)
	d.legend.Add(name, s)
	return nil
}
