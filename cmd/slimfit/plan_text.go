package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/lab"
	"slimfit/pkg/result"
	"slimfit/pkg/text"
)

// writePlan prints a plan as text or Markdown.
func writePlan(w io.Writer, p lab.Plan, markdown bool) error {
	title := p.Name
	if p.About != "" {
		title += ": " + text.Plain(p.About)
	}
	show := func(t text.Table) error { return t.Text(w) }
	if markdown {
		title = "## " + text.Markdown(title) + "\n"
		show = func(t text.Table) error {
			fmt.Fprintln(w)
			return t.Markdown(w)
		}
	}
	b := p.Baseline.Footprint
	fmt.Fprintln(w, title)
	fmt.Fprintf(w, "baseline %s: %s parameters, %s weights, %s MACs, activations %s paper and %s all, peak %s\n", p.Baseline.Name,
		text.Thousands(b.Parameters), text.Thousands(b.Weights), text.Thousands(b.MACs), text.Thousands(b.Activations.Paper),
		text.Thousands(b.Activations.All), text.Thousands(b.Peak))
	if p.Total > 0 {
		fmt.Fprintf(w, "%s; these are the %d with the fewest parameters\n", text.Count(p.Total, "configuration"), len(p.Configurations))
		for _, c := range footprint.Costs() {
			fmt.Fprintf(w, "%s: %s to %s\n", c, text.Thousands(p.Range[c][0]), text.Thousands(p.Range[c][1]))
		}
	}
	size, work := planTables(p)
	if err := show(size); err != nil {
		return err
	}
	if !markdown {
		fmt.Fprintln(w)
	}
	if err := show(work); err != nil {
		return err
	}
	if f := p.Configurations[0].Footprint; f.Measured != nil && f.Measured.Chip != nil {
		if !markdown {
			fmt.Fprintln(w)
		}
		if err := show(chipTable(p)); err != nil {
			return err
		}
	}
	if markdown {
		fmt.Fprintln(w)
	}
	if slices.Contains(size.Head, trainedHead) {
		fmt.Fprintln(w, trainedHead+": as Keras counts, with gamma, beta and moving averages of batch normalisation; "+
			"deployed, it is part of parameters")
	}
	fmt.Fprintln(w, planSummary(p))
	for _, line := range p.Target.Lines() {
		if markdown {
			fmt.Fprintln(w)
		}
		fmt.Fprintln(w, line)
	}
	return nil
}

// trainedHead is a column where some network has batch normalisation.
const trainedHead = "parameters trained"

// chipTable is what each network takes on the target's device.
func chipTable(p lab.Plan) text.Table {
	chip := p.Configurations[0].Footprint.Measured.Chip
	t := text.Table{Head: []string{"on " + chip.Chip}, Left: 1}
	for _, c := range chip.Costs() {
		t.Head = append(t.Head, chipHead(c))
	}
	for _, q := range p.Configurations {
		row := []string{q.ConfigID}
		for _, c := range chip.Costs() {
			row = append(row, chipCell(q.Footprint, c))
		}
		if has := q.Footprint.Measured.Chip; has.Lacks() != "" && has.Estimated() {
			row[0] += " (no room: at least)"
		} else if has.Estimated() {
			row[0] += " (estimated)"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// planTables are a plan's two: what a network stores, and what it computes.
func planTables(p lab.Plan) (size, work text.Table) {
	axes := axisNames(p.Axes)
	size = text.Table{Head: append(append([]string{"configuration"}, axes...), "parameters", "x", "weights", "x", "weight bytes",
		"trials done"), Left: 1 + len(axes)}
	work = text.Table{Head: []string{"configuration", "MACs", "x", "paper activations", "x", "all activations", "x", "peak", "x"}, Left: 1}
	more := slices.ContainsFunc(p.Configurations, func(c lab.PlanConfiguration) bool {
		return c.Footprint.Trained() != c.Footprint.Parameters
	})
	if more {
		size.Head = slices.Insert(size.Head, len(size.Head)-1, trainedHead)
	}
	for _, c := range p.Configurations {
		f, r := c.Footprint, c.Ratios
		row := append([]string{c.ConfigID}, axisCells(p.Axes, c.Assignment)...)
		row = append(row, text.Thousands(f.Parameters), ratio(r.Parameters), text.Thousands(f.Weights), ratio(r.Weights),
			text.Thousands(f.WeightBytes))
		if more {
			row = append(row, text.Thousands(f.Trained()))
		}
		size.Rows = append(size.Rows, append(row, trialsDone(c)))
		work.Rows = append(work.Rows, []string{c.ConfigID, text.Thousands(f.MACs), ratio(r.MACs), text.Thousands(f.Activations.Paper),
			ratio2(r.Activations),
			text.Thousands(f.Activations.All), ratio(r.ActivationsAll), text.Thousands(f.Peak), ratio(r.Peak)})
	}
	return size, work
}

// ratio has one decimal; ratio2 two, as the paper's 19.5 needs.
func ratio(x float64) string  { return strconv.FormatFloat(x, 'f', 1, 64) }
func ratio2(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// trialsDone is "3 of 5", and what else there is to say of the trials.
func trialsDone(c lab.PlanConfiguration) string {
	n := map[result.Status]int{}
	for _, t := range c.Trials {
		n[t.Status]++
	}
	s := fmt.Sprintf("%d of %d", n[result.Done], len(c.Trials))
	for _, status := range []result.Status{result.Running, result.Failed, result.Diverged} {
		if n[status] > 0 {
			s += fmt.Sprintf(", %d %s", n[status], status)
		}
	}
	return s
}

// planSummary is the last line: how much there is to train.
func planSummary(p lab.Plan) string {
	s := fmt.Sprintf("%s x %s = %s, %s training steps", text.Count(p.Totals.Configurations, "configuration"), text.Count(p.Seeds, "seed"),
		text.Count(p.Totals.Trials, "trial"), text.Thousands(p.Totals.Steps))
	var parts []string
	for _, status := range []result.Status{result.Done, result.Running, result.Failed, result.Diverged, result.Pending} {
		if n := p.Totals.Status[status]; n > 0 && n < p.Totals.Trials {
			parts = append(parts, text.Thousands(n)+" "+string(status))
		} else if n > 0 && status != result.Pending {
			parts = append(parts, "all "+string(status))
		}
	}
	if len(parts) > 0 {
		s += "; " + strings.Join(parts, ", ")
	}
	if p.Estimate != nil {
		s += fmt.Sprintf("; about %s left (%s)", text.Roughly(p.Estimate.Seconds), p.Estimate.From)
	}
	return s
}

func axisNames(axes []experiment.Axis) []string {
	names := make([]string, len(axes))
	for i, a := range axes {
		names[i] = a.Name
	}
	return names
}

func axisCells(axes []experiment.Axis, assignment map[string]any) []string {
	cells := make([]string, len(axes))
	for i, a := range axes {
		if v, ok := assignment[a.Name]; ok {
			cells[i] = text.Shorten(experiment.FormatValue(v), 40)
		}
	}
	return cells
}

// plansTable is all plans as one table for CSV, numbers without separators.
func plansTable(plans []lab.Plan) text.Table {
	var axes []experiment.Axis // of all plans, in order of appearance
	seen := map[string]bool{}
	for _, p := range plans {
		for _, a := range p.Axes {
			if !seen[a.Name] {
				seen[a.Name] = true
				axes = append(axes, a)
			}
		}
	}
	t := text.Table{Head: append(append([]string{"experiment", "config_id"}, axisNames(axes)...), "parameters", "weights", "biases",
		"weight_bytes", "macs",
		"activations_paper", "activations_all", "peak_activation_elements", "ratio_parameters", "ratio_weights", "ratio_macs",
		"ratio_activations_paper", "ratio_activations_all", "ratio_peak_activation_elements", "steps", "trials", "done", "running", "failed",
		"diverged", "pending")}
	for _, p := range plans {
		for _, c := range p.Configurations {
			row := append([]string{p.Name, c.ConfigID}, axisCells(axes, c.Assignment)...)
			t.Rows = append(t.Rows, append(append(row, footprintCells(c.Footprint)...), csvTail(c)...))
		}
	}
	return t
}

func footprintCells(f footprint.Footprint) []string {
	var cells []string
	for _, n := range []int{f.Parameters, f.Weights, f.Biases, f.WeightBytes, f.MACs, f.Activations.Paper, f.Activations.All, f.Peak} {
		cells = append(cells, strconv.Itoa(n))
	}
	return cells
}

func csvTail(c lab.PlanConfiguration) []string {
	r := c.Ratios
	var cells []string
	for _, x := range []float64{r.Parameters, r.Weights, r.MACs, r.Activations, r.ActivationsAll, r.Peak} {
		cells = append(cells, strconv.FormatFloat(x, 'g', 6, 64))
	}
	n := map[result.Status]int{}
	for _, t := range c.Trials {
		n[t.Status]++
	}
	for _, k := range []int{c.Train.Steps, len(c.Trials), n[result.Done], n[result.Running], n[result.Failed], n[result.Diverged],
		n[result.Pending]} {
		cells = append(cells, strconv.Itoa(k))
	}
	return cells
}
