package export

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

//go:embed card.tmpl
var cardTemplate string

// Markdown is the card in words.
func (c *Card) Markdown() (string, error) {
	t, err := template.New("card").Funcs(template.FuncMap{
		"thousands": text.Thousands, "percent": text.Percent[float64], "percentage": text.Percentage, "plain": markdown, "names": text.Classes, "numbered": text.Numbered,
		"confidence": func() string { return text.Threshold(Confidence) }, "cname": func() string { return CName },
		"upper": strings.ToUpper, "join": strings.Join,
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	}).Parse(cardTemplate)
	var b strings.Builder
	if err == nil {
		err = t.Execute(&b, c)
	}
	if err != nil {
		return "", fmt.Errorf("write the card: %w", err)
	}
	return b.String(), nil
}

// markdown keeps a text from elsewhere from being read as Markdown.
func markdown(s string) string { return text.Markdown(text.Plain(s)) }

// Has says whether one of the formats was written.
func (c *Card) Has(formats ...Format) bool {
	return slices.ContainsFunc(formats, func(f Format) bool { return c.file(f) != nil })
}

// Figure is a row of the card's footprint.
type Figure struct{ Name, Value, What string }

// Figures are what the network takes, counted and measured.
func (c *Card) Figures() []Figure {
	f, m := c.Footprint, c.Measured
	var all []Figure
	for _, cost := range []footprint.Cost{footprint.Parameters, footprint.Weights, footprint.MACs, footprint.ActivationE, footprint.Peak,
		footprint.WeightBytes} {
		all = append(all, Figure{strings.ReplaceAll(string(cost), "_", " "), text.Thousands(f.Get(cost)), "counted: " + cost.Unit()})
	}
	for _, size := range []struct {
		name  string
		value int
		what  string
	}{
		{"parameters trained", f.ParametersTrained, "counted: as Keras does, with gamma, beta and moving averages of batch normalisation"},
		{"TFLite bytes", m.TFLite, "measured: the float32 file"},
		{"TFLite int8 bytes", m.TFLiteInt8, "measured: the int8 file"},
		{"npz bytes", m.NPZ, "measured: the weights alone"},
		{"SavedModel bytes", m.SavedModel, "measured: saved_model.pb"},
		{"frozen bytes", m.Frozen, "measured: the GraphDef"},
		{"arena bytes", m.Arena, "computed: activations of the int8 file in TensorFlow Lite Micro, greedy planner, 16-byte alignment; " +
			"its own records come on top"},
		{"float32 arena bytes", m.ArenaFloat, "the same of the float32 file"},
	} {
		if size.value > 0 {
			all = append(all, Figure{size.name, text.Thousands(size.value), size.what})
		}
	}
	for _, time := range []struct {
		name string
		l    *footprint.Latency
	}{{"latency", m.Latency}, {"TFLite latency", m.LiteFloat}, {"TFLite int8 latency", m.LiteInt8}} {
		if l := time.l; l != nil {
			all = append(all, Figure{time.name, fmt.Sprintf("%.3f ms", 1e3*l.Median),
				fmt.Sprintf("measured: median of %d single images, 95 %% within %.3f ms; %s", l.Images, 1e3*l.P95, markdown(l.On))})
		}
	}
	return all
}
