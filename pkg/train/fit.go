package train

import (
	"context"
	"fmt"

	"slimfit/models"
	"slimfit/pkg/dataset"
	"slimfit/pkg/graph"
	"slimfit/pkg/result"
)

// Trained is a network that Fit has trained.
type Trained struct {
	Weights models.Weights
	// accuracy, confusion and wrong images of the validation and the test images; Status Diverged where the loss
	// was not finite
	Result  result.Result
	History []result.Point
}

// Fit trains one network on the set's training images and judges it on its
// validation and test images. The same arguments give the same numbers on the
// same machine. It runs on one thread of the processor; New, Run and Results
// are its parts for packs of networks, GPUs, teachers and checkpoints.
func Fit(ctx context.Context, set *dataset.Set, spec models.Spec, recipe models.Recipe, seed int64) (Trained, error) {
	t, err := New(set, []graph.Net{{Spec: spec, Seed: seed}}, recipe, nil, graph.DeviceFor(recipe, 1, false))
	if err != nil {
		return Trained{}, err
	}
	defer t.Close()
	if err := t.Run(ctx, nil); err != nil {
		return Trained{}, fmt.Errorf("train: %w", err)
	}
	results, err := t.Results(true)
	if err != nil {
		return Trained{}, err
	}
	w, err := t.Weights(0)
	if err != nil {
		return Trained{}, fmt.Errorf("read the trained weights: %w", err)
	}
	r := results[0]
	r.Seed, r.Model, r.WeightsSHA = seed, spec.FullLayers(), w.SHA256()
	return Trained{Weights: w, Result: r, History: t.History(0)}, nil
}
