package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/ccode"
	"slimfit/pkg/dataset"
	"slimfit/pkg/device"
	"slimfit/pkg/parallel"
	"slimfit/pkg/text"
	"slimfit/pkg/tflite"
)

// Flags of the benchmarks.
var (
	files  = flag.String("device.files", "", "int8 .tflite `files`, separated by blanks")
	set    = flag.String("device.dataset", "mnist", "their data set, in the cache")
	images = flag.Int("device.images", 0, "take the first `N` test images; 0: all")
	only   = flag.String("device.only", "", "one device alone")
)

// BenchmarkFiles runs int8 networks on the simulated chips, on every test image of
// a data set, and compares each score with the interpreter's. It prints a row a
// network and chip; a score that differs is an error.
//
//	make check-device DEVICE_FILES=FILE
func BenchmarkFiles(b *testing.B) {
	if *files == "" {
		b.Skip("-device.files names none")
	}
	table, err := runFiles(b.Context(), strings.Fields(*files))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("\n%s", table)
}

func runFiles(ctx context.Context, files []string) (string, error) {
	set, err := dataset.Load(dataset.Ref{Name: *set}, dataset.DefaultCache())
	if err != nil {
		return "", err
	}
	images := *images
	if n := set.Test.N(); images < 1 || images > n {
		images = n
	}
	devices := device.All()
	if *only != "" {
		d, err := device.Named(*only)
		if err != nil {
			return "", err
		}
		devices = []device.Device{d}
	}
	t := text.Table{Head: []string{"network", "device", "flash", "RAM", "stack", "cycles", "instructions", "ms", "right", "images"}, Left: 2}
	for _, file := range files {
		m, err := load(file)
		if err != nil {
			return "", err
		}
		pixels := set.Test.Pixels[:images*m.InputShape().Elements()]
		for _, d := range devices {
			f, err := d.Measure(ctx, m, pixels)
			if err != nil {
				return "", fmt.Errorf("%s: %w", file, err)
			}
			right, err := compareFile(m, f, pixels, set.Test.Labels)
			if err != nil {
				return "", fmt.Errorf("%s on %s: %w", file, d.Name, err)
			}
			t.Rows = append(t.Rows, []string{filepath.Base(file), d.Name, text.Thousands(f.Flash), text.Thousands(f.RAM), text.Thousands(f.Stack),
				whole(f.Cycles), whole(f.Instructions), milliseconds(f.Cycles, d.Hertz), text.Thousands(right), text.Thousands(images)})
		}
	}
	var out strings.Builder
	err = t.Markdown(&out)
	return out.String(), err
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

// compareFile holds every score against the interpreter's, and counts the right
// answers.
func compareFile(m *tflite.Model, f device.Figures, pixels, labels []uint8) (right int, err error) {
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

// BenchmarkFit measures b.N random networks on each device and prints the
// coefficients of pkg/device's model of it: pkg/device/estimate.json.
//
//	go test ./pkg/device -v -timeout 0 -run '^$' -bench Fit -benchtime 400x
func BenchmarkFit(b *testing.B) {
	if b.N < 2 { // go test's first try
		return
	}
	table, err := fit(b.Context(), b.N)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("\n%s", table)
}

func fit(ctx context.Context, networks int) (string, error) {
	models := map[string]device.Model{}
	for _, d := range device.All() {
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
			return "", err
		}
		models[d.Name] = device.Fit(rows)
	}
	b, err := json.MarshalIndent(models, "", "  ")
	return string(b), err
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
