package footprint

import "math"

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

func (m *Measured) get(c Cost) int {
	switch c {
	case TFLiteBytes:
		return m.TFLite
	case TFLiteInt8Bytes:
		return m.TFLiteInt8
	case ArenaBytes:
		return m.Arena
	case LatencyMicros:
		if m.Chip != nil {
			return m.Chip.micros()
		}
		if m.Latency != nil {
			return int(math.Round(1e6 * m.Latency.Median))
		}
	}
	if m.Chip == nil {
		return 0
	}
	switch c {
	case FlashBytes:
		return m.Chip.Flash
	case RAMBytes:
		return m.Chip.RAM
	case Cycles:
		return m.Chip.Cycles
	case Instructions:
		return m.Chip.Instructions
	}
	return 0
}

// Has says whether the footprint has the cost's figure.
func (f Footprint) Has(c Cost) bool {
	switch {
	case !c.Measured():
		return true
	case f.Measured == nil:
		return false
	case c == LatencyMicros:
		return f.Measured.Latency != nil || f.Measured.get(c) > 0
	}
	return f.Measured.get(c) > 0
}
