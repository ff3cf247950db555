package device

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"slimfit/pkg/ccode"
	"slimfit/pkg/footprint"
	"slimfit/pkg/tflite"
)

// A model of a device serves spaces of thousands of networks, where building
// and running each takes hours: figures are what is known of a network, its
// constants and its arena, and a sum of what its C code has and does (see
// ccode.Work) times coefficients. BenchmarkFit finds them by least squares of
// relative errors over random networks in the simulators; a test compares others.

//go:embed estimate.json
var estimates []byte

// Model has the coefficients of a device; those of Time are of cycles or
// instructions, whichever are counted.
type Model struct {
	Flash    ccode.Work `json:"flash"`
	RAM      ccode.Work `json:"ram"`
	Time     ccode.Work `json:"time"`
	Networks int        `json:"networks"` // that it is fitted to
	By       string     `json:"by"`       // what measured them
}

// Known is what needs no model: bytes of constants, and of pixels, scores and
// arena.
type Known struct{ Flash, RAM float64 }

// KnownOf is what is known of a network and its C code.
func KnownOf(m *tflite.Model, s ccode.Source) Known {
	return Known{Flash: float64(s.FlashBytes), RAM: float64(m.InputShape().Elements() + m.Classes() + s.ArenaBytes)}
}

// Estimate is what the device's model says of a network.
func (d Device) Estimate(m *tflite.Model) (*footprint.OnChip, error) {
	source, err := ccode.Generate(m, ccode.Options{Name: "net"})
	if err != nil {
		return nil, err
	}
	models := map[string]Model{}
	if err := json.Unmarshal(estimates, &models); err != nil {
		return nil, fmt.Errorf("estimate on %s: %w", d.Name, err)
	}
	model, known := models[d.Name], KnownOf(m, source)
	took := int(math.Round(dot(model.Time, source.Work)))
	out := &footprint.OnChip{Chip: d.Name, Flash: int(math.Round(known.Flash + dot(model.Flash, source.Work))),
		RAM: int(math.Round(known.RAM + dot(model.RAM, source.Work))),
		By:  fmt.Sprintf(footprint.AnEstimate+", fitted to %d networks measured by %s", model.Networks, model.By)}
	if d.Counts == footprint.Cycles {
		out.Cycles = took
	} else {
		out.Instructions = took
	}
	return out, nil
}

func dot(coefficients, work ccode.Work) float64 {
	sum := 0.0
	for name, c := range coefficients {
		sum += c * work[name]
	}
	return sum
}
