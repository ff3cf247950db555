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
)

// Costs lists the counted costs in the order the documentation uses.
func Costs() []Cost { return []Cost{Parameters, Weights, MACs, ActivationE, Peak, WeightBytes} }

// MeasuredCosts lists the measured costs in the order the documentation uses.
func MeasuredCosts() []Cost {
	return []Cost{TFLiteBytes, TFLiteInt8Bytes, ArenaBytes, LatencyMicros}
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
		return "microseconds per image (median, TensorFlow on the CPU)"
	}
	return "parameters (weights and biases)"
}

// ParseCost reads a cost's name; it also knows the footprint's own field name
// for the peak.
func ParseCost(s string) (Cost, error) {
	if s == "peak_activation_elements" {
		return Peak, nil
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
