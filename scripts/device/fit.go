package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/ccode"
	"slimfit/pkg/device"
	"slimfit/pkg/parallel"
	"slimfit/pkg/tflite"
)

// fit measures random networks on each device and prints the coefficients of
// pkg/device's model of it: pkg/device/estimate.json.
func fit(ctx context.Context, devices []device.Device, networks int) error {
	models := map[string]device.Model{}
	for _, d := range devices {
		rows := make([]*device.Row, networks)
		err := parallel.Each(ctx, networks, 2, func(i int) error {
			m, pixels, err := random(i)
			if err != nil {
				return err
			}
			f, err := d.Measure(ctx, m, pixels)
			if room := (*device.RoomError)(nil); errors.As(err, &room) {
				return nil
			} else if err != nil {
				return fmt.Errorf("network %d: %w", i, err)
			}
			source, err := ccode.Generate(m, ccode.Options{Name: "net"})
			rows[i] = &device.Row{Known: device.KnownOf(m, source), Work: source.Work, Figures: f}
			return err
		})
		if err != nil {
			return err
		}
		models[d.Name] = device.Fit(rows)
	}
	b, err := json.MarshalIndent(models, "", "  ")
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, string(b))
	}
	return err
}

// random is network i of the ones that the models are fitted to, small images
// and MNIST's in turns, and two images for it.
func random(i int) (*tflite.Model, []uint8, error) {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	spec := modelstest.Random(i, r)
	if i%2 == 1 {
		spec = modelstest.RandomFor(i, models.Shape{H: 28, W: 28, C: 1}, 10, r)
	}
	w, err := modelstest.Weights(r, spec)
	if err != nil {
		return nil, nil, err
	}
	pixels := modelstest.Pixels(r, 8*spec.Input.Elements())
	file, err := tflite.Quantize(spec, w, pixels, tflite.Options{})
	if err != nil {
		return nil, nil, err
	}
	m, err := tflite.Load(file)
	return m, pixels[:2*spec.Input.Elements()], err
}
