package experiment

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/shift"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
	"slimfit/pkg/yamlkeys"
)

// ref reads dataset; the path is not yet resolved.
func ref(v *yamlkeys.Value) dataset.Ref {
	if v.Kind == yamlkeys.TextKind {
		return dataset.Ref{Name: v.Text}
	}
	r := dataset.Ref{Name: v.Str("name", ""), Train: v.Int("train", 0), Validation: v.Int("validation", 0), Test: v.Int("test", 0),
		Path: v.Str("path", ""), Folds: v.Int("folds", 0)}
	if x := v.Get("validation"); x != nil && x.Num == 0 {
		r.Validation = -1 // none; 0 means the data set's own
	}
	if x := v.Get("resize"); x != nil {
		r.Resize = &[2]int{int(x.Num), int(x.Num)}
		if x.Kind == yamlkeys.ListKind {
			r.Resize = &[2]int{int(x.Items[0].Num), int(x.Items[1].Num)}
		}
	}
	if x := v.Get("shape"); x != nil {
		r.Shape, r.Classes = models.Shape{H: int(x.Items[0].Num), W: int(x.Items[1].Num), C: int(x.Items[2].Num)}, v.Int("classes", 0)
		r.Name = v.Str("name", "shape")
	}
	notDefault := func(key, def string) string {
		if s := v.Str(key, def); s != def {
			return s
		}
		return ""
	}
	r.Fit, r.Channels, r.Groups = notDefault("fit", "stretch"), notDefault("channels", "as_is"), notDefault("groups", "none")
	r.Normalize, r.Kind = notDefault("normalize", "none"), notDefault("kind", "images")
	if w := v.Get("window"); w != nil {
		length := w.Int("length", 1)
		r.Window = &models.Window{Length: length, Step: w.Int("step", length)}
	}
	skip := v.Get("skip_unreadable")
	r.SkipUnreadable = skip != nil && skip.Truth
	if accept := v.Get("accept"); accept != nil {
		for _, item := range accept.Items {
			switch item.Text {
			case "duplicates":
				r.Accept.Duplicates = true
			case "constant":
				r.Accept.Constant = true
			case "dark":
				r.Accept.Dark = true
			}
		}
	}
	return r
}

// defaultSeeds is how many seeds a file without the key has.
const defaultSeeds = 5

// seeds reads a count or a list.
func (p *problems) seeds(v *yamlkeys.Value) []int64 {
	n := defaultSeeds
	if v != nil && v.Kind == yamlkeys.IntegerKind {
		n = int(v.Num)
	}
	if v == nil || v.Kind == yamlkeys.IntegerKind {
		seeds := make([]int64, n)
		for i := range seeds {
			seeds[i] = int64(i)
		}
		return seeds
	}
	seen := map[int64]bool{}
	var seeds []int64
	for _, item := range v.Items {
		s := int64(item.Num)
		if seen[s] {
			p.Add(item.Node, "seeds: %d is given twice", s)
		}
		seen[s] = true
		seeds = append(seeds, s)
	}
	return seeds
}

// target reads what a network must reach.
func (p *loader) target(v *yamlkeys.Value, seeds int) *Target {
	t := &Target{Classes: p.e.Classes, Accuracy: v.Float("accuracy", 0), Confidence: v.Float("confidence", 0.95), Seeds: v.Int("seeds", seeds),
		Cost: cost(v.Str("cost", string(footprint.Parameters))), Rule: v.Str("rule", RuleWorst), Precision: v.Str("precision", Float32),
		Evidence: v.Str("evidence", target.Certificate), Metric: v.Str("metric", target.Accuracy),
		Device: v.Str("device", "")}
	if t.Balanced() && t.Rule != RuleWorst {
		p.Add(v.Get("metric").Node, "target.metric: balanced_accuracy goes with the rule worst, which has an exact bound; with %s ask for "+
			"accuracy, and for floors (target.recall)", t.Rule)
	}
	if x := v.Get("seeds"); x != nil && t.Seeds > seeds {
		p.Add(x.Node, "target.seeds: %d, but the experiment has %d seeds", t.Seeds, seeds)
	}
	if least := target.LeastSeeds(RuleTolerance); t.Rule == RuleTolerance && t.Seeds < least {
		p.Add(v.Get("rule").Node, "target.rule: tolerance needs %d seeds or more, got %d", least, t.Seeds)
	}
	if x := v.Get("evidence"); t.Evidence == target.Observed && t.Rule == RuleTolerance {
		p.Add(x.Node, "target.evidence: observed goes with the rules worst and mean: tolerance is a bound, which observed figures are not")
	}
	if within := v.Get("within"); within != nil {
		for _, q := range within.Pairs {
			t.Within = append(t.Within, Budget{Cost: cost(q.Name), Limit: q.Num})
		}
	}
	p.device(t, v)
	t.Under = p.under(v.Get("under"))
	if recall := v.Get("recall"); recall != nil {
		p.recall(t, recall)
	}
	return t
}

// recall reads the floors.
func (p *loader) recall(t *Target, v *yamlkeys.Value) {
	for _, q := range v.Pairs {
		if q.Name == "all" {
			t.RecallAll = q.Num
			continue
		}
		class, ok := p.class(q.Name)
		switch {
		case p.e.Data.Classes == 0: // its fault is told
		case !ok && len(p.e.Classes) == 0:
			p.Add(q.Node, `target.recall: there is no class %s; the names are not known, "#0" to "#%d" are the classes by number`, q.Name,
				p.e.Data.Classes-1)
		case !ok:
			p.Add(q.Node, "target.recall: there is no class %s%s; the data set has %s", q.Name, yamlkeys.DidYouMean(q.Name, p.e.Classes, "%q"),
				some(p.e.Classes))
		case slices.ContainsFunc(t.Recall, func(r Recall) bool { return r.Class == class }):
			p.Add(q.Node, "target.recall: class %s has two floors; keep one", text.Class(p.e.Classes, class))
		default:
			t.Recall = append(t.Recall, Recall{Class: class, Floor: q.Num})
		}
	}
	slices.SortFunc(t.Recall, func(a, b Recall) int { return cmp.Compare(a.Class, b.Class) })
}

// class finds a class by its name, or by its number: after "#", or where no
// class has a number for a name.
func (p *loader) class(name string) (int, bool) {
	number, byNumber := strings.CutPrefix(name, "#")
	if i := slices.Index(p.e.Classes, name); i >= 0 && !byNumber {
		return i, true
	}
	isNumber := func(s string) bool { _, err := strconv.ParseUint(s, 10, 32); return err == nil }
	if !isNumber(number) || !byNumber && slices.ContainsFunc(p.e.Classes, isNumber) {
		return 0, false
	}
	class, err := strconv.Atoi(number)
	return class, err == nil && class < p.e.Data.Classes
}

// weighable says why there is no such class, where the names are known: workers
// look for a name, or for "#" and a number.
func (p *loader) weighable(name string) error {
	_, byNumber := strings.CutPrefix(name, "#")
	if _, ok := p.class(name); len(p.e.Classes) == 0 || slices.Contains(p.e.Classes, name) || byNumber && ok {
		return nil
	}
	return fmt.Errorf("there is no class %s%s; the data set has %s", name, yamlkeys.DidYouMean(name, p.e.Classes, "%q"), some(p.e.Classes))
}

// some are the first names of classes.
func some(names []string) string {
	const most = 12
	out := strings.Join(text.Classes(names[:min(len(names), most)]), ", ")
	if len(names) > most {
		out += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return out
}

// shifts reads a list of shifts as their names.
func (p *problems) shifts(v *yamlkeys.Value) (names []string) {
	if v == nil {
		return nil
	}
	for _, item := range v.Items {
		for _, q := range item.Pairs {
			name := shift.Shift{Kind: q.Name, Amount: q.Num}.String()
			if slices.Contains(names, name) {
				p.Add(item.Node, "evaluate.shifts: %s is given twice", name)
			}
			names = append(names, name)
		}
	}
	return names
}

// under reads floors under shifts.
func (p *problems) under(v *yamlkeys.Value) (floors []Under) {
	if v == nil {
		return nil
	}
	for _, item := range v.Items {
		var u Under
		for _, q := range item.Pairs {
			if q.Name == "accuracy" {
				u.Accuracy = q.Num
			} else {
				u.Shift = shift.Shift{Kind: q.Name, Amount: q.Num}.String()
			}
		}
		if slices.ContainsFunc(floors, func(o Under) bool { return o.Shift == u.Shift }) {
			p.Add(item.Node, "target.under: %s is given twice", u.Shift)
		}
		floors = append(floors, u)
	}
	return floors
}

// cost reads a name that isCost knows.
func cost(name string) footprint.Cost {
	c, _ := footprint.ParseCost(name)
	return c
}

func isCost(name string) bool {
	_, err := footprint.ParseCost(name)
	return err == nil
}

// costNames are the names that a cost goes by.
func costNames() []string {
	var names []string
	for _, c := range append(footprint.Costs(), footprint.MeasuredCosts()...) {
		names = append(names, string(c))
	}
	return append(names, slices.Sorted(maps.Keys(footprint.Aliases()))...)
}

// chips are the names of the devices.
func chips() []string {
	var names []string
	for _, c := range footprint.Chips() {
		names = append(names, c.Name)
	}
	return names
}

// device checks that the target's costs can be had on its chip, which runs
// int8 networks.
func (p *loader) device(t *Target, v *yamlkeys.Value) {
	node := func(c footprint.Cost) *yaml.Node {
		if within := v.Get("within"); within != nil {
			for _, q := range within.Pairs {
				if cost(q.Name) == c {
					return q.Node
				}
			}
		}
		return v.Get("cost").Node
	}
	if t.Device == "" {
		for _, c := range t.Costs() {
			if c.OnChip() {
				p.Add(node(c), "target: %s is a chip's: name it, target.device: %s", c, strings.Join(chips(), " or "))
			}
		}
		return
	}
	if v.Get("precision") == nil {
		t.Precision = Int8
	}
	if t.Precision != Int8 {
		p.Add(v.Get("precision").Node, "target.precision: a device runs the int8 network; write int8, or leave it out")
	}
	chip, _ := footprint.ChipNamed(t.Device)
	for _, own := range []Budget{{Cost: footprint.FlashBytes, Limit: float64(chip.Flash)},
		{Cost: footprint.RAMBytes, Limit: float64(chip.RAM)}} {
		if !slices.ContainsFunc(t.Within, func(b Budget) bool { return b.Cost == own.Cost && b.Limit <= own.Limit }) {
			t.Within = append(t.Within, own)
		}
	}
	for _, c := range t.Costs() {
		if err := chip.Refuses(c); err != nil {
			p.Add(node(c), "target: %s: %v", c, err)
		}
	}
}

// report checks that the figure's axes exist.
func (l *loader) report(v *yamlkeys.Value) Report {
	r := Report{Slice: v.Str("slice", ""), X: v.Str("x", ""), Scale: v.Str("scale", "linear")}
	var axes []string
	for _, a := range axisNodes(yamlkeys.Lookup(l.root, "matrix")) {
		axes = append(axes, a.Value)
	}
	if r.Slice != "" && !slices.Contains(axes, r.Slice) {
		l.Add(v.Get("slice").Node, "report.slice: there is no axis %q in matrix%s", r.Slice, yamlkeys.DidYouMean(r.Slice, axes, "%q"))
	}
	costs := costNames()
	if known := append(axes, costs...); r.X != "" && !slices.Contains(known, r.X) {
		l.Add(v.Get("x").Node, "report.x: want an axis of matrix or a cost (%s), got %q%s", strings.Join(costs, ", "), r.X,
			yamlkeys.DidYouMean(r.X, known, "%q"))
	}
	if isCost(r.X) {
		r.X = string(cost(r.X))
	}
	if r.Slice != "" && r.Slice == r.X {
		l.Add(v.Get("x").Node, "report.x: %s is the slice already", r.X)
	}
	return r
}
