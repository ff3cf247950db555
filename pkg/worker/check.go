package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/graph"
	"slimfit/pkg/npy"
	"slimfit/pkg/train"
)

// network is one entry of the file that Check reads.
type network struct {
	Name    string         `json:"name"`
	Input   models.Shape   `json:"input"`
	Classes int            `json:"classes"`
	Layers  []models.Layer `json:"layers"` // without the last dense layer
	Train   models.Recipe  `json:"train"`
}

// Check trains each network of a JSON file for its recipe's steps on random
// images and writes all numbers that another program needs to repeat that into
// out/<name>/. scripts/keras/README.md tells the files.
func Check(file, out string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	var networks []network
	if err := json.Unmarshal(b, &networks); err != nil {
		return fmt.Errorf("check: read %s: %w", file, err)
	}
	for _, n := range networks {
		if err := n.check(filepath.Join(out, n.Name)); err != nil {
			return fmt.Errorf("check %s: %w", n.Name, err)
		}
	}
	return nil
}

func (n network) check(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	spec := models.Spec{Input: n.Input, Classes: n.Classes, Layers: n.Layers}
	counts, err := footprint.Of(spec)
	if err != nil {
		return err
	}
	images := randomImages(n.Train.Batch*n.Train.Steps, n.Input, n.Classes)
	set := &dataset.Set{Data: models.Data{Classes: n.Classes}, Train: images}
	for i := range n.Classes {
		set.ClassNames = append(set.ClassNames, strconv.Itoa(i))
	}
	weights, err := train.ClassWeights(n.Train.ClassWeights, set)
	if err != nil {
		return err
	}
	p, err := graph.NewPack([]graph.Net{{Spec: spec, Seed: 1}}, n.Train,
		graph.Images{Pixels: images.Pixels, Labels: images.Labels, ClassWeights: weights}, graph.DeviceFor(n.Train, 1, false))
	if err != nil {
		return err
	}
	defer p.Close()
	state, err := p.State(0)
	if err != nil {
		return err
	}
	logits, err := p.Logits(0, images.Pixels)
	if err != nil {
		return err
	}
	losses, err := inOrder(p, n.Train)
	if err != nil {
		return err
	}
	end, err := p.Weights(0)
	if err != nil {
		return err
	}
	if err := n.writeMoved(dir, end); err != nil {
		return err
	}
	return n.write(dir, counts, state.Weights, images, logits, losses)
}

// writeMoved writes the moving averages after the last step: those of batch
// normalisation, and of all weights where the recipe has ema.
func (n network) writeMoved(dir string, w models.Weights) error {
	arrays, err := w.Arrays(models.Spec{Input: n.Input, Classes: n.Classes, Layers: n.Layers})
	if err != nil {
		return err
	}
	for i, a := range arrays {
		if !a.Part.Trained() || n.Train.EMA > 0 {
			if err := save(dir, fmt.Sprintf("end-%02d", i), a.Values, a.Shape...); err != nil {
				return err
			}
		}
	}
	return nil
}

// inOrder trains all steps on the images as they lie and returns the losses.
func inOrder(p *graph.Pack, r models.Recipe) ([]float64, error) {
	var losses []float64
	batch, loss := make([]int32, r.Batch), make([]float64, 1)
	for step := range r.Steps {
		for i := range batch {
			batch[i] = int32(step*r.Batch + i)
		}
		if err := p.Step(step, batch, loss); err != nil {
			return nil, err
		}
		losses = append(losses, loss[0])
	}
	return losses, nil
}

func (n network) write(dir string, counts footprint.Footprint, w models.Weights, images dataset.Images, logits []float32,
	losses []float64) error {
	b, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "counts.json"), b, 0o666); err != nil {
		return err
	}
	spec := models.Spec{Input: n.Input, Classes: n.Classes, Layers: n.Layers}
	arrays, err := w.Arrays(spec)
	if err != nil {
		return err
	}
	for i, a := range arrays {
		if err := save(dir, fmt.Sprintf("%02d", i), a.Values, a.Shape...); err != nil {
			return err
		}
	}
	labels := make([]int32, images.N())
	for i, l := range images.Labels {
		labels[i] = int32(l)
	}
	if err := save(dir, "images", dataset.Scaled(images.Pixels), images.N(), n.Input.H, n.Input.W, n.Input.C); err != nil {
		return err
	}
	if err := save(dir, "labels", labels, len(labels)); err != nil {
		return err
	}
	if err := save(dir, "logits", logits, images.N(), n.Classes); err != nil {
		return err
	}
	return save(dir, "losses", losses, len(losses))
}

func save[T int32 | float32 | float64](dir, name string, values []T, shape ...int) error {
	var b bytes.Buffer
	if err := npy.Write(&b, values, shape...); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return os.WriteFile(filepath.Join(dir, name+".npy"), b.Bytes(), 0o666)
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
