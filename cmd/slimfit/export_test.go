package main

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/dataset"
	"slimfit/pkg/footprint"
	"slimfit/pkg/result"
	"slimfit/pkg/store"
)

// makeRun is the command of the scripts that makes a small run folder without
// training: data/ and runs/tiny/, and pictures: dark.png, bright.png, large.png,
// and flat.png of one grey. With the name of a file of series it makes runs/waves.
func makeRun() {
	if len(os.Args) > 1 {
		if err := makeSeriesRun(os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	err := copyTiny(".")
	for name, grey := range map[string]uint8{"dark.png": 45, "bright.png": 190} {
		if err == nil {
			err = writePicture(name, tinyEdge, grey, 30)
		}
	}
	err = cmp.Or(err, writePicture("large.png", 20, 190, 30), writePicture("flat.png", tinyEdge, 190, 1))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// writePicture draws as many greys around one as training images have.
func writePicture(name string, edge int, grey, greys uint8) error {
	m := image.NewGray(image.Rect(0, 0, edge, edge))
	for i := range m.Pix {
		m.Pix[i] = grey - greys/2 + uint8(i*7)%greys
	}
	f, err := os.Create(filepath.Clean(name))
	if err != nil {
		return err
	}
	if err := png.Encode(f, m); err != nil {
		return err
	}
	return f.Close()
}

// makeSeriesRun writes a run of one network for series, which answers as it likes.
func makeSeriesRun(file string) error {
	set, err := dataset.Load(dataset.Ref{Path: file}, "")
	if err != nil {
		return err
	}
	set.Data.Name = file
	conv, recipe := models.NewConv(1, 2), models.DefaultRecipe()
	conv.Kernel[1], recipe.Steps, recipe.Batch = 3, 10, 2
	c := models.Config{Layers: []models.Layer{conv}, Data: set.Data, Recipe: recipe}
	weights, err := modelstest.Bright(c.Spec(), 0.1)
	if err != nil {
		return err
	}
	bytes, err := weights.MarshalBinary()
	if err != nil {
		return err
	}
	counts, err := footprint.Of(c.Spec())
	if err != nil {
		return err
	}
	r := result.Result{Experiment: "waves", ConfigID: c.ID(), Assignment: map[string]any{"filters": 2}, Model: c.Spec().FullLayers(),
		Train: recipe, Dataset: c.Data, Classes: set.ClassNames, Status: result.Done, Steps: 10, Footprint: counts, WeightsSHA: weights.SHA256(),
		Environment: result.Environment{CPUFeatures: []string{}, Threads: 1, Device: "CPU"}, Warnings: []string{}}
	for split, n := range map[result.Split]int{result.Validation: c.Data.Validation, result.Test: c.Data.Test} {
		right := n / 2 // as many series of each of two classes, and one answer for all
		share := float64(right) / float64(n)
		r.SetOn(split, result.Figures{Correct: &right, Accuracy: &share})
	}
	folder, err := store.Create("runs", "waves", []byte("name: waves\ndataset: {path: ../../"+file+"}\nmatrix: {filters: [2]}\n"+
		"model: [{conv: {kernel: [1, 3], filters: $filters}}]\ntrain: {steps: 10, batch: 2}\nseeds: 1\n"))
	if err != nil {
		return err
	}
	session, err := folder.Join(0, nil)
	if err != nil {
		return err
	}
	defer session.Close()
	dir := folder.TrialDir(r.Key())
	token, err := session.Acquire(dir)
	if err != nil {
		return err
	}
	defer session.Release(dir, token)
	return errors.Join(store.SaveWeights(dir, token, bytes), folder.WriteResult(r, token, false))
}
