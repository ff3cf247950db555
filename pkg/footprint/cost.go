package footprint

import (
	"fmt"
	"slices"
	"strings"
)

// Cost names one counted figure, as `target.cost` and `within` in an
// experiment file do.
type Cost string

const (
	Parameters  Cost = "parameters"
	Weights     Cost = "weights"
	MACs        Cost = "macs"
	ActivationE Cost = "activations" // the paper's convention
	Peak        Cost = "peak"
	WeightBytes Cost = "weight_bytes"

	// Measured costs: a footprint has them where Measured is set.
	TFLiteBytes     Cost = "tflite_bytes"
	TFLiteInt8Bytes Cost = "tflite_int8_bytes"
	ArenaBytes      Cost = "arena_bytes"
	LatencyMicros   Cost = "latency"

	// Costs on a chip, see Chips; latency is one where a target names a chip.
	FlashBytes   Cost = "flash_bytes"
	RAMBytes     Cost = "ram_bytes"
	Cycles       Cost = "cycles"
	Instructions Cost = "instructions"
)

// Costs lists the counted costs in the order the documentation uses.
func Costs() []Cost { return []Cost{Parameters, Weights, MACs, ActivationE, Peak, WeightBytes} }

// MeasuredCosts lists the measured costs in the order the documentation uses.
func MeasuredCosts() []Cost {
	return append([]Cost{TFLiteBytes, TFLiteInt8Bytes, ArenaBytes, LatencyMicros}, chipCosts()...)
}

func chipCosts() []Cost { return []Cost{FlashBytes, RAMBytes, Cycles, Instructions} }

// OnChip says whether only a chip has the cost.
func (c Cost) OnChip() bool { return slices.Contains(chipCosts(), c) }

// Aliases are further names of costs.
func Aliases() map[string]Cost {
	return map[string]Cost{"peak_activation_elements": Peak, "flash": FlashBytes, "ram": RAMBytes}
}

// Measured says whether the cost is a measured one.
func (c Cost) Measured() bool { return slices.Contains(MeasuredCosts(), c) }

// Unit is what one of the cost is, for axes and table heads.
func (c Cost) Unit() string {
	switch c {
	case MACs:
		return "multiply-accumulates per image"
	case ActivationE:
		return "activation elements (input, conv and pool outputs)"
	case Peak:
		return "peak activation elements (input + output of one layer)"
	case WeightBytes:
		return "weight bytes (float32)"
	case Weights:
		return "weights (without biases)"
	case TFLiteBytes:
		return "bytes of the TensorFlow Lite file (float32)"
	case TFLiteInt8Bytes:
		return "bytes of the TensorFlow Lite file (int8)"
	case ArenaBytes:
		return "bytes of activations in TensorFlow Lite Micro (int8)"
	case LatencyMicros:
		return "microseconds per image (median, TensorFlow on the CPU; on the target's device where it names one)"
	case FlashBytes:
		return "bytes of flash on the target's device (int8, C code)"
	case RAMBytes:
		return "bytes of RAM on the target's device (int8, C code, stack included)"
	case Cycles:
		return "cycles per image on the target's device (int8, C code)"
	case Instructions:
		return "instructions per image on the target's device (int8, C code)"
	}
	return "parameters (weights and biases)"
}

// ParseCost reads a cost's name, or one of its Aliases.
func ParseCost(s string) (Cost, error) {
	if c, ok := Aliases()[s]; ok {
		return c, nil
	}
	var names []string
	for _, c := range append(Costs(), MeasuredCosts()...) {
		if string(c) == s {
			return c, nil
		}
		names = append(names, string(c))
	}
	return "", fmt.Errorf("unknown cost %q: want one of %s", s, strings.Join(names, ", "))
}

// Get returns the figure that the cost names; 0 for an unknown cost, or for one
// that was not measured.
func (f Footprint) Get(c Cost) int {
	switch c {
	case Parameters:
		return f.Parameters
	case Weights:
		return f.Weights
	case MACs:
		return f.MACs
	case ActivationE:
		return f.Activations.Paper
	case Peak:
		return f.Peak
	case WeightBytes:
		return f.WeightBytes
	}
	if f.Measured != nil {
		return f.Measured.get(c)
	}
	return 0
}

// Ratios are how many times the baseline's figure is larger than this one's.
type Ratios struct {
	Parameters     float64 `json:"parameters"`
	Weights        float64 `json:"weights"`
	MACs           float64 `json:"macs"`
	Activations    float64 `json:"activations_paper"`
	ActivationsAll float64 `json:"activations_all"`
	Peak           float64 `json:"peak_activation_elements"`
}

// Against returns baseline / f for each figure.
func (f Footprint) Against(baseline Footprint) Ratios {
	ratio := func(a, b int) float64 { return float64(a) / float64(max(b, 1)) }
	return Ratios{
		Parameters:     ratio(baseline.Parameters, f.Parameters),
		Weights:        ratio(baseline.Weights, f.Weights),
		MACs:           ratio(baseline.MACs, f.MACs),
		Activations:    ratio(baseline.Activations.Paper, f.Activations.Paper),
		ActivationsAll: ratio(baseline.Activations.All, f.Activations.All),
		Peak:           ratio(baseline.Peak, f.Peak),
	}
}
