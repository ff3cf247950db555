package export

import (
	"context"
	"fmt"
	"math/rand/v2"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/stats"
	"slimfit/pkg/tflite"
)

// Confidence of the card's intervals.
const Confidence = 0.95

// Accuracy is a share of images told right.
type Accuracy struct {
	Split   string     `json:"split"` // test or validation
	Images  int        `json:"images"`
	Correct int        `json:"correct"`
	Share   float64    `json:"accuracy"`
	Bounds  [2]float64 `json:"interval"` // two-sided Clopper-Pearson, Confidence
}

// NewAccuracy is of that many correct answers, with its interval.
func NewAccuracy(split string, correct, images int) (*Accuracy, error) {
	i, err := stats.ClopperPearson(correct, images, Confidence)
	if err != nil {
		return nil, fmt.Errorf("accuracy on the %s images: %w", split, err)
	}
	return &Accuracy{split, images, correct, float64(correct) / float64(images), [2]float64{i.Low, i.High}}, nil
}

// Recorded are the accuracies that the result has: test and validation, as far
// as they were measured.
func Recorded(r result.Result) ([]Accuracy, error) {
	var all []Accuracy
	for _, s := range []result.Split{result.Test, result.Validation} {
		correct, images := r.On(s).Correct, s.Images(r.Dataset)
		if correct == nil || images == 0 {
			continue
		}
		a, err := NewAccuracy(string(s), *correct, images)
		if err != nil {
			return nil, err
		}
		all = append(all, *a)
	}
	return all, nil
}

// Names of the splits that files are judged on.
const (
	Test       = string(result.Test)
	Validation = string(result.Validation)
)

// Judged is the split that a network's files may be judged on: the test images
// only if they were opened for it before. images is empty where there is none.
func Judged(r result.Result, set *dataset.Set) (split string, images dataset.Images) {
	if r.Correct.Test != nil {
		return Test, set.Test
	}
	return Validation, set.Validation
}

// judgeBatch images run between two looks at the context.
const judgeBatch = 256

// Judge runs a file's model on all images. Large networks take minutes: the
// end of ctx ends it.
func Judge(ctx context.Context, m *tflite.Model, split string, images dataset.Images, workers int) (*Accuracy, error) {
	correct := 0
	err := classify(ctx, m, images, workers, func(i, class int) {
		if class == int(images.Labels[i]) {
			correct++
		}
	})
	if err != nil {
		return nil, err
	}
	return NewAccuracy(split, correct, images.N())
}

// classify calls do with each image's index, rising, and its class.
func classify(ctx context.Context, m *tflite.Model, images dataset.Images, workers int, do func(i, class int)) error {
	return score(ctx, m, images, workers, func(i int, out *tflite.Output, k int) { do(i, out.Class(k)) })
}

// score calls do with each image's index, rising, and where in an output it is.
func score(ctx context.Context, m *tflite.Model, images dataset.Images, workers int, do func(i int, out *tflite.Output, k int)) error {
	size := m.InputShape().Elements()
	for at := 0; at < images.N(); at += judgeBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		end := min(at+judgeBatch, images.N())
		out, err := m.Run(images.Pixels[at*size:end*size], workers)
		if err != nil {
			return fmt.Errorf("judge the file: %w", err)
		}
		for i := range end - at {
			do(at+i, out, i)
		}
	}
	return nil
}

// logitSlack is by how much two logits may differ and still count as equal: what
// TensorFlow and package tflite sum up in another order. It is absolute below 1,
// relative above.
const logitSlack = 1e-5

// Disputed are the images to which the trial's network, run from its weights,
// gives another answer than wrong, the list of a result, says: as [index, answer].
// Where the two answers have equal logits there is no dispute.
func Disputed(ctx context.Context, t *Trial, images dataset.Images, wrong [][2]int, workers int) (disputed [][2]int, err error) {
	m, err := Interpreter(t)
	if err != nil {
		return nil, err
	}
	said := make([]int, images.N())
	for i := range said {
		said[i] = int(images.Labels[i])
	}
	for _, w := range wrong {
		if w[0] < 0 || w[0] >= len(said) || w[1] < 0 || w[1] >= m.Classes() {
			return nil, fmt.Errorf("its list of wrong images has [%d, %d]", w[0], w[1])
		}
		said[w[0]] = w[1]
	}
	err = score(ctx, m, images, workers, func(i int, out *tflite.Output, k int) {
		best := out.Class(k)
		of := out.Logits[k*out.Classes:]
		if gap := of[best] - of[said[i]]; gap > logitSlack*max(1, max(of[best], -of[best])) {
			disputed = append(disputed, [2]int{i, best})
		}
	})
	return disputed, err
}

// Measure computes the sizes of a network's files, and of their activations, from
// its shapes. The int8 file's is an upper bound: a trained network may have scales
// or zero points that are equal by chance, which its file then holds once. What
// takes TensorFlow stays 0.
func Measure(spec models.Spec) (m footprint.Measured, err error) {
	s, err := tflite.SizesOf(spec)
	if err != nil {
		return m, fmt.Errorf("measure the files: %w", err)
	}
	return footprint.Measured{TFLite: s.Float, TFLiteInt8: s.Int8, NPZ: s.NPZ, Arena: s.Arena, ArenaFloat: s.ArenaFloat}, nil
}

// mostBuilt is the most weights of a network whose files older certificates made.
const mostBuilt = 1 << 19

// MeasureBuilt is Measure as older certificates had it: their int8 size was that of
// one file, of untrained weights.
func MeasureBuilt(spec models.Spec) (footprint.Measured, error) {
	f, err := footprint.Of(spec)
	if err != nil || f.Parameters > mostBuilt {
		return Measure(spec)
	}
	m, files, err := MeasureFiles(spec)
	m.TFLiteInt8 = len(files[TFLiteInt8])
	return m, err
}

// MeasureFiles is Measure with TensorFlow Lite files of untrained weights.
func MeasureFiles(spec models.Spec) (m footprint.Measured, files map[Format][]byte, err error) {
	if m, err = Measure(spec); err != nil {
		return m, nil, err
	}
	spec.Folded = true
	w, err := noise(spec)
	if err != nil {
		return m, nil, fmt.Errorf("measure the files: %w", err)
	}
	f, err := Build(&Trial{Spec: spec, Weights: w}, []Format{TFLite, TFLiteInt8}, noisePixels(2*spec.Input.Elements()), tflite.Options{})
	if err != nil {
		return m, nil, fmt.Errorf("measure the files: %w", err)
	}
	return m, f.Data, nil
}

func noisePixels(n int) []uint8 {
	pixels := make([]uint8, n)
	g := rand.New(rand.NewPCG(1, 2))
	for i := range pixels {
		pixels[i] = uint8(g.IntN(256))
	}
	return pixels
}

// noise is weights that differ from each other, as trained ones do: a file
// keeps equal arrays once. Logits get both signs, and few units are dead.
func noise(spec models.Spec) (models.Weights, error) {
	nodes, err := spec.Nodes()
	if err != nil {
		return nil, err
	}
	g := rand.New(rand.NewPCG(3, 4))
	var w models.Weights
	for _, n := range nodes {
		size := n.Size(models.Kernel)
		if size == 0 {
			continue
		}
		kernel := make([]float32, size)
		for i := range kernel {
			kernel[i] = (g.Float32() - 0.4) * float32(n.Out.C) / float32(size)
		}
		w.Set(n.Name, models.Kernel, kernel)
		if !n.Bias {
			continue
		}
		bias := make([]float32, n.Out.C)
		for i := range bias {
			bias[i] = g.Float32()
			if n.Linear && i%2 == 1 {
				bias[i] -= 2
			}
		}
		w.Set(n.Name, models.Bias, bias)
	}
	return w, nil
}
