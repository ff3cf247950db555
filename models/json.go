package models

import (
	"encoding/json"
	"fmt"
)

// MarshalJSON writes the shape as [h, w, c].
func (s Shape) MarshalJSON() ([]byte, error) { return json.Marshal([3]int{s.H, s.W, s.C}) }

// UnmarshalJSON reads [h, w, c].
func (s *Shape) UnmarshalJSON(b []byte) error {
	var v [3]int
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	*s = Shape{v[0], v[1], v[2]}
	return nil
}

type layerJSON struct {
	Kernel     *[2]int    `json:"kernel,omitempty"`
	Filters    int        `json:"filters,omitempty"`
	Multiplier int        `json:"multiplier,omitempty"`
	Units      int        `json:"units,omitempty"`
	Size       int        `json:"size,omitempty"`
	Stride     int        `json:"stride,omitempty"`
	Padding    Padding    `json:"padding,omitempty"`
	BatchNorm  Norm       `json:"batchnorm,omitempty"`
	Bias       *bool      `json:"bias,omitempty"` // nil: the default
	Activation Activation `json:"activation,omitempty"`
}

// MarshalJSON writes true or "both", as in an experiment file.
func (n Norm) MarshalJSON() ([]byte, error) {
	if n == OneNorm {
		return []byte("true"), nil
	}
	return json.Marshal(string(n))
}

// UnmarshalJSON reads what MarshalJSON writes, and false.
func (n *Norm) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		*n = OneNorm
	case "false":
		*n = NoNorm
	default:
		return json.Unmarshal(b, (*string)(n))
	}
	return nil
}

// MarshalJSON writes the layer as a one-key object, as in an experiment file
// with every default filled in: {"conv": {"kernel": [5, 5], ...}}.
func (l Layer) MarshalJSON() ([]byte, error) {
	if l.Kind == Dropout {
		return json.Marshal(map[Kind]float64{l.Kind: l.Rate})
	}
	v := layerJSON{Filters: l.Filters, Multiplier: l.Multiplier, Units: l.Units, Size: l.Size,
		Stride: l.Stride, Padding: l.Padding, BatchNorm: l.Norm, Activation: l.Activation}
	if bias := !l.Unbiased; l.Norm != NoNorm || l.Unbiased {
		v.Bias = &bias
	}
	if l.Kernel != [2]int{} {
		v.Kernel = &l.Kernel
	}
	return json.Marshal(map[Kind]layerJSON{l.Kind: v})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Layer) UnmarshalJSON(b []byte) error {
	var m map[Kind]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("layer: %w", err)
	}
	if len(m) != 1 {
		return fmt.Errorf("layer: %d keys, want one", len(m))
	}
	for k, raw := range m {
		*l = Layer{Kind: k}
		if k == Dropout {
			return json.Unmarshal(raw, &l.Rate)
		}
		var v layerJSON
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("layer %s: %w", k, err)
		}
		l.Filters, l.Multiplier, l.Units, l.Size = v.Filters, v.Multiplier, v.Units, v.Size
		l.Stride, l.Padding, l.Activation = v.Stride, v.Padding, v.Activation
		l.Norm, l.Unbiased = v.BatchNorm, v.BatchNorm != NoNorm
		if v.Bias != nil {
			l.Unbiased = !*v.Bias
		}
		if v.Kernel != nil {
			l.Kernel = *v.Kernel
		}
	}
	return nil
}
