package report

import (
	"encoding/json"
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
		if got := ValueText(v); got != want {
			t.Errorf("%s is written %q, want %q", in, got, want)
		}
	}
}
