package device_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"slimfit/models"
	"slimfit/models/modelstest"
	"slimfit/pkg/device"
	"slimfit/pkg/footprint"
)

// unseen is how many networks estimates are judged by that were not looked at
// before, which begin at this seed.
const (
	unseen      = 30
	firstUnseen = 5_000_000
)

// mostOff is the relative error that estimates may have of them.
const mostOff = 0.10

// TestEstimateOnDevices compares the sums of each device with its simulator on
// random networks.
func TestEstimateOnDevices(t *testing.T) {
	for _, d := range device.All() {
		if missing := d.Missing(); missing != "" {
			t.Logf("NOT RUN on %s: no %s", d.Name, missing)
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			sums, err := d.Sums(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			all := map[footprint.Cost][]float64{}
			next, done := uint64(firstUnseen), 0
			var wait sync.WaitGroup
			for range 2 {
				wait.Go(func() {
					for {
						mu.Lock()
						seed := next
						next++
						if done >= unseen || t.Failed() {
							mu.Unlock()
							return
						}
						mu.Unlock()
						r := rand.New(rand.NewPCG(seed, 2))
						spec := modelstest.Random(int(seed), r)
						if seed%2 == 1 {
							spec = modelstest.RandomFor(int(seed), models.Shape{H: 28, W: 28, C: 1}, 10, r)
						}
						off, ok := compare(t, d, sums, seed, spec)
						mu.Lock()
						if ok {
							done++
						}
						for c, v := range off {
							all[c] = append(all[c], v)
						}
						mu.Unlock()
					}
				})
			}
			wait.Wait()
			for c, off := range all {
				slices.Sort(off)
				v := off[len(off)-1]
				t.Logf("%s: the sum is at most %.1f %% off over %d networks, the median %.1f %%", c, 100*v, done, 100*off[len(off)/2])
				if v > mostOff {
					t.Errorf("%s: %.1f %% off", c, 100*v)
				}
			}
		})
	}
}

// compare gives the relative error of each figure; false where the device has
// no room.
func compare(t *testing.T, d device.Device, sums *device.Sums, seed uint64, spec models.Spec) (map[footprint.Cost]float64, bool) {
	m, pixels := network(t, seed, spec, 1)
	f, err := d.Measure(t.Context(), m, pixels)
	if room := (*device.RoomError)(nil); errors.As(err, &room) {
		return nil, false
	}
	guess, gerr := sums.Estimate(t.Context(), m)
	if err = errors.Join(err, gerr); err != nil {
		t.Error(err)
		return nil, false
	}
	off := map[footprint.Cost]float64{}
	is := footprint.Footprint{Measured: &footprint.Measured{Chip: f.OnChip()}}
	says := footprint.Footprint{Measured: &footprint.Measured{Chip: guess}}
	for _, c := range []footprint.Cost{footprint.FlashBytes, footprint.RAMBytes, d.Counts} {
		off[c] = math.Abs(float64(says.Get(c)-is.Get(c))) / float64(is.Get(c))
		if off[c] > mostOff {
			t.Logf("network %d: %s is %d, the sum says %d", seed, c, is.Get(c), says.Get(c))
		}
	}
	return off, true
}
