package lab

import (
	"context"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/protocol"
	"slimfit/pkg/workerproc"
)

// Network is one counted network.
type Network struct {
	Experiment string              `json:"experiment,omitempty"`
	Name       string              `json:"name"` // of the paper's network, or the assignment
	ConfigID   string              `json:"config_id,omitempty"`
	Input      models.Shape        `json:"input"`
	Model      []models.Layer      `json:"model"`
	Footprint  footprint.Footprint `json:"footprint"`

	device string // of the experiment's target
}

// CountNetworks counts the paper's networks by name, on a known data set, and
// those of experiment files.
func (l *Lab) CountNetworks(ctx context.Context, named []string, set string, files, sets []string) ([]Network, error) {
	var networks []Network
	for _, a := range named {
		layers, _ := models.Named(a)
		data, err := dataset.Describe(dataset.Ref{Name: set}, l.Cache)
		if err != nil {
			return nil, exit.Usagef("--dataset: %w", err)
		}
		spec := data.Spec(layers)
		f, err := footprint.Of(spec)
		if err != nil {
			return nil, exit.Usagef("%s on %s: %w", a, data.Name, err)
		}
		networks = append(networks, Network{Name: a, Input: data.Input, Model: spec.FullLayers(), Footprint: f})
	}
	experiments, err := l.LoadAll(ctx, files, sets, false)
	if err != nil {
		return nil, err
	}
	for _, e := range experiments {
		for _, cfg := range e.Configs {
			networks = append(networks, newNetwork(e, cfg))
		}
	}
	return networks, nil
}

func newNetwork(e *experiment.Experiment, c experiment.Configuration) Network {
	n := Network{Experiment: e.Name, Name: e.Label(c), ConfigID: c.ID, Input: c.Data.Input, Model: c.Spec().FullLayers(),
		Footprint: c.Footprint}
	if e.Target != nil {
		n.device = e.Target.Device
	}
	return n
}

// MeasureNetworks fills in what the networks' files take. Without a worker
// TensorFlow's own formats and the latency are left out.
func (l *Lab) MeasureNetworks(ctx context.Context, networks []Network) error {
	w, err := l.startWorker(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		l.Note("TensorFlow's formats and the latency are not measured: %v", err)
	} else {
		defer w.Close(0)
	}
	for i := range networks {
		n := &networks[i]
		spec := n.spec()
		m, files, err := export.MeasureFiles(spec)
		if err != nil {
			return exit.Usagef("%s: %w", n.Name, err)
		}
		if err := l.measureByPython(ctx, files, &m); err != nil {
			return err
		}
		if w != nil {
			if err := measureByWorker(ctx, w, spec, &m); err != nil {
				return err
			}
		}
		n.Footprint.Measured = &m
	}
	return nil
}

// spec takes the classes from the units of the last dense layer.
func (n Network) spec() models.Spec {
	last := len(n.Model) - 1
	return models.Spec{Input: n.Input, Classes: n.Model[last].Units, Layers: n.Model[:last]}
}

// measureByWorker adds what takes TensorFlow.
func measureByWorker(ctx context.Context, w *workerproc.Process, spec models.Spec, m *footprint.Measured) error {
	dir, err := os.MkdirTemp("", "slimfit-measure-")
	if err != nil {
		return exit.Failed(err)
	}
	defer os.RemoveAll(dir)
	data := models.Data{Input: spec.Input, Classes: spec.Classes}
	for _, f := range []struct {
		format string
		to     *int
	}{{protocol.SavedModel, &m.SavedModel}, {protocol.Frozen, &m.Frozen}} {
		file := filepath.Join(dir, f.format)
		if _, err := ask(ctx, w, protocol.Command{Export: &protocol.Export{Layers: spec.Layers, Data: data, Format: f.format, File: file}},
			protocol.Exported); err != nil {
			return err
		}
		info, err := os.Stat(file)
		if err != nil {
			return exit.Failed(err)
		}
		*f.to = int(info.Size())
	}
	m.Latency, err = latencyOf(ctx, w, spec.Layers, data)
	return err
}
