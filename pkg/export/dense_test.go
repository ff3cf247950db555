package export_test

import (
	"testing"

	"slimfit/pkg/export"
	"slimfit/pkg/tflite"
)

// A dense layer's weight scales are one, or as many as it has units; the file
// says which, and both are right about as often.
func TestDensePerChannel(t *testing.T) {
	r, _ := makeRun(t)
	trial, set := open(t, export.Choice{Folder: r.Folder, ConfigID: r.Good}), loadSet(t, r)
	for _, c := range []struct {
		opts  tflite.Options
		units map[string]int // scales of the layers that have the name
	}{
		{tflite.Options{}, map[string]int{"fc1": 1, "logits": 1}},
		{tflite.Options{DensePerChannel: true}, map[string]int{"fc1": 4, "logits": 3}},
	} {
		files, err := export.Build(trial, []export.Format{export.TFLiteInt8}, set.Train.Pixels, c.opts)
		if err != nil {
			t.Fatal(err)
		}
		m := files.Int8
		for _, op := range m.Ops {
			if op.Code != tflite.FullyConnected {
				continue
			}
			name, scales := m.Tensors[op.Outputs[0]].Name, m.Tensors[op.Inputs[1]].Quant.Scale
			if len(scales) != c.units[name] {
				t.Errorf("%+v: %s has %d weight scales, want %d", c.opts, name, len(scales), c.units[name])
			}
		}
		if a, err := export.Judge(t.Context(), m, export.Test, set.Test, 1); err != nil || a.Correct < *trial.Result.Correct.Test-2 {
			t.Errorf("%+v: %+v, %v", c.opts, a, err)
		}
	}
}
