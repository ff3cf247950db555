package sweep

import (
	"testing"

	"slimfit/models"
	"slimfit/pkg/experiment"
	"slimfit/pkg/footprint"
	"slimfit/pkg/machine"
)

func TestSlots(t *testing.T) {
	large := []experiment.Trial{{Configuration: &experiment.Configuration{ID: "large", Footprint: footprint.Footprint{Parameters: 100_000_000},
		Config: models.Config{Layers: []models.Layer{models.NewDense(10)}}}}}
	for range 9 {
		large = append(large, large[0])
	}
	cards := []machine.Device{{Visible: "0", Name: "A"}, {Visible: "1", Name: "B"}}
	for _, c := range []struct {
		name   string
		p      Placement
		trials []experiment.Trial
		want   int
	}{
		{"a container of 2 GB, much of it cache", Placement{Machine: machine.Machine{Cores: 16, MemoryAvailable: 1600 << 20}}, nil, 3},
		{"a bit more than two cores", Placement{Machine: machine.Machine{Cores: 16, Quota: 2.005}}, nil, 2},
		{"two threads each", Placement{Machine: machine.Machine{Cores: 16}, Threads: 2}, nil, 8},
		{"networks that take 2.4 GB", Placement{Machine: machine.Machine{Cores: 16, MemoryAvailable: 8 << 30}}, large, 3},
		{"fewer trials than cores", Placement{Machine: machine.Machine{Cores: 16}}, large, 10},
		{"as many as asked for", Placement{Machine: machine.Machine{Cores: 2}, Jobs: 5}, large, 5},
		{"no trials left", Placement{Machine: machine.Machine{Cores: 16}}, large[:0], 1},
		{"GPUs", Placement{Machine: machine.Machine{Cores: 16}, Devices: cards}, nil, 2},
		{"GPUs, shared", Placement{Machine: machine.Machine{Cores: 1}, Devices: cards, PerDevice: 3}, nil, 6},
		{"GPUs, bounded", Placement{Devices: cards, PerDevice: 3, Jobs: 4}, nil, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			slots := c.p.Slots(c.trials)
			if len(slots) != c.want {
				t.Fatalf("%d workers, want %d", len(slots), c.want)
			}
			for i, s := range slots {
				if gpu := len(c.p.Devices) > 0; s.Index != i || s.Threads != max(1, c.p.Threads) || gpu && s.Device.Visible != cards[i%2].Visible ||
					!gpu && s.Device != (Device{}) {
					t.Errorf("slot %d: %+v", i, s)
				}
			}
		})
	}
}
