package graph

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	tg "github.com/galeone/tfgo"
	tf "github.com/wamuir/graft/tensorflow"

	"slimfit/models"
)

// Model is an exported network, loaded again.
type Model struct {
	images, logits, probabilities tf.Output
	run                           func(feeds map[tf.Output]*tf.Tensor, fetch []tf.Output) ([]*tf.Tensor, error)
	close                         func() error
}

// LoadModel loads a SavedModel that this package wrote; any other, as it comes,
// only where trust is set. What tfgo panics with comes back as an error.
func LoadModel(dir string, device Device, trust bool) (m *Model, err error) {
	defer recovered("load the SavedModel "+dir, &err)
	if !trust {
		b, err := os.ReadFile(filepath.Join(dir, "saved_model.pb"))
		if err != nil {
			return nil, fmt.Errorf("load the SavedModel: %w", err)
		}
		def, err := ownGraph(b)
		if err != nil {
			return nil, fmt.Errorf("load the SavedModel %s: %w", dir, err)
		}
		return LoadFrozen(def, device, true) // its weights are constants
	}
	c, err := device.config()
	if err != nil {
		return nil, err
	}
	saved := tg.LoadModel(dir, []string{ServeTag}, &tf.SessionOptions{Config: c})
	return &Model{images: saved.Op(ImagesName, 0), logits: saved.Op(LogitsName, 0), probabilities: saved.Op(ProbabilitiesName, 0),
		run: func(feeds map[tf.Output]*tf.Tensor, fetch []tf.Output) ([]*tf.Tensor, error) {
			return saved.Exec(fetch, feeds), nil
		},
		close: func() error { return nil }, // tfgo closes it when it is collected
	}, nil
}

// LoadFrozen loads a graph that Frozen wrote; any other only where trust is set.
func LoadFrozen(def []byte, device Device, trust bool) (m *Model, err error) {
	defer recovered("load the frozen graph", &err)
	if !trust {
		if err := vet(def); err != nil {
			return nil, fmt.Errorf("load the frozen graph: %w", err)
		}
	}
	g := tf.NewGraph()
	if err := g.Import(def, ""); err != nil {
		return nil, fmt.Errorf("load the frozen graph: %w", plain(err))
	}
	m = &Model{}
	for _, o := range []struct {
		name string
		to   *tf.Output
	}{{ImagesName, &m.images}, {LogitsName, &m.logits}, {ProbabilitiesName, &m.probabilities}} {
		node := g.Operation(o.name)
		if node == nil || node.NumOutputs() != 1 {
			return nil, fmt.Errorf("load the frozen graph: it has no tensor %q; export it by slimfit", o.name)
		}
		*o.to = node.Output(0)
	}
	s, err := newSession(g, device)
	if err != nil {
		return nil, fmt.Errorf("load the frozen graph: %w", err)
	}
	m.run = func(feeds map[tf.Output]*tf.Tensor, fetch []tf.Output) ([]*tf.Tensor, error) {
		return s.Run(feeds, fetch, nil)
	}
	m.close = s.Close
	return m, nil
}

// Close frees the model's session.
func (m *Model) Close() error { return m.close() }

// Logits applies the model to float pixels in [0, 1], [n, h, w, c].
func (m *Model) Logits(pixels []float32, in models.Shape) (logits []float32, err error) {
	return m.apply(m.logits, pixels, in)
}

// Probabilities is Logits after the softmax.
func (m *Model) Probabilities(pixels []float32, in models.Shape) (probabilities []float32, err error) {
	return m.apply(m.probabilities, pixels, in)
}

func (m *Model) apply(fetch tf.Output, pixels []float32, in models.Shape) (values []float32, err error) {
	defer recovered("run the exported model", &err)
	size := in.Elements()
	if len(pixels) == 0 || len(pixels)%size != 0 {
		return nil, errors.New("run the exported model: no whole images")
	}
	for at := 0; at < len(pixels); at += evalBatch * size {
		part := pixels[at:min(at+evalBatch*size, len(pixels))]
		t, err := floatTensor(part, int64(len(part)/size), int64(in.H), int64(in.W), int64(in.C))
		if err != nil {
			return nil, fmt.Errorf("run the exported model: %w", err)
		}
		out, err := m.run(map[tf.Output]*tf.Tensor{m.images: t}, []tf.Output{fetch})
		if err != nil {
			return nil, fmt.Errorf("run the exported model: %w", plain(err))
		}
		v, err := floats(out[0])
		if err != nil {
			return nil, fmt.Errorf("run the exported model: %w", err)
		}
		values = append(values, v...)
	}
	return values, nil
}

// Untrained returns the weights that a network starts from with seed 0 and the
// paper's rule.
func Untrained(spec models.Spec) (models.Weights, error) {
	ns, err := plan([]Net{{Spec: spec}})
	if err != nil {
		return nil, err
	}
	var w models.Weights
	for _, p := range ns.params {
		o := p.owners[0]
		w.Set(o.node, p.part, initial(p, o, p.size(), 0, models.InitPaper))
	}
	return w, nil
}
