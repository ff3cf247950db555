package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
)

// write prints the plan as text or Markdown.
func (p plan) write(w io.Writer, markdown bool) error {
	title := p.Name
	if p.about != "" {
		title += ": " + oneLine(p.about)
	}
	show := func(t table) error { return t.text(w) }
	if markdown {
		title = "## " + title + "\n"
		show = func(t table) error {
			fmt.Fprintln(w)
			return t.markdown(w)
		}
	}
	b := p.Baseline.Footprint
	fmt.Fprintln(w, title)
	fmt.Fprintf(w, "baseline %s: %s parameters, %s weights, %s MACs, activations %s paper and %s all, peak %s\n", p.Baseline.Name,
		thousands(b.Parameters), thousands(b.Weights), thousands(b.MACs), thousands(b.Activations.Paper), thousands(b.Activations.All), thousands(b.Peak))
	size, work := p.tables()
	if err := show(size); err != nil {
		return err
	}
	if !markdown {
		fmt.Fprintln(w)
	}
	if err := show(work); err != nil {
		return err
	}
	if markdown {
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, p.summary())
	return err
}

// tables are the plan's two: what a network stores, and what it computes.
func (p plan) tables() (size, work table) {
	axes := axisNames(p.axes)
	size = table{head: append(append([]string{"configuration"}, axes...), "parameters", "x", "weights", "x", "weight bytes", "trials done"), left: 1 + len(axes)}
	work = table{head: []string{"configuration", "MACs", "x", "paper activations", "x", "all activations", "x", "peak", "x"}, left: 1}
	for _, c := range p.Configurations {
		f, r := c.Footprint, c.Ratios
		row := append([]string{c.ConfigID}, axisCells(p.axes, c.Assignment)...)
		size.rows = append(size.rows, append(row, thousands(f.Parameters), ratio(r.Parameters), thousands(f.Weights), ratio(r.Weights),
			thousands(f.WeightBytes), c.done()))
		work.rows = append(work.rows, []string{c.ConfigID, thousands(f.MACs), ratio(r.MACs), thousands(f.Activations.Paper), ratio2(r.Activations),
			thousands(f.Activations.All), ratio(r.ActivationsAll), thousands(f.Peak), ratio(r.Peak)})
	}
	return size, work
}

// ratio has one decimal; ratio2 two, as the paper's 19.5 needs.
func ratio(x float64) string  { return strconv.FormatFloat(x, 'f', 1, 64) }
func ratio2(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) }

// done is "3 of 5", and what else there is to say of the trials.
func (c planConfiguration) done() string {
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

// summary is the last line: how much there is to train.
func (p plan) summary() string {
	s := fmt.Sprintf("%s x %s = %s, %s training steps", count(p.Totals.Configurations, "configuration"), count(p.seeds, "seed"),
		count(p.Totals.Trials, "trial"), thousands(p.Totals.Steps))
	var parts []string
	for _, status := range []result.Status{result.Done, result.Running, result.Failed, result.Diverged, result.Pending} {
		if n := p.Totals.Status[status]; n > 0 && n < p.Totals.Trials {
			parts = append(parts, thousands(n)+" "+string(status))
		} else if n > 0 && status != result.Pending {
			parts = append(parts, "all "+string(status))
		}
	}
	if len(parts) > 0 {
		s += "; " + strings.Join(parts, ", ")
	}
	if p.Estimate != nil {
		s += fmt.Sprintf("; about %s left (%s)", roughly(time.Duration(p.Estimate.Seconds*float64(time.Second))), p.Estimate.From)
	}
	return s
}

// roughly writes a duration with the precision that an estimate has.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds()+0.5)))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
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
			cells[i] = shorten(experiment.FormatValue(v), 40)
		}
	}
	return cells
}

func shorten(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most-3]) + "..."
	}
	return s
}

// oneLine folds the white space of a text of several lines.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// plansTable is all plans as one table for CSV, numbers without separators.
func plansTable(plans []plan) table {
	var axes []experiment.Axis // of all plans, in order of appearance
	seen := map[string]bool{}
	for _, p := range plans {
		for _, a := range p.axes {
			if !seen[a.Name] {
				seen[a.Name] = true
				axes = append(axes, a)
			}
		}
	}
	t := table{head: append(append([]string{"experiment", "config_id"}, axisNames(axes)...), "parameters", "weights", "biases", "weight_bytes", "macs",
		"activations_paper", "activations_all", "peak_activation_elements", "ratio_parameters", "ratio_weights", "ratio_macs",
		"ratio_activations_paper", "ratio_activations_all", "ratio_peak_activation_elements", "steps", "trials", "done", "running", "failed", "diverged", "pending")}
	for _, p := range plans {
		for _, c := range p.Configurations {
			row := append([]string{p.Name, c.ConfigID}, axisCells(axes, c.Assignment)...)
			t.rows = append(t.rows, append(append(row, footprintCells(c.Footprint)...), c.csvTail()...))
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

func (c planConfiguration) csvTail() []string {
	r := c.Ratios
	var cells []string
	for _, x := range []float64{r.Parameters, r.Weights, r.MACs, r.Activations, r.ActivationsAll, r.Peak} {
		cells = append(cells, strconv.FormatFloat(x, 'g', 6, 64))
	}
	n := map[result.Status]int{}
	for _, t := range c.Trials {
		n[t.Status]++
	}
	for _, k := range []int{c.Train.Steps, len(c.Trials), n[result.Done], n[result.Running], n[result.Failed], n[result.Diverged], n[result.Pending]} {
		cells = append(cells, strconv.Itoa(k))
	}
	return cells
}
