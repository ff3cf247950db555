package device_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slimfit/pkg/dataset"
	"slimfit/pkg/device"
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
