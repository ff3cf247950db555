package footprint

import (
	"fmt"
	"math"
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

// row is a line of the table of costs.
type row struct {
	Cost
	from  source
	title string // what one of the cost is
	get   func(f *Footprint) int
}

// source is where a cost's figure comes from: Footprint, its Measured, or the
// Chip of that, which are there when get is called.
type source int

const (
	counted source = iota
	measured
	chip
)

// rows are all costs, in the order that the documentation uses.
var rows = []row{
	{Parameters, counted, "parameters (weights and biases)", func(f *Footprint) int { return f.Parameters }},
	{Weights, counted, "weights (without biases)", func(f *Footprint) int { return f.Weights }},
	{MACs, counted, "multiply-accumulates per image", func(f *Footprint) int { return f.MACs }},
	{ActivationE, counted, "activation elements (input, conv and pool outputs)", func(f *Footprint) int { return f.Activations.Paper }},
	{Peak, counted, "peak activation elements (input + output of one layer)", func(f *Footprint) int { return f.Peak }},
	{WeightBytes, counted, "weight bytes (float32)", func(f *Footprint) int { return f.WeightBytes }},
	{TFLiteBytes, measured, "bytes of the TensorFlow Lite file (float32)", func(f *Footprint) int { return f.Measured.TFLite }},
	{TFLiteInt8Bytes, measured, "bytes of the TensorFlow Lite file (int8)", func(f *Footprint) int { return f.Measured.TFLiteInt8 }},
	{ArenaBytes, measured, "bytes of activations in TensorFlow Lite Micro (int8)", func(f *Footprint) int { return f.Measured.Arena }},
	{LatencyMicros, measured, "microseconds per image (median, TensorFlow on the CPU; on the target's device where it names one)", latency},
	{FlashBytes, chip, "bytes of flash on the target's device (int8, C code)", func(f *Footprint) int { return f.Measured.Chip.Flash }},
	{RAMBytes, chip, "bytes of RAM on the target's device (int8, C code, stack included)", func(f *Footprint) int { return f.Measured.Chip.RAM }},
	{Cycles, chip, "cycles per image on the target's device (int8, C code)", func(f *Footprint) int { return f.Measured.Chip.Cycles }},
	{Instructions, chip, "instructions per image on the target's device (int8, C code)",
		func(f *Footprint) int { return f.Measured.Chip.Instructions }},
}

func latency(f *Footprint) int {
	switch m := f.Measured; {
	case m.Chip != nil:
		return m.Chip.micros()
	case m.Latency != nil:
		return int(math.Round(1e6 * m.Latency.Median))
	}
	return 0
}

// row is the cost's; that of nothing for an unknown cost.
func (c Cost) row() row {
	for _, r := range rows {
		if r.Cost == c {
			return r
		}
	}
	return row{title: rows[0].title, get: func(*Footprint) int { return 0 }}
}

func costsOf(from ...source) []Cost {
	var out []Cost
	for _, r := range rows {
		if slices.Contains(from, r.from) {
			out = append(out, r.Cost)
		}
	}
	return out
}

// Costs lists the counted costs in the order the documentation uses.
func Costs() []Cost { return costsOf(counted) }

// MeasuredCosts lists the measured costs in the order the documentation uses.
func MeasuredCosts() []Cost { return costsOf(measured, chip) }

// OnChip says whether only a chip has the cost.
func (c Cost) OnChip() bool { return c.row().from == chip }

// Aliases are further names of costs.
func Aliases() map[string]Cost {
	return map[string]Cost{"peak_activation_elements": Peak, "flash": FlashBytes, "ram": RAMBytes}
}

// Measured says whether the cost is a measured one.
func (c Cost) Measured() bool { return c.row().from != counted }

// Unit is what one of the cost is, for axes and table heads.
func (c Cost) Unit() string { return c.row().title }

// ParseCost reads a cost's name, or one of its Aliases.
func ParseCost(s string) (Cost, error) {
	if c, ok := Aliases()[s]; ok {
		return c, nil
	}
	var names []string
	for _, c := range costsOf(counted, measured, chip) {
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
	r := c.row()
	if r.from != counted && f.Measured == nil || r.from == chip && f.Measured.Chip == nil {
		return 0
	}
	return r.get(&f)
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

// Measured are the figures of a network's files and of running it, beside the
// counted ones. Sizes depend on the network's shapes alone, so they are known
// before it is trained; 0 where a figure was not measured.
type Measured struct {
	TFLite     int `json:"tflite_bytes"`               // of the float32 file
	TFLiteInt8 int `json:"tflite_int8_bytes"`          // of the int8 file, where no record of it is shared: at most
	NPZ        int `json:"npz_bytes"`                  // of the weights alone
	SavedModel int `json:"savedmodel_bytes,omitempty"` // of saved_model.pb
	Frozen     int `json:"frozen_bytes,omitempty"`     // of the GraphDef
	// of the int8 file's activations in TensorFlow Lite Micro, greedy planner, 16-byte alignment
	Arena      int      `json:"arena_bytes"`
	ArenaFloat int      `json:"arena_float32_bytes"`           // the same of the float32 file
	Latency    *Latency `json:"latency,omitempty"`             // in TensorFlow
	LiteFloat  *Latency `json:"latency_tflite,omitempty"`      // of the float32 file in TensorFlow Lite
	LiteInt8   *Latency `json:"latency_tflite_int8,omitempty"` // of the int8 file in TensorFlow Lite
	Chip       *OnChip  `json:"chip,omitempty"`                // of the int8 network as C code on a chip
}

// Latency is how long one image takes.
type Latency struct {
	Median float64 `json:"median"` // seconds
	P95    float64 `json:"p95"`    // seconds; 95 % of the images took no longer
	Images int     `json:"images"` // timed, one by one
	On     string  `json:"on"`     // the runtime, its version, threads and processor
}

// Has says whether the footprint has the cost's figure.
func (f Footprint) Has(c Cost) bool {
	return !c.Measured() || f.Get(c) > 0 || c == LatencyMicros && f.Measured != nil && f.Measured.Latency != nil
}
