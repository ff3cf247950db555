package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/protocol"
	"slimfit/pkg/workerproc"
)

// measureNetworks fills in what the networks' files take. Without a worker
// TensorFlow's own formats and the latency are left out.
func measureNetworks(c *cli.Context, networks []network) error {
	w, err := startWorker(c)
	if err != nil {
		if c.Context.Err() != nil {
			return err
		}
		note(c, "TensorFlow's formats and the latency are not measured: %v", err)
	} else {
		defer w.Close(0)
	}
	for i := range networks {
		n := &networks[i]
		spec := models.Spec{Input: n.Input, Classes: n.classes(), Layers: n.Model[:len(n.Model)-1]}
		m, files, err := export.MeasureFiles(spec)
		if err != nil {
			return usagef("%s: %w", n.Name, err)
		}
		if err := measureByPython(c, files, &m); err != nil {
			return err
		}
		if w != nil {
			if err := measureByWorker(c, w, spec, &m); err != nil {
				return err
			}
		}
		n.Footprint.Measured = &m
	}
	return nil
}

// classes are the units of the last dense layer.
func (n network) classes() int { return n.Model[len(n.Model)-1].Units }

// measureByWorker adds what takes TensorFlow.
func measureByWorker(c *cli.Context, w *workerproc.Process, spec models.Spec, m *footprint.Measured) error {
	dir, err := os.MkdirTemp("", "slimfit-measure-")
	if err != nil {
		return ioError(err)
	}
	defer os.RemoveAll(dir)
	data := models.Data{Input: spec.Input, Classes: spec.Classes}
	for _, f := range []struct {
		format string
		to     *int
	}{{protocol.SavedModel, &m.SavedModel}, {protocol.Frozen, &m.Frozen}} {
		file := filepath.Join(dir, f.format)
		if _, err := ask(c, w, protocol.Command{Export: &protocol.Export{Layers: spec.Layers, Data: data, Format: f.format, File: file}}, protocol.Exported); err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return ioError(err)
		}
		*f.to = int(info.Size())
	}
	m.Latency, err = latencyOf(c, w, spec.Layers, data)
	return err
}

// figure is one measured size.
type figure struct {
	name  string
	value int
}

func figures(m *footprint.Measured) []figure {
	return []figure{{"savedmodel_bytes", m.SavedModel}, {"frozen_bytes", m.Frozen}, {"tflite_bytes", m.TFLite}, {"tflite_int8_bytes", m.TFLiteInt8},
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
func measuredTable(networks []network) table {
	t := table{head: []string{"experiment", "network", "config_id"}}
	for _, f := range figures(networks[0].Footprint.Measured) {
		t.head = append(t.head, f.name)
	}
	for _, l := range latencies(networks[0].Footprint.Measured) {
		t.head = append(t.head, l.name+"_median_s", l.name+"_p95_s", l.name+"_on")
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
		t.rows = append(t.rows, row)
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
func (n network) writeMeasured(w io.Writer, markdown bool) error {
	m := n.Footprint.Measured
	if m == nil {
		return nil
	}
	end := "\n"
	if markdown {
		end = "  \n"
	}
	var files []string
	for _, f := range figures(m)[:5] {
		if f.value > 0 {
			files = append(files, strings.ReplaceAll(strings.TrimSuffix(f.name, "_bytes"), "_", " ")+" "+thousands(f.value))
		}
	}
	text := end + "file bytes: " + strings.Join(files, ", ") + end
	if !markdown {
		text = strings.TrimPrefix(text, "\n")
	}
	text += fmt.Sprintf("arena bytes: int8 %s, float32 %s%s", thousands(m.Arena), thousands(m.ArenaFloat), end)
	for _, row := range latencies(m) {
		if l := row.l; l != nil {
			text += fmt.Sprintf("%s: median %s, 95 %% within %s of %d single images (%s)%s", strings.ReplaceAll(row.name, "_", " "), duration(l.Median), duration(l.P95), l.Images, l.On, end)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}

// measuredConventions says how each figure was measured.
func measuredConventions(markdown bool) string {
	lines := []string{
		"file bytes: of the files that `slimfit export` writes, made with untrained weights: sizes depend on shapes.",
		"arena bytes: activations of one image in TensorFlow Lite Micro by its greedy planner, 16-byte alignment; the runtime's own records come on top.",
		"latency: one image from pixels to probabilities on this CPU in TensorFlow, or in TensorFlow Lite, one after the other, after 20 that are not timed.",
	}
	if markdown {
		return strings.Join(lines, "  \n") + "\n"
	}
	return strings.Join(lines, "\n") + "\n"
}
