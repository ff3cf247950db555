// Command device runs int8 networks on the simulated chips, on every test image
// of a data set, and compares each score with the interpreter's:
//
//	go run ./scripts/device -dataset mnist FILE.tflite...
//
// It prints a row a network and chip; a score that differs ends it with 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"slimfit/pkg/dataset"
	"slimfit/pkg/device"
	"slimfit/pkg/text"
	"slimfit/pkg/tflite"
)

func main() {
	name := flag.String("dataset", "mnist", "the data set, in the cache")
	images := flag.Int("images", 0, "take the first `N` test images; 0: all")
	only := flag.String("device", "", "one device alone")
	networks := flag.Int("fit", 0, "measure `N` random networks and print pkg/device/estimate.json")
	flag.Parse()
	if *networks > 0 {
		if err := fit(context.Background(), device.All(), *networks); err != nil {
			fmt.Fprintln(os.Stderr, "device:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(context.Background(), *name, *images, *only, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "device:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, name string, images int, only string, files []string) error {
	if len(files) == 0 {
		return errors.New("name at least one int8 .tflite file")
	}
	set, err := dataset.Load(dataset.Ref{Name: name}, dataset.DefaultCache())
	if err != nil {
		return err
	}
	if n := set.Test.N(); images < 1 || images > n {
		images = n
	}
	devices := device.All()
	if only != "" {
		d, err := device.Named(only)
		if err != nil {
			return err
		}
		devices = []device.Device{d}
	}
	t := text.Table{Head: []string{"network", "device", "flash", "RAM", "stack", "cycles", "instructions", "ms", "right", "images"}, Left: 2}
	for _, file := range files {
		m, err := load(file)
		if err != nil {
			return err
		}
		pixels := set.Test.Pixels[:images*m.InputShape().Elements()]
		for _, d := range devices {
			f, err := d.Measure(ctx, m, pixels)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			right, err := compare(m, f, pixels, set.Test.Labels)
			if err != nil {
				return fmt.Errorf("%s on %s: %w", file, d.Name, err)
			}
			t.Rows = append(t.Rows, []string{filepath.Base(file), d.Name, text.Thousands(f.Flash), text.Thousands(f.RAM), text.Thousands(f.Stack),
				whole(f.Cycles), whole(f.Instructions), milliseconds(f.Cycles, d.Hertz), text.Thousands(right), text.Thousands(images)})
		}
	}
	return t.Markdown(os.Stdout)
}

func load(file string) (*tflite.Model, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m, err := tflite.Load(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return m, nil
}

// compare holds every score against the interpreter's, and counts the right
// answers.
func compare(m *tflite.Model, f device.Figures, pixels, labels []uint8) (right int, err error) {
	o, err := m.Run(pixels, 2)
	if err != nil {
		return 0, err
	}
	scores, err := m.Scores(pixels, 2)
	if err != nil {
		return 0, err
	}
	for k, want := range scores {
		if f.Scores[k] != want {
			return right, fmt.Errorf("score %d of image %d is %d, the interpreter's %d", k%o.Classes, k/o.Classes, f.Scores[k], want)
		}
	}
	for n := range o.Images() {
		if o.Class(n) == int(labels[n]) {
			right++
		}
	}
	return right, nil
}

func whole(v float64) string {
	if v == 0 {
		return ""
	}
	return text.Whole(v)
}

func milliseconds(cycles float64, hertz int) string {
	if hertz == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f", 1e3*cycles/float64(hertz))
}
