package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// plan lays out the report: one row a configuration, one trial a planned seed,
// nothing filled in.
func plan(in Input) (*planned, error) {
	r := &planned{Report: &Report{Costs: costs(measuredCosts(in.Experiment)...), Warnings: []Warning{}, Machines: []Environment{},
		counted: map[Split]int{}},
		binomial: newBinomial(), because: map[string]string{}, refused: map[string]string{}, judges: map[string]*target.Judge{}}
	r.Missing = Missing{Trials: []result.Key{}, Failed: []result.Key{}, Diverged: []result.Key{}, Skipped: []result.Key{}}
	if in.Experiment != nil {
		r.fromExperiment(in.Experiment)
	} else if err := r.fromResults(in.Results); err != nil {
		return nil, err
	}
	var err error
	if r.Classes = in.Classes; r.Classes == nil && in.Experiment != nil {
		r.Classes = in.Experiment.Classes
	}
	if r.Target, err = newTarget(in.Experiment, r.Classes); err != nil {
		return nil, err
	}
	r.takeMeasured(in)
	for i := range r.Rows {
		row := &r.Rows[i]
		model, err := json.Marshal(row.Model)
		if err != nil {
			return nil, fmt.Errorf("configuration %s: write its model: %w", row.ID, err)
		}
		row.model = string(model)
		for _, s := range r.Seeds {
			row.Trials = append(row.Trials, Trial{Seed: s, Status: Absent})
		}
		for k, c := range r.Costs {
			figure := float64(row.Footprint.Get(c.Key))
			row.Costs = append(row.Costs, figure)
			row.Ratios = append(row.Ratios, stats.Round(r.Baseline.Costs[k]/max(figure, 1)))
		}
	}
	r.certify(in.Certificate)
	return r, nil
}

// costs are the counted costs, and some of the measured ones.
func costs(measured ...footprint.Cost) []Cost {
	heads := map[footprint.Cost]string{
		footprint.Parameters: "parameters", footprint.Weights: "weights", footprint.MACs: "MACs",
		footprint.ActivationE: "activations", footprint.Peak: "peak activations", footprint.WeightBytes: "weight bytes",
		footprint.TFLiteBytes: "TFLite bytes", footprint.TFLiteInt8Bytes: "TFLite int8 bytes", footprint.ArenaBytes: "arena bytes",
		footprint.LatencyMicros: "latency µs", footprint.FlashBytes: "flash bytes", footprint.RAMBytes: "RAM bytes",
		footprint.Cycles: "cycles", footprint.Instructions: "instructions",
	}
	var all []Cost
	for _, c := range append(footprint.Costs(), measured...) {
		all = append(all, Cost{Key: c, Head: heads[c], Unit: c.Unit()})
	}
	return all
}

func (r *planned) setBaseline(name string, row int, f footprint.Footprint) {
	r.Baseline = Baseline{Name: name, Row: row, Footprint: f}
	for _, c := range r.Costs {
		r.Baseline.Costs = append(r.Baseline.Costs, float64(f.Get(c.Key)))
	}
}

func (r *planned) fromExperiment(e *experiment.Experiment) {
	r.Name, r.About, r.Planned, r.source = e.Name, e.About, true, e.Source
	r.Dataset, r.Seeds = e.Data, e.Seeds
	for _, a := range e.Axes {
		axis := Axis{Name: a.Name}
		for _, v := range a.Values {
			axis.Values = append(axis.Values, ValueText(v))
		}
		r.Axes = append(r.Axes, axis)
	}
	baseline := -1
	for i, c := range e.Configs {
		if c.ID == e.Baseline.ID {
			baseline = i
		}
		row := Row{ID: c.ID, Model: c.Spec().FullLayers(), Train: c.Recipe, Footprint: c.Footprint, Values: r.values(c.Assignment)}
		r.Rows = append(r.Rows, row)
	}
	r.label()
	name := e.Baseline.Name
	if baseline >= 0 {
		name = r.Rows[baseline].Label
	}
	r.setBaseline(name, baseline, e.Baseline.Footprint)
}

// fromResults works where the experiment file is gone: every configuration
// and seed that has a result is taken as planned.
func (r *planned) fromResults(results []result.Result) error {
	if len(results) == 0 {
		return fmt.Errorf("no experiment file and no results: nothing to report")
	}
	first := map[string]*result.Result{}
	var ids []string
	for i := range results {
		res := &results[i]
		if _, ok := first[res.ConfigID]; !ok {
			first[res.ConfigID] = res
			ids = append(ids, res.ConfigID)
		}
		if !slices.Contains(r.Seeds, res.Seed) {
			r.Seeds = append(r.Seeds, res.Seed)
		}
	}
	slices.Sort(r.Seeds)
	r.Name, r.Dataset = results[0].Experiment, results[0].Dataset
	r.axesOf(results)
	largest := 0
	for _, id := range ids {
		res := first[id]
		row := Row{ID: id, Model: res.Model, Train: res.Train, Footprint: res.Footprint, Values: r.values(res.Assignment)}
		r.Rows = append(r.Rows, row)
	}
	r.label()
	slices.SortStableFunc(r.Rows, func(a, b Row) int { return r.compareValues(a, b) })
	for i := range r.Rows {
		if r.Rows[i].Footprint.Parameters > r.Rows[largest].Footprint.Parameters {
			largest = i
		}
	}
	r.setBaseline(r.Rows[largest].Label, largest, r.Rows[largest].Footprint)
	r.warn("The experiment file is gone: only configurations and seeds that have a result are known, so nothing can be called missing.")
	return nil
}

// axesOf collects the axes that results name, by name; values by size.
func (r *planned) axesOf(results []result.Result) {
	seen := map[string]map[string]bool{}
	for _, res := range results {
		for name, v := range res.Assignment {
			if seen[name] == nil {
				seen[name] = map[string]bool{}
			}
			seen[name][ValueText(v)] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		values := slices.Sorted(maps.Keys(seen[name]))
		slices.SortStableFunc(values, compareNatural)
		r.Axes = append(r.Axes, Axis{Name: name, Values: values})
	}
}

func (r *planned) values(assignment map[string]any) []string {
	values := make([]string, len(r.Axes))
	for i, a := range r.Axes {
		if v, ok := assignment[a.Name]; ok {
			values[i] = ValueText(v)
		}
	}
	return values
}

// compareValues orders rows by their axes, first axis first.
func (r *planned) compareValues(a, b Row) int {
	for i := range r.Axes {
		if c := compareNatural(a.Values[i], b.Values[i]); c != 0 {
			return c
		}
	}
	return compareNatural(a.ID, b.ID)
}

// label names the rows by the axes that vary; a network of the paper by its
// name where none does, any other by its ID. Rows that would have one name get
// their IDs too.
func (r *planned) label() {
	used, varying := map[string]int{}, r.Varying()
	for i := range r.Rows {
		row := &r.Rows[i]
		var words []string
		for _, a := range varying {
			if v := row.Values[r.AxisIndex(a.Name)]; v != "" {
				words = append(words, a.Name+" "+v)
			}
		}
		row.Label = text.Plain(strings.Join(words, ", "))
		if row.Label == "" {
			row.Label = cmp.Or(namedNetwork(row.Model), row.ID)
		}
		used[row.Label]++
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; used[row.Label] > 1 && row.Label != row.ID {
			row.Label += " (" + row.ID + ")"
		}
	}
}

// namedNetwork is the paper's name of a network, or "". The last dense layer
// is not compared: it is the data set's.
func namedNetwork(full []models.Layer) string {
	for _, name := range models.Names() {
		if layers, ok := models.Named(name); ok && len(full) > 0 && slices.EqualFunc(layers, full[:len(full)-1], models.Layer.Equal) {
			return name
		}
	}
	return ""
}

// recipes lists the distinct recipes of the rows, in their order.
func (r *Report) recipes() []models.Recipe {
	var all []models.Recipe
	for i := range r.Rows {
		if !slices.ContainsFunc(all, r.Rows[i].Train.Equal) {
			all = append(all, r.Rows[i].Train)
		}
	}
	return all
}

// ValueText is a matrix value as a person writes it: 5, 0.5, relu, [3,3],
// layers as "conv 5x32, maxpool 2". Numbers from YAML and from JSON come out
// alike.
func ValueText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case nil:
		return ""
	case []any, map[string]any:
		return experiment.FormatValue(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// compareNatural puts numbers first, by size, then text.
func compareNatural(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
