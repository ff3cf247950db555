package search

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/result"
	"slimfit/pkg/target"
	"slimfit/pkg/text"
)

// maxDifferences is how many differing statements are named.
const maxDifferences = 20

// differences names the statements of a certificate that the results do not
// bear out.
func differences(given, again *result.Certificate) []Fault {
	given, errGiven := spoken(given)
	again, errAgain := spoken(again)
	a, errA := plainJSON(given)
	b, errB := plainJSON(again)
	if err := errors.Join(errGiven, errAgain, errA, errB); err != nil {
		return []Fault{{"certificate", err.Error()}}
	}
	var faults []Fault
	for _, d := range unequal(a, b) {
		faults = append(faults, Fault{d.at, fmt.Sprintf("it says %s, the results say %s", brief(d.a), brief(d.b))})
	}
	if len(faults) > maxDifferences {
		more := len(faults) - maxDifferences
		faults = append(faults[:maxDifferences], Fault{"certificate", fmt.Sprintf("%d more statements differ", more)})
	}
	return faults
}

// spoken is a certificate in today's words: of series, older ones speak of images,
// of classes by numbers, of one configuration as of many, and of groups not at all.
func spoken(c *result.Certificate) (*result.Certificate, error) {
	b, err := json.Marshal(c)
	out := &result.Certificate{}
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if out.Winner != nil && out.Evidence != target.Observed {
		out.Promises = withAlike(out.Promises, &out.Dataset)
	}
	out.Summary = single.Replace(strings.Replace(out.Summary, reaching(target.Worst), reaching(out.Target.Rule), 1))
	for i, promise := range out.Promises {
		out.Promises[i] = strings.Replace(promise, toSeeds, moreSeeds(len(out.Seeds)), 1)
	}
	for i := range out.Candidates {
		out.Candidates[i].Reason = named(out.Candidates[i].Reason, out.Classes)
	}
	if out.Nearest != nil {
		out.Nearest.Reason = named(out.Nearest.Reason, out.Classes)
	}
	Noun(out).All(out)
	return out, err
}

// named puts a class's name where a reason has its number.
func named(reason string, classes []string) string {
	before, rest, _ := strings.Cut(reason, ": recall of class ")
	word, after, ok := strings.Cut(rest, " is ")
	class, err := strconv.Atoi(word)
	if !ok || err != nil || slices.Contains(classes, word) {
		return reason
	}
	return before + ": recall of class " + text.Class(classes, class) + " is " + after
}

// plainJSON is a value as its JSON reads.
func plainJSON(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var plain any
	err = dec.Decode(&plain)
	return plain, err
}

// difference is a place where two JSON values differ.
type difference struct {
	at   string
	a, b any
}

// unequal walks two JSON values and lists the places where they differ. A key
// that one of them lacks counts as null.
func unequal(a, b any) []difference {
	var all []difference
	walk("", a, b, func(at string, a, b any) { all = append(all, difference{at, a, b}) })
	return all
}

func walk(at string, a, b any, differ func(at string, a, b any)) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			keys := slices.Sorted(maps.Keys(x))
			for k := range y {
				if _, ok := x[k]; !ok {
					keys = append(keys, k)
				}
			}
			slices.Sort(keys)
			for _, k := range keys {
				walk(join(at, k), x[k], y[k], differ)
			}
			return
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				walk(fmt.Sprintf("%s[%d]", at, i), x[i], y[i], differ)
			}
			return
		}
	}
	if !sameNumber(a, b) && !reflect.DeepEqual(a, b) {
		differ(at, a, b)
	}
}

// sameNumber says whether two JSON numbers agree to twelve significant digits,
// whole ones to the last: sums and quantiles differ in the last bits from one
// processor to another.
func sameNumber(a, b any) bool {
	x, ok := a.(json.Number)
	y, ok2 := b.(json.Number)
	if !ok || !ok2 || !strings.ContainsAny(string(x)+string(y), ".eE") {
		return false
	}
	v, err := x.Float64()
	w, err2 := y.Float64()
	return err == nil && err2 == nil && math.Abs(v-w) <= 1e-12*max(math.Abs(v), math.Abs(w))
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// brief is a JSON value cut to a line.
func brief(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	const limit = 120
	if len(b) > limit {
		return string(b[:limit]) + "..."
	}
	return string(b)
}
