package export

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/template"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/text"
)

// Card says what an export is: export.json, and in words README.md.
type Card struct {
	Slimfit    string              `json:"slimfit"` // version that wrote it
	Experiment string              `json:"experiment"`
	ConfigID   string              `json:"config_id"`
	Assignment map[string]any      `json:"assignment"`
	Seed       int64               `json:"seed"`
	Chosen     string              `json:"chosen"` // why this seed
	Model      []models.Layer      `json:"model"`  // the last dense layer included
	Train      models.Recipe       `json:"train"`
	Dataset    models.Data         `json:"dataset"`
	ClassNames []string            `json:"class_names,omitempty"`
	Inputs     *dataset.Ranges     `json:"inputs,omitempty"` // what training images are like
	WeightsSHA string              `json:"weights_sha256"`
	Accuracy   []Accuracy          `json:"accuracy"` // as trained, in TensorFlow
	Footprint  footprint.Footprint `json:"footprint"`
	Measured   footprint.Measured  `json:"measured"`
	Operators  []string            `json:"operators,omitempty"` // of the int8 file: methods of TensorFlow Lite Micro's resolver
	Files      []ModelFile         `json:"files"`
	Golden     string              `json:"golden_sha256,omitempty"` // of golden.npz; "": an older slimfit wrote none
	Warnings   []string            `json:"warnings"`
}

// ModelFile is one file of an export.
type ModelFile struct {
	Format   Format    `json:"format"`
	Path     string    `json:"path"` // below the export's folder
	Bytes    int       `json:"bytes"`
	SHA256   string    `json:"sha256"`
	Accuracy *Accuracy `json:"accuracy,omitempty"` // of the file itself, run by pkg/tflite

	// DensePerChannel: the dense layers of a quantized file have a weight scale a
	// unit, see tflite.Options.
	DensePerChannel bool `json:"dense_per_channel,omitempty"`
}

// NewCard fills in what the trial says of itself.
func NewCard(t *Trial, version string) (*Card, error) {
	accuracy, err := Recorded(t.Result)
	if err != nil {
		return nil, err
	}
	counts, err := footprint.Of(t.Spec)
	if err != nil {
		return nil, err
	}
	r, warnings := t.Result, slices.Concat(t.Warnings, t.Result.Warnings)
	if d := r.Distinct; d != nil {
		warnings = append(warnings, fmt.Sprintf("%d of %d test images repeat others: of the %d that do not, %d are right; the intervals "+
			"above count all", r.Dataset.Test-d.Test, r.Dataset.Test, d.Test, d.Correct))
	}
	return &Card{Slimfit: version, Experiment: r.Experiment, ConfigID: r.ConfigID, Assignment: r.Assignment, Seed: r.Seed, Chosen: t.Chosen,
		Model: r.Model, Train: r.Train, Dataset: r.Dataset, WeightsSHA: t.Weights.SHA256(), Accuracy: accuracy, Footprint: counts,
		Warnings: append([]string{}, warnings...)}, nil
}

// JSON is the content of export.json.
func (c *Card) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the card: %w", err)
	}
	return append(b, '\n'), nil
}

// Spec is the network that the card is of.
func (c *Card) Spec() (models.Spec, error) {
	s := c.Dataset.Spec(nil)
	if len(c.Model) == 0 {
		return s, fmt.Errorf("%s has no model", ManifestName)
	}
	s.Layers = c.Model[:len(c.Model)-1]
	_, err := s.Nodes()
	return s, err
}

// take notes the size of a file.
func (c *Card) take(f ModelFile) {
	m := &c.Measured
	switch f.Format {
	case SavedModel:
		m.SavedModel = f.Bytes
	case Frozen:
		m.Frozen = f.Bytes
	case TFLite:
		m.TFLite = f.Bytes
	case TFLiteInt8:
		m.TFLiteInt8 = f.Bytes
	case NPZ:
		m.NPZ = f.Bytes
	}
}

// file finds a format.
func (c *Card) file(f Format) *ModelFile {
	if i := slices.IndexFunc(c.Files, func(m ModelFile) bool { return m.Format == f }); i >= 0 {
		return &c.Files[i]
	}
	return nil
}

// sameInt8 reports whether the int8 file holds the network of f, a C array.
func (c *Card) sameInt8(f ModelFile) bool {
	int8 := c.file(TFLiteInt8)
	return int8 != nil && int8.DensePerChannel == f.DensePerChannel
}

// A file may lose this share of the images to rounding, or this many where they
// are few: a float32 file that differs by more is wrong, int8 is worth a warning.
const (
	maxLoss      = 0.005
	fewFloat     = 3
	fewQuantized = 10
)

// Compare holds the files' accuracies against the one as trained. It fails
// where the float32 file differs by more than rounding can explain, and adds
// warnings where int8 costs much.
func (c *Card) Compare() (warnings []string, err error) {
	for _, a := range c.Accuracy {
		for _, f := range c.Files {
			if f.Accuracy == nil || f.Accuracy.Split != a.Split {
				continue
			}
			lost := a.Correct - f.Accuracy.Correct
			share := float64(lost) / float64(a.Images)
			switch {
			case !f.Format.Quantized() && math.Abs(share) > maxLoss && max(lost, -lost) > fewFloat:
				return nil, fmt.Errorf("%s is right on %.2f %% of the %s images, but the result says %.2f %%: the weights are not those of the "+
					"result, or this is a bug",
					f.Path, 100*f.Accuracy.Share, a.Split, 100*a.Share)
			case (f.Format == CArray || f.Format == CCode) && c.sameInt8(f): // the warning is given once
			case f.Format.Quantized() && share > maxLoss && lost > fewQuantized:
				warnings = append(warnings, fmt.Sprintf("%s loses %.2f points of accuracy to int8 on the %s images%s", f.Path, 100*share, a.Split,
					map[bool]string{true: "; train with quantize: int8 to win them back"}[c.Train.Quantize == ""]))
			}
		}
	}
	c.Warnings = append(c.Warnings, warnings...)
	return warnings, nil
}

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
	const fence = "```" // code stays as it is
	parts, noun := strings.Split(b.String(), fence), text.NounOf(c.Dataset.Kind, c.ClassNames...)
	for i := 0; i < len(parts); i += 2 {
		parts[i] = noun.Of(parts[i])
	}
	return strings.Join(parts, fence), nil
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
