package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/lab"
	"slimfit/pkg/text"
)

// figure is one measured size.
type figure struct {
	name  string
	value int
}

func figures(m *footprint.Measured) []figure {
	return []figure{{"savedmodel_bytes", m.SavedModel}, {"frozen_bytes", m.Frozen}, {"tflite_bytes", m.TFLite},
		{"tflite_int8_bytes", m.TFLiteInt8},
		{"npz_bytes", m.NPZ}, {"arena_bytes", m.Arena}, {"arena_float32_bytes", m.ArenaFloat}}
}

// timed is one measured latency, which may be missing.
type timed struct {
	name string
	l    *footprint.Latency
}

func latencies(m *footprint.Measured) []timed {
	return []timed{{"latency", m.Latency}, {"latency_tflite", m.LiteFloat}, {"latency_tflite_int8", m.LiteInt8}}
}

// measuredTable has one row a network, for programs.
func measuredTable(networks []lab.Network) text.Table {
	t := text.Table{Head: []string{"experiment", "network", "config_id"}}
	for _, f := range figures(networks[0].Footprint.Measured) {
		t.Head = append(t.Head, f.name)
	}
	for _, l := range latencies(networks[0].Footprint.Measured) {
		t.Head = append(t.Head, l.name+"_median_s", l.name+"_p95_s", l.name+"_on")
	}
	chip := networks[0].Footprint.Measured.Chip
	if chip != nil {
		t.Head = append(t.Head, "device")
		for _, c := range chip.Costs() {
			t.Head = append(t.Head, string(c))
		}
		t.Head = append(t.Head, "device_by")
	}
	for _, n := range networks {
		row := []string{n.Experiment, n.Name, n.ConfigID}
		for _, f := range figures(n.Footprint.Measured) {
			row = append(row, emptyIfZero(f.value))
		}
		for _, x := range latencies(n.Footprint.Measured) {
			if l := x.l; l != nil {
				row = append(row, strconv.FormatFloat(l.Median, 'g', 6, 64), strconv.FormatFloat(l.P95, 'g', 6, 64), l.On)
			} else {
				row = append(row, "", "", "")
			}
		}
		if chip != nil {
			row = append(row, n.Footprint.Measured.Chip.Chip)
			for _, c := range chip.Costs() {
				row = append(row, emptyIfZero(n.Footprint.Get(c)))
			}
			row = append(row, n.Footprint.Measured.Chip.By)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func emptyIfZero(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// writeMeasured prints the measured figures below a network's totals.
func writeMeasured(w io.Writer, n lab.Network, markdown bool) error {
	m := n.Footprint.Measured
	if m == nil {
		return nil
	}
	end := "\n"
	if markdown {
		end = "  \n"
	}
	if m.Chip != nil {
		if _, err := io.WriteString(w, chipWords(n.Footprint)+end); err != nil || m.TFLite == 0 {
			return err
		}
	}
	var files []string
	for _, f := range figures(m)[:5] {
		if f.value > 0 {
			files = append(files, strings.ReplaceAll(strings.TrimSuffix(f.name, "_bytes"), "_", " ")+" "+text.Thousands(f.value))
		}
	}
	words := end + "file bytes: " + strings.Join(files, ", ") + end
	if !markdown {
		words = strings.TrimPrefix(words, "\n")
	}
	words += fmt.Sprintf("arena bytes: int8 %s, float32 %s%s", text.Thousands(m.Arena), text.Thousands(m.ArenaFloat), end)
	for _, row := range latencies(m) {
		if l := row.l; l != nil {
			words += fmt.Sprintf("%s: median %s, 95 %% within %s of %d single images (%s)%s", strings.ReplaceAll(row.name, "_", " "),
				text.Duration(l.Median), text.Duration(l.P95), l.Images, l.On, end)
		}
	}
	_, err := io.WriteString(w, words)
	return err
}

// chipWords are a network's figures on a device.
func chipWords(f footprint.Footprint) string {
	var words []string
	for _, c := range f.Measured.Chip.Costs() {
		words = append(words, chipHead(c)+" "+chipCell(f, c))
	}
	return "on " + f.Measured.Chip.Chip + ": " + strings.Join(words, ", ") + " (by " + f.Measured.Chip.By + ")"
}

func chipHead(c footprint.Cost) string { return strings.ReplaceAll(string(c), "_", " ") }

func chipCell(f footprint.Footprint, c footprint.Cost) string {
	if c == footprint.LatencyMicros {
		return text.Duration(float64(f.Get(c)) / 1e6)
	}
	return text.Thousands(f.Get(c))
}

// measuredConventions says how each figure was measured.
func measuredConventions(markdown bool) string {
	lines := []string{
		"file bytes: of the files that `slimfit export` writes, from the shapes; of the int8 file at most: equal scales are written once.",
		"arena bytes: activations of one image in TensorFlow Lite Micro by its greedy planner, 16-byte alignment; the runtime's own records " +
			"come on top.",
		"latency: one image from pixels to probabilities on this CPU in TensorFlow, or in TensorFlow Lite, one after the other, after 20 " +
			"that are not timed.",
	}
	return lineByLine(lines, markdown)
}
