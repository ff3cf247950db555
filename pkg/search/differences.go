package search

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"

	"slimfit/pkg/result"
)

// maxDifferences is how many differing statements are named.
const maxDifferences = 20

// differences names the statements of a certificate that the results do not
// bear out.
func differences(given, again *result.Certificate) []Fault {
	a, errA := generic(given)
	b, errB := generic(again)
	if err := errors.Join(errA, errB); err != nil {
		return []Fault{{"certificate", err.Error()}}
	}
	var faults []Fault
	compare("", a, b, &faults)
	if len(faults) > maxDifferences {
		more := len(faults) - maxDifferences
		faults = append(faults[:maxDifferences], Fault{"certificate", fmt.Sprintf("%d more statements differ", more)})
	}
	return faults
}

func generic(c *result.Certificate) (any, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	err = dec.Decode(&v)
	return v, err
}

// compare walks two JSON values and names the places where they differ.
func compare(at string, a, b any, faults *[]Fault) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok && len(x) == len(y) {
			for _, k := range sortedKeys(x) {
				compare(join(at, k), x[k], y[k], faults)
			}
			return
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				compare(fmt.Sprintf("%s[%d]", at, i), x[i], y[i], faults)
			}
			return
		}
	}
	if !sameNumber(a, b) && !reflect.DeepEqual(a, b) {
		*faults = append(*faults, Fault{at, fmt.Sprintf("it says %s, the results say %s", brief(a), brief(b))})
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
