package report

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestValueText(t *testing.T) {
	for in, want := range map[string]string{
		`5`:       "5",
		`0.5`:     "0.5",
		`"relu"`:  "relu",
		`null`:    "",
		`[3,3]`:   "[3,3]",
		`{"a":1}`: `{"a":1}`,
		`[{"conv":{"kernel":3,"filters":2}},{"maxpool":4},{"dense":128},{"dropout":0.5}]`: "conv 3x2, maxpool 4, dense 128, dropout 0.5",
	} {
		var v any
		if err := json.Unmarshal([]byte(in), &v); err != nil {
			t.Fatal(err)
		}
		if got := valueText(v); got != want {
			t.Errorf("%s is written %q, want %q", in, got, want)
		}
	}
}

// A term that two reports use with different numbers is defined for each.
func TestDefinitionsOfSeveral(t *testing.T) {
	var reports []*Report
	for i, name := range []string{"first", "second", "third"} {
		p := smallPlan()
		p.name, p.seeds = name, []int{2, 2, 3}[i]
		e := p.experiment(t)
		results, histories := p.run(e)
		reports = append(reports, build(t, Input{Experiment: e, Results: results, Histories: histories}, Options{}))
	}
	text := string(Markdown(reports, ""))
	at := strings.Index(text, "## Definitions")
	for _, want := range []string{"\n- **meets (first, second)**: Every one of 2", "\n- **meets (third)**: Every one of 3", "\n- **parameters**: "} {
		if n := strings.Count(text[at:], want); n != 1 {
			t.Errorf("%q is %d times in the definitions, want once:\n%s", want, n, text[at:])
		}
	}
}
