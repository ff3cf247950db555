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
	if err := UnmarshalStrict(b, &v); err != nil {
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
	Size       Edges      `json:"size,omitzero"`
	Stride     Edges      `json:"stride,omitzero"`
	Dilation   Edges      `json:"dilation,omitzero"`
	Padding    Padding    `json:"padding,omitempty"`
	BatchNorm  Norm       `json:"batchnorm,omitempty"`
	Bias       *bool      `json:"bias,omitempty"` // nil: the default
	Layers     []Layer    `json:"layers,omitempty"`
	Shortcut   Shortcut   `json:"shortcut,omitempty"`
	Activation Activation `json:"activation,omitempty"`
}

// MarshalJSON writes one number for a square, else [height, width].
func (e Edges) MarshalJSON() ([]byte, error) {
	if e[0] == e[1] {
		return json.Marshal(e[0])
	}
	return json.Marshal([2]int(e))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Edges) UnmarshalJSON(b []byte) error {
	var n int
	if json.Unmarshal(b, &n) == nil {
		*e = Square(n)
		return nil
	}
	return UnmarshalStrict(b, (*[2]int)(e))
}

type normKey struct {
	BatchNorm bool `json:"batchnorm"`
}

// MarshalJSON writes a word or {"batchnorm": true}, as in an experiment file.
func (s Shortcut) MarshalJSON() ([]byte, error) {
	if s == NormShortcut {
		return json.Marshal(normKey{true})
	}
	return json.Marshal(string(s))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Shortcut) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, (*string)(s)) == nil {
		return nil
	}
	var k normKey
	err := UnmarshalStrict(b, &k)
	*s = AutoShortcut
	if k.BatchNorm {
		*s = NormShortcut
	}
	return err
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
	switch l.Kind {
	case Dropout:
		return json.Marshal(map[Kind]float64{l.Kind: l.Rate})
	case Activate:
		return json.Marshal(map[Kind]Activation{l.Kind: l.Activation})
	}
	v := layerJSON{Filters: l.Filters, Multiplier: l.Multiplier, Units: l.Units, Size: l.Size,
		Stride: l.Stride, Padding: l.Padding, BatchNorm: l.Norm, Activation: l.Activation, Layers: l.Layers, Shortcut: l.Shortcut}
	if bias := !l.Unbiased; l.Norm != NoNorm || l.Unbiased {
		v.Bias = &bias
	}
	if l.Kernel != (Edges{}) {
		v.Kernel = (*[2]int)(&l.Kernel)
	}
	if l.Dilation != Square(1) { // a key added later leaves other configurations unchanged
		v.Dilation = l.Dilation
	}
	return json.Marshal(map[Kind]layerJSON{l.Kind: v})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (l *Layer) UnmarshalJSON(b []byte) error {
	var m map[Kind]json.RawMessage
	if err := UnmarshalStrict(b, &m); err != nil {
		return fmt.Errorf("layer: %w", err)
	}
	if len(m) != 1 {
		return fmt.Errorf("layer: %d keys, want one", len(m))
	}
	for k, raw := range m {
		*l = Layer{Kind: k}
		switch k {
		case Dropout:
			return json.Unmarshal(raw, &l.Rate)
		case Activate:
			return json.Unmarshal(raw, &l.Activation)
		}
		var v layerJSON
		if err := UnmarshalStrict(raw, &v); err != nil {
			return fmt.Errorf("layer %s: %w", k, err)
		}
		l.Filters, l.Multiplier, l.Units, l.Size = v.Filters, v.Multiplier, v.Units, v.Size
		l.Stride, l.Padding, l.Activation = v.Stride, v.Padding, v.Activation
		l.Norm, l.Unbiased = v.BatchNorm, v.BatchNorm != NoNorm
		l.Layers, l.Shortcut = v.Layers, v.Shortcut
		if l.Dilation = v.Dilation; l.Dilation == (Edges{}) {
			l.Dilation = DefaultLayer(k).Dilation
		}
		if v.Bias != nil {
			l.Unbiased = !*v.Bias
		}
		if v.Kernel != nil {
			l.Kernel = *v.Kernel
		}
	}
	return nil
}
