package export

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

// page collects lines of Markdown.
type page struct{ strings.Builder }

// table writes a table; cells may be Markdown.
func (p *page) table(t text.Table) {
	p.line("")
	t.Markdown(p) // a builder takes everything
}

// markdown keeps a text from elsewhere from being read as Markdown.
func markdown(s string) string { return text.Markdown(text.Plain(s)) }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Markdown is the card in words.
func (c *Card) Markdown() string {
	p := &page{}
	in := c.Dataset.Input
	p.line("# %s, seed %d\n", c.ConfigID, c.Seed)
	p.line("A convolutional network of %s parameters that sorts %dx%d images of %s into %d classes, trained on %s.",
		text.Thousands(c.Footprint.Parameters), in.H, in.W, channels(in.C), c.Dataset.Classes, markdown(c.Dataset.Name))
	p.line("It comes from experiment %s, written by slimfit %s; of its seeds, %s.", markdown(c.Experiment), markdown(c.Slimfit),
		markdown(c.Chosen))
	c.layers(p)
	c.accuracy(p)
	c.data(p)
	c.footprint(p)
	c.files(p)
	c.loading(p)
	if len(c.Warnings) > 0 {
		p.line("\n## To know\n")
		for _, w := range c.Warnings {
			p.line("- %s", markdown(w))
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
	t := text.Table{Head: []string{"layer", "kind", "output", "parameters", "multiply-accumulates"}, Left: 3}
	for _, l := range c.Footprint.Layers {
		t.Rows = append(t.Rows, []string{l.Name, string(l.Kind), l.Output.String(), text.Thousands(l.Parameters), text.Thousands(l.MACs)})
	}
	p.table(t)
}

func (c *Card) accuracy(p *page) {
	p.line("\n## Accuracy")
	if len(c.Accuracy) == 0 {
		p.line("\nIt was not measured.")
		return
	}
	t := text.Table{Head: []string{"images", "what was run", "correct", "accuracy", text.Threshold(Confidence) + " interval"}, Left: 2}
	row := func(a Accuracy, what string) {
		t.Rows = append(t.Rows, []string{text.Thousands(a.Images) + " " + a.Split, what, text.Thousands(a.Correct), text.Percent(a.Share),
			text.Percentage(a.Bounds[0]) + " to " + text.Percent(a.Bounds[1])})
	}
	for _, a := range c.Accuracy {
		row(a, "as trained, in TensorFlow")
		for _, f := range c.Files {
			if f.Accuracy != nil && f.Accuracy.Split == a.Split {
				row(*f.Accuracy, "`"+f.Path+"`")
			}
		}
	}
	p.table(t)
	p.line("\nThe intervals are Clopper and Pearson's. They speak of this one network on new images of the same kind; a network of " +
		"another seed may do better or worse.")
	if c.Accuracy[0].Split != Test {
		p.line("The test images were not opened. What was chosen on the validation images does a little worse on others.")
	}
}

func (c *Card) data(p *page) {
	d := c.Dataset
	p.line("\n## Data and preprocessing\n")
	p.line("%s images of %s to train on, %s to choose by (validation), %s to test. SHA-256 of the data set: `%s`.\n",
		text.Thousands(d.Train), markdown(d.Name), text.Thousands(d.Validation), text.Thousands(d.Test), d.Digest)
	p.line("- Input: `[n, %d, %d, %d]`: images, rows, columns, channels. float32 in [0, 1]: each 8-bit value divided by 255, as in the "+
		"data set, neither inverted nor centred.", d.Input.H, d.Input.W, d.Input.C)
	if c.file(TFLiteInt8) != nil || c.file(CArray) != nil {
		p.line("- Input of the int8 files: each 8-bit value minus 128.")
	}
	if d.Resize != nil {
		p.line("- Pictures are resized to %d rows and %d columns first, bilinear%s.", d.Resize[0], d.Resize[1],
			map[string]string{"pad": ", whole and in the middle of black", "crop": ", the middle of them"}[d.Fit])
	}
	if d.Channels == "grey" {
		p.line("- Colours are made grey by their luma first: 0.299 red, 0.587 green, 0.114 blue.")
	}
	p.line("- Output: one probability a class, and the logits they come from.")
	if len(c.ClassNames) > 0 {
		p.line("- Classes, from 0: %s.", markdown(strings.Join(unambiguous(c.ClassNames), ", ")))
	}
	if recipe, err := json.Marshal(c.Train); err == nil {
		p.line("- Recipe: `%s`", recipe)
	}
}

// unambiguous quotes the names that a list with commas would not keep apart.
func unambiguous(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = n; strings.ContainsAny(n, `,"`) {
			out[i] = strconv.Quote(n)
		}
	}
	return out
}

func (c *Card) footprint(p *page) {
	f, m := c.Footprint, c.Measured
	p.line("\n## Footprint")
	t := text.Table{Head: []string{"figure", "value", "what it is"}, Words: []bool{true, false, true}}
	row := func(figure, value, what string) { t.Rows = append(t.Rows, []string{figure, value, what}) }
	for _, cost := range []footprint.Cost{footprint.Parameters, footprint.Weights, footprint.MACs, footprint.ActivationE, footprint.Peak,
		footprint.WeightBytes} {
		row(strings.ReplaceAll(string(cost), "_", " "), text.Thousands(f.Get(cost)), "counted: "+cost.Unit())
	}
	if f.ParametersTrained != 0 {
		row("parameters trained", text.Thousands(f.ParametersTrained),
			"counted: as Keras does, with gamma, beta and moving averages of batch normalisation")
	}
	for _, size := range []struct {
		name  string
		value int
		what  string
	}{
		{"TFLite bytes", m.TFLite, "measured: the float32 file"}, {"TFLite int8 bytes", m.TFLiteInt8, "measured: the int8 file"},
		{"npz bytes", m.NPZ, "measured: the weights alone"}, {"SavedModel bytes", m.SavedModel, "measured: saved_model.pb"}, {"frozen bytes", m.Frozen, "measured: the GraphDef"},
		{"arena bytes", m.Arena, "computed: activations of the int8 file in TensorFlow Lite Micro, greedy planner, 16-byte alignment; its own records come on top"},
		{"float32 arena bytes", m.ArenaFloat, "the same of the float32 file"},
	} {
		if size.value > 0 {
			row(size.name, text.Thousands(size.value), size.what)
		}
	}
	for _, time := range []struct {
		name string
		l    *footprint.Latency
	}{{"latency", m.Latency}, {"TFLite latency", m.LiteFloat}, {"TFLite int8 latency", m.LiteInt8}} {
		if l := time.l; l != nil {
			row(time.name, fmt.Sprintf("%.3f ms", 1e3*l.Median), fmt.Sprintf("measured: median of %d single images, 95 %% within %.3f ms; %s",
				l.Images, 1e3*l.P95, markdown(l.On)))
		}
	}
	p.table(t)
}

func (c *Card) files(p *page) {
	p.line("\n## Files")
	t := text.Table{Head: []string{"file", "bytes", "SHA-256"}, Words: []bool{true, false, true}}
	for _, f := range c.Files {
		t.Rows = append(t.Rows, []string{"`" + f.Path + "`", text.Thousands(f.Bytes), "`" + f.SHA256 + "`"})
	}
	p.table(t)
	for _, f := range c.Files {
		if f.DensePerChannel {
			p.line("\n`%s` has a weight scale for each unit of a dense layer (--dense-per-channel), which not every runtime reads.", f.Path)
		}
	}
}
