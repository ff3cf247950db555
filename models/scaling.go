package models

import (
	"fmt"
	"math"
	"slices"
)

// Scaling standardises what a network reads: each channel less its mean, over its
// standard deviation, both of the training part. It is part of the network as it
// is deployed, see Spec.Folded.
type Scaling struct {
	Mean []float64 `json:"mean"` // of each channel: images in [0, 1], series in their own unit
	SD   []float64 `json:"sd"`
	// Step is 0 for images. Series are kept as 256 levels, as int8 networks read
	// them: level p of channel c stands for Mean[c] + SD[c]*Step*(p-128).
	Step float64 `json:"step,omitempty"`
}

// Series says whether it is of series.
func (s *Scaling) Series() bool { return s != nil && s.Step > 0 }

// Check says what is wrong with it for as many channels.
func (s *Scaling) Check(channels int) error {
	if s == nil {
		return nil
	}
	if len(s.Mean) != channels || len(s.SD) != channels || !(s.Step >= 0 && s.Step < 1) {
		return fmt.Errorf("scaling has %d means and %d standard deviations for %d channels, step %v", len(s.Mean), len(s.SD), channels, s.Step)
	}
	for c, sd := range s.SD {
		if !(sd > 0) || math.IsInf(sd, 0) || math.IsNaN(s.Mean[c]) || math.IsInf(s.Mean[c], 0) {
			return fmt.Errorf("scaling of channel %d: mean %v, standard deviation %v", c, s.Mean[c], sd)
		}
	}
	return nil
}

// Equal compares two scalings, nil ones too.
func (s *Scaling) Equal(o *Scaling) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.Step == o.Step && slices.Equal(s.Mean, o.Mean) && slices.Equal(s.SD, o.SD)
}

// Affine gives factor and offset of each channel that turn levels over 255 into
// what the first layer reads.
func (s *Scaling) Affine() (factor, offset []float32) {
	if !s.Series() {
		return s.weights()
	}
	for range s.Mean {
		factor, offset = append(factor, float32(255*s.Step)), append(offset, float32(-128*s.Step))
	}
	return factor, offset
}

// weights are those of the 1x1 depthwise convolution that standardises.
func (s *Scaling) weights() (kernel, bias []float32) {
	for c, sd := range s.SD {
		kernel, bias = append(kernel, float32(1/sd)), append(bias, float32(-s.Mean[c]/sd))
	}
	return kernel, bias
}

// Values are levels as deployed float32 networks take them: pixels in [0, 1], series
// in their own unit.
func (s *Scaling) Values(levels []uint8) []float32 {
	out := make([]float32, len(levels))
	for i, p := range levels {
		if out[i] = float32(p) / 255; s.Series() {
			c := i % len(s.Mean)
			out[i] = float32(s.Mean[c] + s.SD[c]*s.Step*(float64(p)-128))
		}
	}
	return out
}

// Standard are values of series as int8 networks take them, less mean over sd;
// those of images stay what they are.
func (s *Scaling) Standard(values []float32) []float32 {
	if !s.Series() {
		return values
	}
	out := make([]float32, len(values))
	for i, v := range values {
		c := i % len(s.Mean)
		out[i] = float32((float64(v) - s.Mean[c]) / s.SD[c])
	}
	return out
}

// Level is the level of a value of a series' channel; what lies beyond the levels
// becomes the last one.
func (s *Scaling) Level(value float64, channel int) uint8 {
	z := math.Round((value - s.Mean[channel]) / (s.SD[channel] * s.Step))
	return uint8(min(max(z+128, 0), math.MaxUint8))
}
