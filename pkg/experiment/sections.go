package experiment

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
)

// ref reads dataset; the path is not yet resolved.
func ref(v *value) dataset.Ref {
	if v.kind == Text {
		return dataset.Ref{Name: v.text}
	}
	r := dataset.Ref{Name: v.str("name", ""), Train: v.int("train", 0), Validation: v.int("validation", 0), Test: v.int("test", 0), Path: v.str("path", "")}
	if x := v.get("validation"); x != nil && x.num == 0 {
		r.Validation = -1 // none; 0 means the data set's own
	}
	if x := v.get("resize"); x != nil {
		r.Resize = &[2]int{int(x.num), int(x.num)}
		if x.kind == List {
			r.Resize = &[2]int{int(x.items[0].num), int(x.items[1].num)}
		}
	}
	return r
}

// int, float and str read a key that may not be given.

func (v *value) int(name string, otherwise int) int {
	if x := v.get(name); x != nil {
		return int(x.num)
	}
	return otherwise
}

func (v *value) float(name string, otherwise float64) float64 {
	if x := v.get(name); x != nil {
		return x.num
	}
	return otherwise
}

func (v *value) str(name, otherwise string) string {
	if x := v.get(name); x != nil {
		return x.text
	}
	return otherwise
}

func (v *value) strs(name string) []string {
	x := v.get(name)
	if x == nil {
		return nil
	}
	var words []string
	for _, item := range x.items {
		words = append(words, item.text)
	}
	return words
}

// defaultSeeds is how many seeds a file without the key has.
const defaultSeeds = 5

// seeds reads a count or a list.
func (p *problems) seeds(v *value) []int64 {
	n := defaultSeeds
	if v != nil && v.kind == Integer {
		n = int(v.num)
	}
	if v == nil || v.kind == Integer {
		seeds := make([]int64, n)
		for i := range seeds {
			seeds[i] = int64(i)
		}
		return seeds
	}
	seen := map[int64]bool{}
	var seeds []int64
	for _, item := range v.items {
		s := int64(item.num)
		if seen[s] {
			p.add(item.node, "seeds: %d is given twice", s)
		}
		seen[s] = true
		seeds = append(seeds, s)
	}
	return seeds
}

// target reads what a network must reach. classes is 0 where the data set is
// not known.
func (p *problems) target(v *value, seeds, classes int) *Target {
	t := &Target{Accuracy: v.float("accuracy", 0), Confidence: v.float("confidence", 0.95), Seeds: v.int("seeds", seeds),
		Cost: cost(v.str("cost", string(footprint.Parameters))), Rule: v.str("rule", RuleWorst), Precision: v.str("precision", Float32)}
	if x := v.get("seeds"); x != nil && t.Seeds > seeds {
		p.add(x.node, "target.seeds: %d, but the experiment has %d seeds", t.Seeds, seeds)
	}
	if t.Rule == RuleTolerance && t.Seeds < 10 {
		p.add(v.get("rule").node, "target.rule: tolerance needs 10 seeds or more, got %d", t.Seeds)
	}
	if within := v.get("within"); within != nil {
		for _, q := range within.pairs {
			t.Within = append(t.Within, Budget{cost(q.name), q.num})
		}
	}
	recall := v.get("recall")
	if recall == nil {
		return t
	}
	for _, q := range recall.pairs {
		if q.name == "all" {
			t.RecallAll = q.num
			continue
		}
		class, err := strconv.Atoi(q.name)
		if err != nil || classes > 0 && class >= classes {
			p.add(q.node, "target.recall: there is no class %s; the data set has 0 to %d", q.name, classes-1)
			continue
		}
		t.Recall = append(t.Recall, Recall{class, q.num})
	}
	slices.SortFunc(t.Recall, func(a, b Recall) int { return cmp.Compare(a.Class, b.Class) })
	return t
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
	names := make([]string, 0, 8)
	for _, c := range append(footprint.Costs(), footprint.MeasuredCosts()...) {
		names = append(names, string(c))
	}
	return append(names, peakField)
}

// peakField is the footprint's own name of the cost peak.
const peakField = "peak_activation_elements"

// report checks that the figure's axes exist.
func (l *loader) report(v *value) Report {
	r := Report{Slice: v.str("slice", ""), X: v.str("x", ""), Scale: v.str("scale", "linear")}
	var axes []string
	for _, a := range axisNodes(lookup(l.root, "matrix")) {
		axes = append(axes, a.Value)
	}
	if r.Slice != "" && !slices.Contains(axes, r.Slice) {
		l.add(v.get("slice").node, "report.slice: there is no axis %q in matrix%s", r.Slice, DidYouMean(r.Slice, axes, "%q"))
	}
	costs := costNames()
	if known := append(axes, costs...); r.X != "" && !slices.Contains(known, r.X) {
		l.add(v.get("x").node, "report.x: want an axis of matrix or a cost (%s), got %q%s", strings.Join(costs, ", "), r.X, DidYouMean(r.X, known, "%q"))
	}
	if isCost(r.X) {
		r.X = string(cost(r.X))
	}
	if r.Slice != "" && r.Slice == r.X {
		l.add(v.get("x").node, "report.x: %s is the slice already", r.X)
	}
	return r
}
