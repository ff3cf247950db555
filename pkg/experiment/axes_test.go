package experiment

import (
	"fmt"
	"strings"
	"testing"
)

const optional = `name: x
dataset: mnist
matrix:
  width: [2, 3]
  extra: [true, false]
model:
  - conv: {kernel: 3, filters: 2*$width}
  - conv: {kernel: 3, filters: $width*$width - (1 - $width)*2}
    when: $extra
  - maxpool: 4
  - {dense: 8, when: false}
  - dense: 8*$width
train: {steps: 100 + 10*$width}
`

// A layer that `when` leaves out is not part of the network, and arithmetic
// gives what its axes' values give.
func TestOptionalLayersAndArithmetic(t *testing.T) {
	e := parse(t, optional)
	var got []string
	for _, c := range e.Configs {
		words := []string{e.Label(c), fmt.Sprint(c.Recipe.Steps)}
		for _, l := range c.Layers {
			words = append(words, fmt.Sprintf("%s %d", l.Kind, max(l.Filters, l.Units, l.Size[0])))
		}
		got = append(got, strings.Join(words, "; "))
	}
	want := []string{
		"width 2, extra true; 120; conv 4; conv 6; maxpool 4; dense 16",
		"width 2, extra false; 120; conv 4; maxpool 4; dense 16",
		"width 3, extra true; 130; conv 6; conv 13; maxpool 4; dense 24",
		"width 3, extra false; 130; conv 6; maxpool 4; dense 24",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	plain := parse(t, "name: x\ndataset: mnist\nmodel:\n  - conv: {kernel: 3, filters: 4}\n  - maxpool: 4\n  - dense: 16\n"+
		"train: {steps: 120}\n")
	if plain.Configs[0].ID != e.Configs[1].ID {
		t.Errorf("the same network without the layer has the ID %s, not %s", e.Configs[1].ID, plain.Configs[0].ID)
	}
}

// What only a left-out layer would read makes no second configuration.
func TestLeftOutLayersMakeEqualNetworks(t *testing.T) {
	e := parse(t, "name: x\ndataset: mnist\nmatrix: {extra: [true, false], units: [4, 8]}\nmodel:\n"+
		"  - maxpool: 7\n  - {dense: $units, when: $extra}\n")
	if len(e.Configs) != 3 {
		t.Errorf("%d configurations, want 3", len(e.Configs))
	}
	if e := parse(t, "name: x\ndataset: mnist\nmodel: [{dense: 8, when: false}]\n"); !strings.HasPrefix(e.Configs[0].ID, "linear-") {
		t.Errorf("no layer left: %s", e.Configs[0].ID)
	}
}

func TestOptionalLayersAndArithmeticRefuse(t *testing.T) {
	for change, want := range map[string]string{
		"filters: 2*$width>filters: 2*$widht":       `f.yaml:7:32: there is no axis "widht" in matrix (did you mean "width"?)`,
		"filters: 2*$width>filters: 2*($width":      `f.yaml:7:32: model[0].conv.filters: cannot read "2*($width": a bracket is not closed`,
		"filters: 2*$width>filters: $width*":        `cannot read "$width*": it ends too early`,
		"filters: 2*$width>filters: 2 $width*1":     `nothing fits before "$width*1"`,
		"filters: 2*$width>filters: 02*$width":      `"02" is no whole number here`,
		"filters: 2*$width>filters: 2*$width/2":     `nothing fits before "/2"; arithmetic has whole numbers, $names, + - * and brackets`,
		"filters: 2*$width>filters: 1.5*$width":     `nothing fits before ".5*$width"; arithmetic has whole numbers`,
		"filters: 2*$width>filters: $width - 3":     `f.yaml:7:32: $width - 3 as filters: want a whole number in [1, 1e6], got -1`,
		"filters: 2*$width>filters: 1000000*$width": `1000000*$width as filters: want a whole number in [1, 1e6], got 2000000`,
		"filters: 2*$width>filters: 2*$extra":       "2*$extra: arithmetic wants whole numbers, but the axis extra has true",
		"width: [2, 3]>width: [2, 2.5]":             "arithmetic wants whole numbers, but the axis width has 2.5",
		"when: $extra>when: 2*$width":               "2*$width as when: want true or false, got 4",
		"when: $extra>when: $width":                 "matrix.width as when: want true or false, got 2",
		"dense: 8, when: false>dense: none": `model[3].dense: want a whole number in [1, 1e7] or a mapping, got "none"; ` +
			"a layer that is there or not has `when: $axis` beside it",
		"when: $extra>when: maybe":                                               `model[1].when: want true or false, got "maybe"`,
		"{dense: 8, when: false}>{when: false}":                                  "model[3]: want one of conv, ",
		"{dense: 8, when>{dense: 8, maxpool: 2, when":                            "model[3]: want one of conv, ",
		"width: [2, 3]>width: [2, 2*$extra]":                                     "a matrix value cannot refer to another axis ($extra)",
		"steps: 100 + 10*$width>steps: $width*9007199254740991*9007199254740991": "is beyond 9007199254740991",
	} {
		old, now, _ := strings.Cut(change, ">")
		source := strings.Replace(optional, old, now, 1)
		if source == optional {
			t.Fatalf("%s changes nothing", change)
		}
		if _, err := Parse("f.yaml", []byte(source), nil, described); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", change, err, want)
		}
	}
	_, err := Parse("f.yaml", []byte(optional), []string{"model[0].conv.filters=$width - 7"}, described)
	if want := "--set model[0].conv.filters=$width - 7: $width - 7 as filters: want a whole number"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestRanges(t *testing.T) {
	for span, want := range map[string]string{
		"{from: 1, to: 4}":                      "[1 2 3 4]",
		"{from: 2, to: 9, step: 3}":             "[2 5 8]",
		"{from: 8, to: 100, log2: true}":        "[8 16 32 64]",
		"{from: 8, to: 256, log2: true}":        "[8 16 32 64 128 256]",
		"{from: 5, to: 5}":                      "[5]",
		"{from: 4, to: 1}":                      "f.yaml:3:21: matrix.n: the range is empty: from 4 to 1",
		"{from: 0, to: 8, log2: true}":          "matrix.n: log2 doubles from above 0",
		"{from: 1, to: 4, step: 0}":             "matrix.n.step: want a number in (0, 1e9]",
		"{from: 1, to: 4, step: 1, log2: true}": "matrix.n: step and log2 are both given",
		"{from: 1, to: 1e9}":                    "matrix.n: 1000000000 values, at most 1000000",
		"{from: 1}":                             "matrix.n.to is missing",
		"{from: 1, to: 4, steps: 2}":            `unknown key "steps" in matrix.n (did you mean "step"?)`,
	} {
		source := "name: x\ndataset: mnist\nmatrix: {        n: " + span + "}\nmodel: [{dense: $n}]\n"
		e, err := Parse("f.yaml", []byte(source), nil, described)
		if err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", span, err, want)
			}
			continue
		}
		var units []int
		for _, c := range e.Configs {
			units = append(units, c.Layers[0].Units)
		}
		if got := fmt.Sprint(units); got != want || fmt.Sprint(e.Axes[0].Values) != want {
			t.Errorf("%s: %s, the axis %v, want %s", span, got, e.Axes[0].Values, want)
		}
	}
	e := parse(t, "name: x\ndataset: mnist\nmatrix: {rate: {from: 0.1, to: 0.5, step: 0.1}}\nmodel: [{dense: 4}, {dropout: $rate}]\n")
	if got := fmt.Sprint(e.Axes[0].Values); got != "[0.1 0.2 0.3 0.4 0.5]" || e.Configs[2].Layers[1].Rate != 0.3 {
		t.Errorf("%s, rate %v", got, e.Configs[2].Layers[1].Rate)
	}
}
