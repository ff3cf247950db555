package worker

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/graph"
	"slimfit/pkg/npy"
	"slimfit/pkg/train"
)

// network is one entry of the file that TestWriteForKeras reads.
type network struct {
	Name    string         `json:"name"`
	Input   models.Shape   `json:"input"`
	Classes int            `json:"classes"`
	Layers  []models.Layer `json:"layers"` // without the last dense layer
	Train   models.Recipe  `json:"train"`
}

// Flags of TestWriteForKeras.
var (
	kerasNetworks = flag.String("keras.networks", "../../scripts/keras/networks.json", "the networks")
	kerasOut      = flag.String("keras.out", "", "the folder to write all of them to; \"\": a few to a temporary one")
)

// TestWriteForKeras trains each network of a JSON file for its recipe's steps on
// random images and writes all numbers that another program needs to repeat that
// into OUT/<name>/, for make check-keras. scripts/keras/README.md tells the files.
// Without OUT these are networks with augment and select only.
func TestWriteForKeras(t *testing.T) {
	b, err := os.ReadFile(*kerasNetworks)
	if err != nil {
		t.Fatal(err)
	}
	var networks []network
	if err := json.Unmarshal(b, &networks); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{"augment-light": "seen.npy", "select-best": "selected.npy"}
	out := *kerasOut
	if out == "" {
		out = t.TempDir()
		networks = slices.DeleteFunc(networks, func(n network) bool { return wanted[n.Name] == "" })
	}
	for _, n := range networks {
		dir := filepath.Join(out, n.Name)
		if err := n.check(dir); err != nil {
			t.Fatalf("%s: %v", n.Name, err)
		}
		for _, file := range []string{wanted[n.Name], "images.npy", "losses.npy", "end-00.npy"} {
			if _, err := os.Stat(filepath.Join(dir, file)); wanted[n.Name] != "" && err != nil {
				t.Error(err)
			}
		}
	}
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
	set := &dataset.Set{Data: models.Data{Input: n.Input, Classes: n.Classes}, Train: images}
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
	if n.Train.Augment != nil {
		if err := n.writeSeen(dir, p, images.N()); err != nil {
			return err
		}
	}
	var losses []float64
	var end models.Weights
	if n.Train.Select == models.Best {
		losses, end, err = n.selected(dir, spec, set)
	} else if losses, err = inOrder(p, n.Train); err == nil {
		end, err = p.Weights(0)
	}
	if err != nil {
		return err
	}
	if err := n.writeMoved(dir, end); err != nil {
		return err
	}
	return n.write(dir, counts, state.Weights, images, logits, losses)
}

// writeMoved writes the moving averages after the last step: those of batch
// normalisation, and of all weights where the recipe has ema or select.
func (n network) writeMoved(dir string, w models.Weights) error {
	arrays, err := w.Arrays(models.Spec{Input: n.Input, Classes: n.Classes, Layers: n.Layers})
	if err != nil {
		return err
	}
	for i, a := range arrays {
		if !a.Part.Trained() || n.Train.EMA > 0 || n.Train.Select == models.Best {
			if err := save(dir, fmt.Sprintf("end-%02d", i), a.Values, a.Shape...); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeSeen writes the images as augmented, in the order of inOrder.
func (n network) writeSeen(dir string, p *graph.Pack, images int) error {
	var seen []float32
	for step := range n.Train.Steps {
		x, err := p.Seen(step, inTurn(n.Train.Batch, step))
		if err != nil {
			return err
		}
		seen = append(seen, x...)
	}
	return save(dir, "seen", seen, images, n.Input.H, n.Input.W, n.Input.C)
}

// validated is how many images, the first ones, also validate a network that
// selects its weights.
const validated = 100

// selected trains as a run does and writes the order of the images and the step
// whose weights are kept.
func (n network) selected(dir string, spec models.Spec, set *dataset.Set) (losses []float64, end models.Weights, err error) {
	set.Validation = dataset.Images{Pixels: set.Train.Pixels[:validated*n.Input.Elements()], Labels: set.Train.Labels[:validated]}
	t, err := train.New(set, []graph.Net{{Spec: spec, Seed: 1}}, n.Train, nil, graph.DeviceFor(n.Train, 1, false))
	if err != nil {
		return nil, nil, err
	}
	defer t.Close()
	batch, order := make([]int32, n.Train.Batch), []int32{}
	sequence := dataset.NewOrder(set.Train.N(), n.Train.OrderSeed(1))
	for !t.Done() {
		sequence.Batch(t.Step(), n.Train.Batch, batch)
		if err := t.Next(); err != nil {
			return nil, nil, err
		}
		loss, _ := t.Loss(0)
		losses, order = append(losses, loss), append(order, batch...)
	}
	results, err := t.Results(false)
	if err != nil {
		return nil, nil, err
	}
	if end, err = t.Weights(0); err != nil {
		return nil, nil, err
	}
	if err := save(dir, "selected", []int32{int32(results[0].Selected)}, 1); err != nil {
		return nil, nil, err
	}
	return losses, end, save(dir, "order", order, t.Step(), n.Train.Batch)
}

// inTurn are the images of a step as they lie.
func inTurn(n, step int) []int32 {
	batch := make([]int32, n)
	for i := range batch {
		batch[i] = int32(step*n + i)
	}
	return batch
}

// inOrder trains all steps on the images as they lie and returns the losses.
func inOrder(p *graph.Pack, r models.Recipe) ([]float64, error) {
	var losses []float64
	loss := make([]float64, 1)
	for step := range r.Steps {
		if err := p.Step(step, inTurn(r.Batch, step), loss); err != nil {
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
