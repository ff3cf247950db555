package export

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"slimfit/pkg/footprint"
)

// page collects lines of Markdown.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Markdown is the card in words.
func (c *Card) Markdown() string {
	p := &page{}
	in := c.Dataset.Input
	p.line("# %s, seed %d\n", c.ConfigID, c.Seed)
	p.line("A convolutional network of %s parameters that sorts %dx%d images of %s into %d classes, trained on %s.",
		thousands(c.Footprint.Parameters), in.H, in.W, channels(in.C), c.Dataset.Classes, plain(c.Dataset.Name))
	p.line("It comes from experiment %s, written by slimfit %s; of its seeds, %s.", plain(c.Experiment), plain(c.Slimfit), plain(c.Chosen))
	c.layers(p)
	c.accuracy(p)
	c.data(p)
	c.footprint(p)
	c.files(p)
	c.loading(p)
	if len(c.Warnings) > 0 {
		p.line("\n## To know\n")
		for _, w := range c.Warnings {
			p.line("- %s", plain(w))
		}
	}
	return p.String()
}

func channels(n int) string {
	if n == 1 {
		return "one channel"
	}
	return fmt.Sprintf("%d channels", n)
}

func (c *Card) layers(p *page) {
	p.line("\n| layer | kind | output | parameters | multiply-accumulates |")
	p.line("|---|---|---|---:|---:|")
	for _, l := range c.Footprint.Layers {
		p.line("| %s | %s | %s | %s | %s |", l.Name, l.Kind, l.Output, thousands(l.Parameters), thousands(l.MACs))
	}
}

func (c *Card) accuracy(p *page) {
	p.line("\n## Accuracy\n")
	if len(c.Accuracy) == 0 {
		p.line("It was not measured.")
		return
	}
	p.line("| images | what was run | correct | accuracy | %.0f %% interval |", 100*Confidence)
	p.line("|---|---|---:|---:|---:|")
	row := func(a Accuracy, what string) {
		p.line("| %s %s | %s | %s | %.2f %% | %.2f to %.2f %% |", thousands(a.Images), a.Split, what, thousands(a.Correct), 100*a.Share, 100*a.Bounds[0], 100*a.Bounds[1])
	}
	for _, a := range c.Accuracy {
		row(a, "as trained, in TensorFlow")
		for _, f := range c.Files {
			if f.Accuracy != nil && f.Accuracy.Split == a.Split {
				row(*f.Accuracy, "`"+f.Path+"`")
			}
		}
	}
	p.line("\nThe intervals are Clopper and Pearson's. They speak of this one network on new images of the same kind; a network of another seed may do better or worse.")
	if c.Accuracy[0].Split != Test {
		p.line("The test images were not opened. What was chosen on the validation images does a little worse on others.")
	}
}

func (c *Card) data(p *page) {
	d := c.Dataset
	p.line("\n## Data and preprocessing\n")
	p.line("%s images of %s to train on, %s to choose by (validation), %s to test. SHA-256 of the data set: `%s`.\n", thousands(d.Train), plain(d.Name), thousands(d.Validation), thousands(d.Test), d.Digest)
	p.line("- Input: `[n, %d, %d, %d]`: images, rows, columns, channels. float32 in [0, 1]: each 8-bit value divided by 255, as in the data set, neither inverted nor centred.", d.Input.H, d.Input.W, d.Input.C)
	if c.file(TFLiteInt8) != nil || c.file(CArray) != nil {
		p.line("- Input of the int8 files: each 8-bit value minus 128.")
	}
	if d.Resize != nil {
		p.line("- Pictures are resized to %d rows and %d columns first, bilinear.", d.Resize[0], d.Resize[1])
	}
	p.line("- Output: one probability a class, and the logits they come from.")
	if len(c.ClassNames) > 0 {
		p.line("- Classes, from 0: %s.", plain(strings.Join(c.ClassNames, ", ")))
	}
	if recipe, err := json.Marshal(c.Train); err == nil {
		p.line("- Recipe: `%s`", recipe)
	}
}

func (c *Card) footprint(p *page) {
	f, m := c.Footprint, c.Measured
	p.line("\n## Footprint\n")
	p.line("| figure | value | what it is |")
	p.line("|---|---:|---|")
	for _, cost := range []footprint.Cost{footprint.Parameters, footprint.Weights, footprint.MACs, footprint.ActivationE, footprint.Peak, footprint.WeightBytes} {
		p.line("| %s | %s | counted: %s |", strings.ReplaceAll(string(cost), "_", " "), thousands(f.Get(cost)), cost.Unit())
	}
	for _, row := range []struct {
		name  string
		value int
		what  string
	}{
		{"TFLite bytes", m.TFLite, "measured: the float32 file"}, {"TFLite int8 bytes", m.TFLiteInt8, "measured: the int8 file"},
		{"npz bytes", m.NPZ, "measured: the weights alone"}, {"SavedModel bytes", m.SavedModel, "measured: saved_model.pb"}, {"frozen bytes", m.Frozen, "measured: the GraphDef"},
		{"arena bytes", m.Arena, "computed: activations of the int8 file in TensorFlow Lite Micro, greedy planner, 16-byte alignment; its own records come on top"},
		{"float32 arena bytes", m.ArenaFloat, "the same of the float32 file"},
	} {
		if row.value > 0 {
			p.line("| %s | %s | %s |", row.name, thousands(row.value), row.what)
		}
	}
	for _, row := range []struct {
		name string
		l    *footprint.Latency
	}{{"latency", m.Latency}, {"TFLite latency", m.LiteFloat}, {"TFLite int8 latency", m.LiteInt8}} {
		if l := row.l; l != nil {
			p.line("| %s | %.3f ms | measured: median of %d single images, 95 %% within %.3f ms; %s |", row.name, 1e3*l.Median, l.Images, 1e3*l.P95, plain(l.On))
		}
	}
}

func (c *Card) files(p *page) {
	p.line("\n## Files\n")
	p.line("| file | bytes | SHA-256 |")
	p.line("|---|---:|---|")
	for _, f := range c.Files {
		p.line("| `%s` | %s | `%s` |", f.Path, thousands(f.Bytes), f.SHA256)
	}
	for _, f := range c.Files {
		if f.DensePerChannel {
			p.line("\n`%s` has a weight scale for each unit of a dense layer (--dense-per-channel), which not every runtime reads.", f.Path)
		}
	}
}

// plain keeps a text from being read as Markdown.
func plain(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			r = ' '
		case slices.Contains([]rune("\\`*_[]<>|#!&"), r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// thousands writes 3274634 as 3,274,634.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
