package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
	"strings"
	"testing"

	"slimfit/pkg/report"
	"slimfit/pkg/report/reporttest"
	"slimfit/pkg/result"
)

func TestFigures(t *testing.T) {
	in := reporttest.Flawed(t)
	e := *in.Experiment
	e.Name = "simulated-<b>&"
	in.Experiment = &e
	r := reporttest.Build(t, in, report.Options{Split: report.Test})
	var names []string
	for _, f := range List(r) {
		names = append(names, f.Name)
		svg, err := SVG(r, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		text := svgText(t, svg)
		want := []string{"test accuracy (%)", "filters (log scale)", "kernel 5", "kernel 1", "target 93 %", "published"}
		switch f.Name {
		case Front:
			want[1] = "parameters (weights and biases) (log scale)"
		case Training:
			want = []string{"training steps", "training loss (log scale)", "validation accuracy (%)"}
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s.svg does not say %q: %s", f.Name, w, text)
			}
		}
		b, err := PNG(r, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(b))
		if err != nil || picture.Bounds().Dx() < 1000 {
			t.Errorf("%s.png: %v, error %v", f.Name, picture.Bounds(), err)
		}
	}
	if want := []string{Accuracy, Front, Training}; !slices.Equal(names, want) {
		t.Errorf("figures %v, want %v", names, want)
	}
	if got := List(reporttest.Build(t, reporttest.Unfinished(t), report.Options{})); len(got) != 0 {
		t.Errorf("figures of nothing: %v", got)
	}
}

// svgText is the text of an SVG; the test fails where it is not well-formed.
func svgText(t *testing.T, svg []byte) string {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if s, ok := token.(xml.CharData); ok {
			text.WriteString(strings.TrimSpace(string(s)) + "\n")
		}
	}
}

// A training too short for a second validation accuracy still has figures.
func TestFiguresOfAShortTraining(t *testing.T) {
	in := reporttest.Flawed(t)
	for k, points := range in.Histories {
		in.Histories[k] = points[len(points)-1:]
	}
	r := reporttest.Build(t, in, report.Options{})
	for _, f := range List(r) {
		if _, err := SVG(r, f.Name); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

// A figure says in itself what it leaves out.
func TestFiguresSayWhatTheyLeaveOut(t *testing.T) {
	r := reporttest.Build(t, reporttest.Flawed(t), report.Options{})
	want := fmt.Sprintf("trials that failed: %d; diverged: %d; have no result: %d", r.Counts.Failed, r.Counts.Diverged, r.Counts.Missing)
	for _, name := range []string{Accuracy, Front} {
		svg, err := SVG(r, name)
		if err != nil || !bytes.Contains(svg, []byte("Left out: "+want)) {
			t.Errorf("%s does not say %q (%v)", name, want, err)
		}
	}
	plan := reporttest.SlicesPlan()
	e := plan.Experiment(t)
	results, histories := plan.Run(e)
	whole := reporttest.Build(t, report.Input{Experiment: e, Results: results, Histories: histories}, report.Options{})
	if svg, err := SVG(whole, Accuracy); err != nil || bytes.Contains(svg, []byte("Left out")) {
		t.Errorf("nothing is left out, and the figure says so (%v)", err)
	}
	s := leftOut(whole.Shown(5), abscissa{at: []*float64{nil}})
	if !strings.Contains(s, "not drawn: 10") || !strings.Contains(s, "without a place on x: 1") {
		t.Errorf("left out: %q", s)
	}
}

// The figure of shifts has accuracy and worst class, of int8 networks too.
func TestShiftsInInt8(t *testing.T) {
	r := reporttest.Build(t, reporttest.Stressed(t), report.Options{})
	shifts := r.Rows[r.Chosen()].Shifts
	drawn := func() string {
		svg, err := SVG(r, Shifts)
		if err != nil {
			t.Fatal(err)
		}
		return svgText(t, svg)
	}
	if got := drawn(); !strings.Contains(got, "recall of the worst class") || strings.Contains(got, "int8") {
		t.Errorf("without int8 figures it says %s", got)
	}
	for i := range shifts {
		shifts[i].Int8 = map[report.Split]*report.ShiftScore{report.Validation: {N: 1, Mean: 0.9, Min: 0.9, Class: 3, Recall: 0.5}}
	}
	if got := drawn(); !strings.Contains(got, "accuracy in int8") || !strings.Contains(got, "worst class in int8") {
		t.Errorf("with int8 figures it says %s", got)
	}
}

// A search with several targets has a figure of its own: each target's line, the
// network that answers it, what was opened in vain, and what is not drawn.
func TestFigureOfTargets(t *testing.T) {
	in := reporttest.Flawed(t)
	configs := in.Experiment.Configs
	tested := func(right int) (all []result.TestedNetwork) {
		for seed := range int64(3) {
			share := float64(right+int(seed)) / 1000
			all = append(all, result.TestedNetwork{Seed: seed, Correct: right, Accuracy: share,
				Interval: [2]float64{share - 0.01, share + 0.01}})
		}
		return all
	}
	certificate := func(accuracy float64, answer int, opened ...int) result.Certificate {
		c := result.Certificate{Experiment: in.Experiment.Name, Seeds: []int64{0, 1, 2}, Summary: "It is.",
			Target: result.Target{Accuracy: accuracy, Confidence: 0.95, Rule: "worst", Cost: "parameters"}}
		for i := range 4 {
			c.Candidates = append(c.Candidates, result.Judged{ConfigID: configs[i].ID, Cost: configs[i].Footprint.Parameters,
				Networks: make([]result.ScreenedNetwork, 1)})
		}
		for _, i := range opened {
			c.Openings = append(c.Openings, result.Opening{ConfigID: configs[i].ID, Networks: tested(950 - 10*i)})
		}
		if answer >= 0 {
			c.Winner = &result.Winner{ConfigID: configs[answer].ID}
		}
		return c
	}
	top := certificate(0.93, 1, 2, 1)
	top.Front = []result.Certificate{certificate(0.98, -1), certificate(0.9, 1, 1)}
	in.Certificate = &top
	r := reporttest.Build(t, in, report.Options{})
	i := slices.IndexFunc(List(r), func(f Figure) bool { return f.Name == Targets })
	if i < 0 {
		t.Fatal("no figure of the targets")
	}
	left := "Left out: trained, and not opened: 2; no answer to 98 %"
	if s := List(r)[i].Caption; !strings.Contains(s, left) || !strings.Contains(s, "interval at 95 %") {
		t.Error(s)
	}
	svg, err := SVG(r, Targets)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"test accuracy (%)", "target 90 %", "target 93 %", "target 98 %", "answers 90 % and 93 %",
		"opened, and fails",
		configs[1].ID, configs[2].ID, left, "parameters (weights and biases) (log scale)"} {
		if !strings.Contains(svgText(t, svg), want) {
			t.Errorf("it does not say %q", want)
		}
	}
	b, err := PNG(r, Targets)
	picture, e := png.Decode(bytes.NewReader(b))
	if err != nil || e != nil {
		t.Fatal(err, e)
	}
	for target := range 3 {
		if !painted(picture, sliceColor(target)) {
			t.Errorf("target %d is not drawn", target)
		}
	}
	top.Front = nil
	if slices.ContainsFunc(List(reporttest.Build(t, in, report.Options{})), func(f Figure) bool { return f.Name == Targets }) {
		t.Error("one target has a figure of several")
	}
}

// painted says whether a pixel has the colour.
func painted(picture image.Image, ink color.Color) bool {
	r, g, b, _ := ink.RGBA()
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if pr, pg, pb, _ := picture.At(x, y).RGBA(); pr == r && pg == g && pb == b {
				return true
			}
		}
	}
	return false
}
