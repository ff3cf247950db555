package models

import (
	"strings"
	"testing"
)

// What two readers of JSON can take in two ways is refused, also inside the
// types that decode themselves.
func TestUnmarshalStrict(t *testing.T) {
	type inner struct {
		Layers []Layer `json:"layers"`
		Size   [2]int  `json:"size"`
		Name   string  `json:"name"`
	}
	good := `{"layers": [{"conv": {"kernel": [5, 5], "filters": 2}}], "size": [1, 2], "name": "é"}`
	if err := UnmarshalStrict([]byte(good), new(inner)); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		`{"name": "a", "name": "b"}`:                                     `line 1: the key "name" is there twice`,
		"{\"name\": \"a\",\n\"NAME\": \"b\"}":                            `line 2: unknown key "NAME"`,
		"{\"size\": [1, 2, 3]}":                                          "size",
		"{\"name\": \"\xff\"}":                                           "invalid UTF-8",
		`{"layers": [{"conv": {"Kernel": [5, 5], "filters": 2}}]}`:       `unknown key "Kernel"`,
		`{"layers": [{"conv": {"filters": 3, "filters": 2}}]}`:           `the key "filters" is there twice`,
		`{"layers": [{"residual": {"shortcut": {"batchNorm": true}}}]}`:  `unknown key "batchNorm"`,
		`{"layers": [{"conv": {"filters": 3}, "conv": {"filters": 2}}]}`: `the key "conv" is there twice`,
		`{"layers": [{"maxpool": {"size": [2, 2, 2]}}]}`:                 "size",
		"{} {}":  "after top-level value",
		"":       "the file is empty",
		"{\n\"a": "the file ends in the middle, in line 2",
	} {
		if err := UnmarshalStrict([]byte(in), new(inner)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", in, err, want)
		}
	}
}
