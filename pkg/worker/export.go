package worker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/npy"
	"slimfit/pkg/protocol"
)

// export writes a network in one of TensorFlow's forms.
func (s *server) export(e protocol.Export) error {
	spec := e.Data.Spec(e.Layers)
	var w models.Weights
	var err error
	if e.Dir == "" {
		w, err = graph.Untrained(spec)
	} else {
		w, err = loadWeights(e.Dir)
	}
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	var b []byte
	switch e.Format {
	case protocol.SavedModel:
		b, err = graph.SavedModel(spec, w)
	case protocol.Frozen:
		b, err = graph.Frozen(spec, w)
	default:
		err = fmt.Errorf("export: no format %q", e.Format)
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(e.File, b, 0o666); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	s.emit(protocol.Event{Type: protocol.Exported})
	return nil
}

// inference is a CPU session as a program that only runs networks has it.
func (s *server) inference() graph.Device {
	return graph.Device{Threads: s.options.Threads, Optimize: true}
}

// latencyWarmUp images are not timed: TensorFlow makes its kernels in them.
const latencyWarmUp = 20

// latency times single images.
func (s *server) latency(l protocol.Latency) error {
	if l.Images < 1 {
		return errors.New("latency: no images wanted")
	}
	spec := l.Data.Spec(l.Layers)
	w, err := graph.Untrained(spec)
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	def, err := graph.Frozen(spec, w)
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	m, err := graph.LoadFrozen(def, s.inference(), true)
	if err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	defer m.Close()
	image := dataset.Scaled(randomImages(1, spec.Input, spec.Classes).Pixels)
	times := make([]float64, 0, l.Images)
	for i := range latencyWarmUp + l.Images {
		start := time.Now()
		if _, err := m.Probabilities(image, spec.Input); err != nil {
			return fmt.Errorf("latency: %w", err)
		}
		if i >= latencyWarmUp {
			times = append(times, time.Since(start).Seconds())
		}
	}
	slices.Sort(times)
	s.emit(protocol.Event{Type: protocol.Timed, Times: &protocol.Times{
		Median: quantile(times, 0.5), P95: quantile(times, 0.95), Images: len(times)}})
	return nil
}

// quantile is the smallest of the sorted values that the share q of them does
// not exceed.
func quantile(sorted []float64, q float64) float64 {
	at := int(q * float64(len(sorted)))
	if float64(at) == q*float64(len(sorted)) && at > 0 {
		at--
	}
	return sorted[at]
}

// predict applies an exported network to images.
func (s *server) predict(p protocol.Predict) error {
	b, err := os.ReadFile(p.Images)
	if err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	images, shape, err := npy.Read[float32](b)
	if err != nil {
		return fmt.Errorf("predict: %s: %w", p.Images, err)
	}
	if in := p.Input; !slices.Equal(shape[min(1, len(shape)):], []int{in.H, in.W, in.C}) || len(images) == 0 {
		return fmt.Errorf("predict: %s: images of shape %v, want [n, %d, %d, %d]", p.Images, shape, in.H, in.W, in.C)
	}
	m, err := s.loadModel(p)
	if err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	defer m.Close()
	if _, err := m.Logits(images[:p.Input.Elements()], p.Input); err != nil { // makes TensorFlow's kernels
		return fmt.Errorf("predict: %w", err)
	}
	start := time.Now()
	logits, err := m.Logits(images, p.Input)
	if err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	took := time.Since(start).Seconds()
	if len(logits) != shape[0]*p.Classes {
		return fmt.Errorf("predict: %d logits for %d images, want %d an image", len(logits), shape[0], p.Classes)
	}
	s.emit(protocol.Event{Type: protocol.Predicted, Logits: logits, Seconds: took})
	return nil
}

func (s *server) loadModel(p protocol.Predict) (*graph.Model, error) {
	switch p.Format {
	case protocol.SavedModel:
		return graph.LoadModel(p.Model, s.inference(), p.Trust)
	case protocol.Frozen:
		def, err := os.ReadFile(p.Model)
		if err != nil {
			return nil, err
		}
		return graph.LoadFrozen(def, s.inference(), p.Trust)
	}
	return nil, fmt.Errorf("no format %q", p.Format)
}

// randomImages are n images of noise, always the same.
func randomImages(n int, in models.Shape, classes int) dataset.Images {
	g := rand.New(rand.NewPCG(1, 2))
	images := dataset.Images{Pixels: make([]uint8, n*in.Elements()), Labels: make([]uint8, n)}
	for i := range images.Pixels {
		images.Pixels[i] = uint8(g.IntN(256))
	}
	for i := range images.Labels {
		images.Labels[i] = uint8(g.IntN(classes))
	}
	return images
}
