package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/text"
)

// setup is what was done, a line each.
func (r *decided) setup() []Fact {
	d := r.Dataset
	facts := []Fact{
		{"Data set", fmt.Sprintf("%s, images of %s, %d classes", text.Plain(d.Name), d.Input, d.Classes)},
		{"Images", fmt.Sprintf("%s to train on, %s to choose by (validation), %s for the end (test)", text.Whole(float64(d.Train)), text.Whole(float64(d.Validation)), text.Whole(float64(d.Test)))},
	}
	if d.Folds > 0 {
		facts[1].Value = fmt.Sprintf("%s, each validation once: in %d folds, in turn. Figures of a seed are pooled over its %d networks, "+
			"of which each was trained on at least %s images, and judged on the others", text.Whole(float64(d.Validation)), d.Folds, d.Folds,
			text.Whole(float64(d.Train)))
	}
	if n := r.counted[Test]; n > 0 && n < d.Test {
		facts = append(facts, Fact{"Distinct test images", fmt.Sprintf("%s: the others repeat images of training, validation or the test part; "+
			"accuracies are over all of them, intervals, bounds and floors over the distinct ones", text.Whole(float64(n)))})
	}
	if len(r.read) > 0 {
		facts = append(facts, Fact{"How they were read", strings.Join(r.read, "; ")})
	}
	for _, a := range r.Axes {
		facts = append(facts, Fact{"Axis " + text.Plain(a.Name), text.Plain(strings.Join(a.Values, ", "))})
	}
	facts = append(facts, r.trainFacts()...)
	seeds := make([]string, len(r.Seeds))
	for i, s := range r.Seeds {
		seeds[i] = fmt.Sprint(s)
	}
	if len(seeds) > 12 {
		seeds = append(seeds[:10], "...", seeds[len(seeds)-1])
	}
	facts = append(facts,
		Fact{"Trials", fmt.Sprintf("%s with %s each (%s): %s", text.Count(len(r.Rows), "configuration"), text.Count(len(r.Seeds), "seed"), strings.Join(seeds, ", "), r.Counts)},
		Fact{"Baseline", fmt.Sprintf("%s, %s parameters", text.Plain(r.Baseline.Name), text.Whole(r.Baseline.Costs[0]))})
	if r.Target != nil {
		facts = append(facts, Fact{"Target", r.targetText()})
	}
	var total float64
	for i := range r.Rows {
		for _, t := range r.Rows[i].Trials {
			total += t.Seconds
		}
	}
	if total > 0 {
		facts = append(facts, Fact{"Training time", text.Seconds(total) + " in sum"})
	}
	return facts
}

// String is the counts for reading; what is zero is left out.
func (c Counts) String() string {
	parts := []string{fmt.Sprintf("%d of %d done", c.Done, c.Planned)}
	for _, p := range []struct {
		n    int
		what string
	}{{c.Failed, "failed"}, {c.Diverged, "diverged"}, {c.Missing, "missing"}, {c.Skipped, "skipped by the search"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *decided) targetText() string {
	t := r.Target
	rule := "every seed reaches it"
	switch t.Rule {
	case experiment.RuleMean:
		rule = "the mean over seeds reaches it"
	case experiment.RuleTolerance:
		rule = "the tolerance bound over seeds reaches it"
	}
	return fmt.Sprintf("%s %s; a network meets it where %s on the %s images", text.Threshold(t.Accuracy), r.Metric(), rule, r.Split)
}

// trainFacts writes the recipe that all rows share on one line, and what
// differs between them on a second.
func (r *decided) trainFacts() []Fact {
	recipes := r.recipes()
	values := r.recipeValues()
	var same, varied []string
	for _, k := range recipeNames() {
		switch v := values[k]; {
		case len(v) > 1:
			varied = append(varied, k+" "+strings.Join(v, " or "))
		case v[0] != "none" && !idle(recipes[0], k):
			same = append(same, k+" "+v[0])
		}
	}
	facts := []Fact{{"Training", strings.Join(same, ", ")}}
	if len(varied) > 0 {
		facts = append(facts, Fact{"Training differs in", strings.Join(varied, "; ")})
	}
	if slices.ContainsFunc(recipes, func(x models.Recipe) bool { return x.Select == models.Best }) {
		facts = append(facts, Fact{"Selection", "select best takes the weights of the step that was best on the validation images: " +
			"validation accuracies are flattered, those on the test images are not"})
	}
	return facts
}

// recipeNames lists the recipe's settings: the oldest first.
func recipeNames() []string {
	names := []string{"optimizer", "momentum", "nesterov", "epsilon", "rho", "learning_rate", "schedule", "every", "at", "factor", "warmup",
		"label_smoothing", "class_weights", "gradient_clip", "weight_decay", "batch", "steps", "init", "precision", "order", "deterministic",
		"quantize", "teacher", "augment", "ema", "select"}
	for _, k := range jsonNames(models.Recipe{}) {
		if !slices.Contains(names, k) {
			names = append(names, k)
		}
	}
	return names
}

// recipeValues are the recipe's settings as text; "none" is one that is not set.
func recipeValues(recipe models.Recipe) map[string]string {
	values := jsonFields(recipe)
	for _, k := range recipeNames() {
		values[k] = cmp.Or(values[k], "none")
	}
	return values
}

// jsonNames are the names of a struct's fields in JSON, in their order.
func jsonNames(v any) (names []string) {
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// jsonFields are the fields of a struct as JSON has them, as text.
func jsonFields(v any) map[string]string {
	var all map[string]any
	values := map[string]string{}
	if b, err := json.Marshal(v); err != nil || json.Unmarshal(b, &all) != nil {
		return values // a number that is none, which experiments refuse
	}
	for k, v := range all {
		values[k] = ValueText(v)
	}
	return values
}

// idle says whether a setting has no effect in the recipe, or says nothing.
func idle(recipe models.Recipe, key string) bool {
	switch key {
	case "momentum":
		return recipe.Optimizer != models.Momentum
	case "epsilon":
		return recipe.Optimizer != models.Adam && recipe.Optimizer != models.Adadelta
	case "weight_decay":
		return recipe.WeightDecay == 0
	case "deterministic":
		return !recipe.Deterministic
	}
	return false
}
