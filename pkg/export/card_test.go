package export_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/tflite"
)

// cardOf makes the whole card of the made run's best network.
func cardOf(t *testing.T) *export.Card {
	t.Helper()
	r, _ := makeRun(t)
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	files, err := export.Build(trial, pureFormats(), set.Train.Pixels, tflite.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	card, err := export.NewCard(trial, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	if card.Measured, err = export.Measure(trial.Spec); err != nil {
		t.Fatal(err)
	}
	card.Measured.Latency = &footprint.Latency{Median: 0.25e-3, P95: 0.5e-3, Images: 500, On: "TensorFlow 2.18.1, 1 thread, some CPU"}
	card.Operators = tflite.Resolver(files.Int8)
	card.ClassNames = []string{"dark", "so_so", "bright"}
	p, err := export.Prepare(filepath.Join(t.TempDir(), "out"), card.WeightsSHA, pureFormats(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Abort()
	for f, b := range files.Data {
		if err := p.Write(f, b); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := export.NewGolden(trial, files, export.Formats(), set.Train)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []export.Format{export.CCode, export.CCodeFloat} {
		code, err := files.Code(form, "about", card.ClassNames, golden.Pixels)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(p.Write(form, code.C), p.WriteHeader(form, code.H)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []export.Format{export.SavedModel, export.Frozen} {
		if err := p.Write(f, []byte("written by TensorFlow")); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(p.Describe(card, export.Formats(), tflite.Options{}), p.WriteGolden(card, golden)); err != nil {
		t.Fatal(err)
	}
	for i, f := range card.Files {
		if m := files.Model(f.Format); m != nil {
			if card.Files[i].Accuracy, err = export.Judge(t.Context(), m, export.Test, set.Test, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	return card
}

func markdown(t *testing.T, card *export.Card) string {
	t.Helper()
	text, err := card.Markdown()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCard(t *testing.T) {
	card := cardOf(t)
	// The last bits of the weights may be a processor's own.
	got := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(markdown(t, card), "SHA256")
	golden := filepath.Join("testdata", "card.md")
	want, err := os.ReadFile(golden)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err != nil || got != string(want) {
		if err := os.WriteFile(golden+".got", []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Errorf("the card is not %s: %v; see %s.got, or set UPDATE_GOLDEN=1", golden, err, golden)
	}
	b, err := card.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var again export.Card
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if b2, err := again.JSON(); err != nil || string(b) != string(b2) {
		t.Errorf("read and written again it differs: %v", err)
	}
	if spec, err := again.Spec(); err != nil || spec.Classes != 3 || len(spec.Layers) != 3 {
		t.Errorf("spec %+v, %v", spec, err)
	}
}

// A float file that is right on other images than the network is a fault, an
// int8 file that loses much is a warning.
func TestCardCompares(t *testing.T) {
	recorded := []export.Accuracy{{Split: export.Test, Images: 1000, Correct: 950, Share: 0.95}}
	file := func(f export.Format, share float64) []export.ModelFile {
		return []export.ModelFile{{Format: f, Path: f.Path(), Accuracy: &export.Accuracy{Split: export.Test, Images: 1000,
			Correct: int(1000*share + 0.5), Share: share}}}
	}
	for _, c := range []struct {
		format        export.Format
		share         float64
		warning, fail string
	}{
		{export.TFLite, 0.951, "", ""},
		{export.TFLite, 0.94, "", "is right on 94.00 % of the test images, but the result says 95.00 %"},
		{export.TFLite, 0.96, "", "the weights are not those of the result"},
		{export.TFLiteInt8, 0.947, "", ""},
		{export.TFLiteInt8, 0.93, "model-int8.tflite loses 2.00 points of accuracy to int8 on the test images", ""},
		{export.TFLiteInt8, 0.97, "", ""},
	} {
		card := &export.Card{Accuracy: recorded, Files: file(c.format, c.share)}
		warnings, err := card.Compare()
		if (err == nil) != (c.fail == "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%s %v: %v, want %q", c.format, c.share, err, c.fail)
		}
		if got := strings.Join(warnings, "\n"); (got == "") != (c.warning == "") || !strings.Contains(got, c.warning) ||
			len(card.Warnings) != len(warnings) {
			t.Errorf("%s %v: warnings %q, want %q", c.format, c.share, warnings, c.warning)
		}
	}
	for quantize, advised := range map[string]bool{"": true, models.Int8: false} { // who trained so cannot do it again
		card := &export.Card{Accuracy: recorded, Files: file(export.TFLiteInt8, 0.93), Train: models.Recipe{Quantize: quantize}}
		if warnings, err := card.Compare(); err != nil || strings.Contains(strings.Join(warnings, ""), "train with quantize") != advised {
			t.Errorf("trained with %q: %q, %v", quantize, warnings, err)
		}
	}
}

// A name from outside cannot break out of the card's text.
func TestCardIsPlain(t *testing.T) {
	card := cardOf(t)
	card.Dataset.Name, card.Warnings = "x](http://y) <b>", []string{"one\n# two"}
	text := markdown(t, card)
	for _, bad := range []string{"x](http", "<b>", "\n# two"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is in the card", bad)
		}
	}
}
