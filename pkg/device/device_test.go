package device_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/device"
	"slimfit/pkg/tflite"
)

func network(t *testing.T, seed uint64, spec models.Spec, images int) (*tflite.Model, []uint8) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 24))
	w, err := modelstest.Weights(r, spec)
	if err != nil {
		t.Fatal(err)
	}
	pixels := modelstest.Pixels(r, max(8, images)*spec.Input.Elements())
	file, err := tflite.Quantize(spec, w, pixels, tflite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := tflite.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	m.Scaling = spec.Scaling
	return m, pixels[:images*spec.Input.Elements()]
}

// TestSameBitsOnDevices runs networks of every layer kind, and the paper's final
// one, on each device, and compares every score.
func TestSameBitsOnDevices(t *testing.T) {
	specs := modelstest.Each()
	final, _ := models.Named("final")
	specs["final"] = models.Spec{Input: models.Shape{H: 28, W: 28, C: 1}, Classes: 10, Layers: final}
	for _, d := range device.All() {
		if missing := d.Missing(); missing != "" {
			t.Logf("NOT RUN on %s: no %s", d.Name, missing)
			continue
		}
		for name, spec := range specs {
			t.Run(d.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				m, pixels := network(t, 1, spec, 3)
				f, err := d.Measure(t.Context(), m, pixels)
				if err != nil {
					t.Fatal(err)
				}
				if want, err := m.Scores(pixels, 1); err != nil || !slices.Equal(f.Scores, want) {
					t.Errorf("%v, want %v, %v", f.Scores, want, err)
				}
				t.Logf("%s: flash %d, RAM %d (stack %d), cycles %.0f, instructions %.0f", name, f.Flash, f.RAM, f.Stack, f.Cycles, f.Instructions)
			})
		}
	}
}

func TestNoRoom(t *testing.T) {
	d, err := device.Named("atmega328p")
	if err != nil {
		t.Fatal(err)
	}
	if missing := d.Missing(); missing != "" {
		t.Skipf("NOT RUN on %s: no %s", d.Name, missing)
	}
	base, _ := models.Named("light")
	m, pixels := network(t, 1, models.Spec{Input: models.Shape{H: 40, W: 40, C: 2}, Classes: 10, Layers: base}, 1)
	var room *device.RoomError
	if _, err := d.Measure(t.Context(), m, pixels); !errors.As(err, &room) || room.Needs <= room.Has {
		t.Errorf("%v, want no room", err)
	}
	for _, h := range []int{375, 393, 396, 399, 408} { // from the second on the stack meets the data, which alone would fit
		// the simulator has more room, so that it tells how much is needed
		m, pixels := network(t, 1, models.Spec{Input: models.Shape{H: h, W: 3, C: 1}, Classes: 3,
			Layers: []models.Layer{models.NewConv(3, 2), models.NewMaxPool(2)}}, 3)
		f, err := d.Measure(t.Context(), m, pixels)
		if want, _ := m.Scores(pixels, 1); !slices.Equal(f.Scores, want) || errors.As(err, &room) == (h == 375) ||
			h > 375 && (room.Part != "RAM" || room.Needs != f.RAM || f.RAM <= d.RAM) {
			t.Errorf("%d rows: scores %v, RAM %d, %v; want %v or no room", h, f.Scores, f.RAM, err, want)
		}
	}
}

func TestNamed(t *testing.T) {
	if _, err := device.Named("z80"); err == nil || err.Error() != `no device "z80": want atmega328p or cortex-m4` {
		t.Error(err)
	}
}
