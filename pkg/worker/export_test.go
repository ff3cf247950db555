package worker

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/dataset"
	"slimfit/pkg/npy"
	"slimfit/pkg/protocol"
)

// imagesFile writes the images as Predict wants them.
func imagesFile(t *testing.T, p protocol.Pack, images dataset.Images) string {
	t.Helper()
	var b bytes.Buffer
	in := p.Data.Input
	if err := npy.Write(&b, dataset.Scaled(images.Pixels), images.N(), in.H, in.W, in.C); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "images.npy")
	if err := os.WriteFile(file, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// What is exported, loaded again and applied to the test images, errs exactly
// where the training's own evaluation did.
func TestExportsWhatItTrained(t *testing.T) {
	s, p := serve(t), testPack(t, 60)
	s.send(protocol.Command{Train: &p})
	done := finished(s.until(protocol.PackDone, protocol.Error))
	set, err := dataset.LoadData(p.Data, p.Source)
	if err != nil {
		t.Fatal(err)
	}
	images := imagesFile(t, p, set.Test)
	for i, m := range p.Members {
		wrong := map[int]int{}
		for _, w := range done[i].Result.Wrong.Test {
			wrong[w[0]] = w[1]
		}
		var first []float32
		for _, format := range []string{protocol.SavedModel, protocol.Frozen} {
			dir := t.TempDir()
			file := filepath.Join(dir, "saved_model.pb")
			s.send(protocol.Command{Export: &protocol.Export{Dir: m.Dir, Layers: m.Layers, Data: p.Data, Format: format, File: file}})
			if e := last(s.until(protocol.Exported, protocol.Error)); e.Type != protocol.Exported {
				t.Fatalf("%s: %s", format, e.Message)
			}
			model := file
			if format == protocol.SavedModel {
				model = dir
			}
			s.send(protocol.Command{Predict: &protocol.Predict{Model: model, Format: format, Images: images, Input: p.Data.Input,
				Classes: p.Data.Classes}})
			e := last(s.until(protocol.Predicted, protocol.Error))
			if e.Type != protocol.Predicted || len(e.Logits) != set.Test.N()*p.Data.Classes || !(e.Seconds > 0) {
				t.Fatalf("%s: %d logits: %s", format, len(e.Logits), e.Message)
			}
			for k := range set.Test.N() {
				class := best(e.Logits[k*p.Data.Classes : (k+1)*p.Data.Classes])
				want, bad := wrong[k]
				if !bad {
					want = int(set.Test.Labels[k])
				}
				if class != want {
					t.Errorf("%s: test image %d is class %d, the evaluation said %d", format, k, class, want)
				}
			}
			if first == nil {
				first = e.Logits
			}
			for k, v := range e.Logits {
				if math.Abs(float64(v-first[k])) > 1e-5 {
					t.Fatalf("logit %d is %g as %s and %g as %s", k, v, format, first[k], protocol.SavedModel)
				}
			}
		}
	}
}

func last(events []protocol.Event) protocol.Event { return events[len(events)-1] }

func best(v []float32) int {
	at := 0
	for i, x := range v {
		if x > v[at] {
			at = i
		}
	}
	return at
}

func TestTimesSingleImages(t *testing.T) {
	s, p := serve(t), testPack(t, 5)
	s.send(protocol.Command{Latency: &protocol.Latency{Layers: p.Members[0].Layers, Data: p.Data, Images: 30}})
	e := last(s.until(protocol.Timed, protocol.Error))
	if e.Times == nil || e.Times.Images != 30 || !(e.Times.Median > 0) || e.Times.P95 < e.Times.Median {
		t.Errorf("times %+v: %s", e.Times, e.Message)
	}
}

func TestQuantile(t *testing.T) {
	twenty := make([]float64, 20)
	for i := range twenty {
		twenty[i] = float64(i + 1)
	}
	for _, c := range []struct {
		sorted  []float64
		q, want float64
	}{{[]float64{7}, 0.5, 7}, {[]float64{7}, 0.95, 7}, {[]float64{1, 2}, 0.5, 1}, {[]float64{1, 2, 3}, 0.5, 2}, {twenty, 0.95, 19},
		{twenty, 0.5, 10}, {twenty[:19], 0.95, 19}} {
		if got := quantile(c.sorted, c.q); got != c.want {
			t.Errorf("%g of %v: %v, want %v", c.q, c.sorted, got, c.want)
		}
	}
}

// Without weights, or into a folder that is not there, nothing is written, and
// the worker goes on.
func TestExportErrors(t *testing.T) {
	s, p := serve(t), testPack(t, 5)
	m, out := p.Members[0], filepath.Join(t.TempDir(), "out.pb")
	good := protocol.Export{Layers: m.Layers, Data: p.Data, Format: protocol.Frozen, File: out}
	for name, c := range map[string]struct {
		change  func(*protocol.Export)
		want    string
		storage bool
	}{
		"no weights": {func(e *protocol.Export) { e.Dir = m.Dir }, "weights.bin", true},
		"no folder":  {func(e *protocol.Export) { e.File = filepath.Join(m.Dir, "gone", "x.pb") }, "gone", true},
		"no format":  {func(e *protocol.Export) { e.Format = "onnx" }, `"onnx"`, false},
	} {
		bad := good
		c.change(&bad)
		s.send(protocol.Command{Export: &bad})
		e := last(s.until(protocol.Exported, protocol.Error))
		if e.Type != protocol.Error || !strings.Contains(e.Message, c.want) || e.Storage != c.storage {
			t.Errorf("%s: %+v", name, e)
		}
		if _, err := os.Stat(bad.File); err == nil {
			t.Errorf("%s: there is a file", name)
		}
	}
	s.send(protocol.Command{Export: &good})
	if e := last(s.until(protocol.Exported, protocol.Error)); e.Type != protocol.Exported {
		t.Errorf("untrained weights: %s", e.Message)
	}
}

func TestPredictErrors(t *testing.T) {
	s, p := serve(t), testPack(t, 5)
	images := imagesFile(t, p, randomImages(2, p.Data.Input, 3))
	empty := filepath.Join(t.TempDir(), "empty.pb")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	good := protocol.Predict{Model: t.TempDir(), Format: protocol.SavedModel, Images: images, Input: p.Data.Input, Classes: 3}
	for name, c := range map[string]struct {
		change func(*protocol.Predict)
		want   string
	}{
		"no model":    {func(*protocol.Predict) {}, "load the SavedModel"},
		"no images":   {func(p *protocol.Predict) { p.Images = "/none.npy" }, "none.npy"},
		"other shape": {func(p *protocol.Predict) { p.Input.H = 9 }, "[n, 9, 8, 1]"},
		"no tensors":  {func(p *protocol.Predict) { p.Format, p.Model = protocol.Frozen, empty }, `no tensor "images"`},
		"no format":   {func(p *protocol.Predict) { p.Format = "npz" }, `"npz"`},
	} {
		bad := good
		c.change(&bad)
		s.send(protocol.Command{Predict: &bad})
		if e := last(s.until(protocol.Predicted, protocol.Error)); e.Type != protocol.Error || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
