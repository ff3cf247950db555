package ccode

import (
	"fmt"
	"slices"

	"slimfit/pkg/tflite"
)

// kind is the template that writes a step's function; "" where there is none.
func (s *step) kind() string {
	switch s.Op.Code {
	case tflite.Conv2D:
		return "convolution"
	case tflite.DepthwiseConv2D:
		return "depthwise"
	case tflite.FullyConnected:
		return "dense"
	case tflite.MaxPool2D, tflite.AveragePool2D:
		return "pool"
	case tflite.Mean:
		return "mean"
	case tflite.Add:
		return "add"
	case tflite.Prelu:
		return "prelu"
	}
	if s.Function() {
		return "table"
	}
	return ""
}

// prepare writes the step's constants and returns their bytes.
func (s *step) prepare() (flash int, err error) {
	if s.Kind = s.kind(); s.Kind == "" {
		return 0, fmt.Errorf("operator %d: the C form has no %s", s.N, s.Op.Code)
	}
	add := func(ctype, name string, values []int64) {
		if values != nil {
			s.Arrays += array(ctype, fmt.Sprint(name, s.N), values)
		}
		if ctype == "int32_t" {
			flash += 3 * len(values)
		}
		flash += len(values)
	}
	if s.Real {
		s.Arrays, flash = s.reals()
		return flash, nil
	}
	if s.Bias != nil {
		add("int8_t", "weights", wide(s.Weights))
		add("int32_t", "bias", wide(s.Bias))
		if err := s.exact(); err != nil {
			return 0, fmt.Errorf("operator %d, %s: %w", s.N, s.Op.Code, err)
		}
		if !s.uniform() {
			var values []int32
			var shifts []int
			for _, x := range s.Scale {
				values, shifts = append(values, x.Value), append(shifts, x.Shift)
			}
			add("int32_t", "scale", wide(values))
			add("int8_t", "shift", wide(shifts))
		}
	}
	if s.Kind == "prelu" {
		add("int32_t", "slopes", wide(s.Slopes))
	}
	if s.then != nil {
		add("int8_t", "table", wide(s.then.Table[:]))
	} else if s.Table != nil {
		add("int8_t", "table", wide(s.Table[:]))
	}
	return flash, nil
}

// exact finds the integer scales of a dense layer that rounds once.
func (s *step) exact() error {
	for c, real := range s.Exact {
		if c > 0 && real == s.Exact[0] {
			s.Scale = append(s.Scale, s.Scale[0])
			continue
		}
		var largest int64
		for k := range s.Bias {
			if s.Exact[k] == real {
				largest = max(largest, largestSum(s.Stage, k))
			}
		}
		m, shift, err := exactScale(real, largest, false)
		if err != nil && slices.ContainsFunc(s.Exact, func(x float64) bool { return x != real }) {
			return fmt.Errorf("%w; with one scale for all units (no --dense-per-channel) there are more bits", err)
		} else if err != nil {
			if m, shift, err = exactScale(real, largest, true); err != nil {
				return err
			}
			s.factor = m
		}
		s.Scale = append(s.Scale, tflite.Multiplier{Value: int32(m), Shift: shift})
	}
	return nil
}

// What is the comment above the step's function.
func (s *step) What() string {
	switch s.Kind {
	case "mean":
		return fmt.Sprintf("global average pool of %dx%dx%d", s.InH, s.InW, s.InC)
	case "add":
		return "sum of two layers"
	case "table", "prelu":
		return s.Op.Code.String()
	case "pool":
		return fmt.Sprintf("%s %dx%d", s.Op.Code, s.WindowH, s.WindowW)
	}
	what := fmt.Sprintf("%s %dx%d, %d of %d", s.Op.Code, s.WindowH, s.WindowW, s.OutC, s.InC)
	if s.Pool != nil {
		what += fmt.Sprintf(", then max pool %dx%d", s.Pool.WindowH, s.Pool.WindowW)
	}
	return what
}

// Parameters are those of the step's function but for its result.
func (s *step) Parameters() string {
	ctype := func(pixels bool) string {
		if pixels {
			return "const uint8_t *"
		}
		return "const " + s.Element() + " *"
	}
	if s.Kind == "add" {
		return ctype(s.pixels) + "x, " + ctype(s.others) + "z"
	}
	return ctype(s.pixels) + "x"
}

// Raw is C for an activation, such as x[i], as int8 in an int16_t or int.
func (s *step) Raw(value string) string {
	if s.Real {
		return s.real(value, s.pixels)
	}
	if s.pixels {
		return value + " - 128"
	}
	return value
}

// Centred is C for an activation less its zero point; CentredOther for one of an
// addition's second input.
func (s *step) Centred(value string) string {
	if s.Real {
		return s.real(value, s.pixels)
	}
	return centred(value, s.InZero, s.pixels)
}

func (s *step) CentredOther(value string) string {
	if s.Real {
		return s.real(value, s.others)
	}
	return centred(value, s.OtherZero, s.others)
}

func centred(value string, zero int, pixels bool) string {
	shift := -zero
	if pixels {
		shift -= 128
	}
	switch {
	case shift > 0:
		return fmt.Sprintf("(int16_t)(%s + %d)", value, shift)
	case shift < 0:
		return fmt.Sprintf("(int16_t)(%s - %d)", value, -shift)
	}
	return "(int16_t)" + value
}

// Through is C for a result after the step's table.
func (s *step) Through(value string) string {
	switch {
	case s.then == nil:
		return value
	case s.Real:
		return fmt.Sprintf("function%d(%s)", s.N, value)
	}
	return fmt.Sprintf("READ8(&table%d[(uint8_t)%s])", s.N, value)
}

// Scaled is C for a sum times the step's k-th scale, Rounded the same as int8.
func (s *step) Scaled(sum string, k int) string {
	return fmt.Sprintf("scale(%s, %d, %d)", sum, s.Scale[k].Value, s.Scale[k].Shift)
}

func (s *step) Rounded(sum string, k, lo, hi int) string {
	return fmt.Sprintf("clamp(%s + %d, %d, %d)", s.Scaled(sum, k), s.Zero, lo, hi)
}

// uniform says whether all channels have one scale.
func (s *step) uniform() bool {
	return !slices.ContainsFunc(s.Scale, func(x tflite.Multiplier) bool { return x != s.Scale[0] })
}

// Value is C for channel c's sum as int8, before the table.
func (s *step) Value(sum string) string {
	if s.Real {
		return s.limited(sum, s.Stage)
	}
	scale, shift := fmt.Sprintf("READ32(&scale%d[c])", s.N), fmt.Sprintf("READ8(&shift%d[c])", s.N)
	if s.uniform() {
		scale, shift = fmt.Sprint(s.Scale[0].Value), fmt.Sprint(s.Scale[0].Shift)
	}
	f := "scale"
	if len(s.Exact) > 0 {
		f = "rounded"
		if !s.uniform() {
			shift = "(uint8_t)" + shift
		}
		if s.factor != 0 {
			scale = fmt.Sprint(s.factor)
		}
	}
	return fmt.Sprintf("clamp(%s(%s, %s, %s) + %d, %d, %d)", f, sum, scale, shift, s.Zero, s.Lo, s.Hi)
}

// MeanStart is what a mean's sum begins with: as many zero points less.
func (s *step) MeanStart() string {
	if s.Real {
		return "0"
	}
	return literal(-int64(s.InZero) * int64(s.Area()))
}

func (s *step) Area() int { return s.InH * s.InW }

func (s *step) AddScale() int { return 1 << tflite.AddBits }

func (s *step) Averages() bool { return s.Op.Code == tflite.AveragePool2D }

// PoolValue is C for a pool's result before the table.
func (s *step) PoolValue() string {
	if s.Real && s.Averages() {
		return s.limited("sum / (float)n", s.Stage)
	} else if s.Real {
		return s.limited("most", s.Stage)
	}
	if s.Averages() {
		return fmt.Sprintf("clamp((sum > 0 ? sum + n / 2 : sum - n / 2) / n, %d, %d)", s.Lo, s.Hi)
	}
	return within("most", "(int8_t)most", s.Stage)
}

// Bounded is C for a pooled value within the fused pool's own activation.
func (s *step) Bounded(value string) string {
	if s.Real {
		return s.limited(value, *s.Pool)
	}
	return within(value, value, *s.Pool)
}

// within is C for a value within a pool's activation, or free where that is
// all of int8.
func within(value, free string, pool tflite.Stage) string {
	if pool.Lo > -128 || pool.Hi < 127 {
		return fmt.Sprintf("clamp(%s, %d, %d)", value, pool.Lo, pool.Hi)
	}
	return free
}

// rows opens a loop over the part of a window that lies on the image.
func rows(g tflite.Geometry, index, out string) string {
	first, last := along(out, g.StrideH, g.PadH), g.WindowH
	return fmt.Sprintf("for (%[1]s = (int16_t)(%[2]s < 0 ? 0 : %[2]s); %[1]s < %[2]s + %[3]d && %[1]s < %[4]d; %[1]s++) {",
		index, first, last, g.InH)
}

// columns is rows for the other axis, where each is looked at by itself.
func columns(g tflite.Geometry, index, out string) string {
	return rows(tflite.Geometry{StrideH: g.StrideW, PadH: g.PadW, WindowH: g.WindowW, InH: g.InW}, index, out)
}

// along is C for where a window begins along an axis.
func along(out string, stride, pad int) string { return fmt.Sprintf("%s * %d - %d", out, stride, pad) }

// taps are the products of the window at a row and column of a step's result.
// In C, from is the window's first column on the image, span how many values
// are looked at from there.
type taps struct {
	*step
	Row, Column string
}

func (s *step) Taps(row, column string) taps { return taps{s, row, column} }

// Apart says whether each channel has taps of its own: then they lie InC apart.
func (t taps) Apart() bool { return t.Kind != "convolution" }

// Clipped says whether a window may leave the image to a side.
func (t taps) Clipped() bool {
	return t.PadW > 0 || (t.OutW-1)*t.StrideW-t.PadW+t.WindowW > t.InW
}

func (t taps) From() string {
	first := along(t.Column, t.StrideW, t.PadW)
	if !t.Clipped() {
		return fmt.Sprintf("(int16_t)(%s)", first)
	}
	return fmt.Sprintf("(int16_t)(%[1]s < 0 ? 0 : %[1]s)", first)
}

func (t taps) Span() string {
	each := t.InC
	if t.Apart() {
		each = 1
	}
	if !t.Clipped() {
		return fmt.Sprint(t.WindowW * each)
	}
	end := along(t.Column, t.StrideW, t.PadW) + " + " + fmt.Sprint(t.WindowW)
	return fmt.Sprintf("(index_t)((index_t)((%[1]s < %[2]d ? %[1]s : %[2]d) - from) * %[3]d)", end, t.InW, each)
}

// First is C for the place of the first value, Weight for that of its weight.
func (t taps) First() string {
	at := fmt.Sprintf("((index_t)iy * %d + (index_t)from) * %d", t.InW, t.InC)
	if t.Apart() {
		at += " + " + t.Source()
	}
	return "(index_t)(" + at + ")"
}

func (t taps) Weight() string {
	row := fmt.Sprintf("(index_t)(iy - (%s))", along(t.Row, t.StrideH, t.PadH))
	column := ""
	if t.Clipped() {
		column = fmt.Sprintf(" + (index_t)(from - (%s))", along(t.Column, t.StrideW, t.PadW))
	}
	if t.Apart() {
		return fmt.Sprintf("(index_t)((%s * %d%s) * %d + c)", row, t.WindowW, column, t.OutC)
	}
	return fmt.Sprintf("(index_t)(((c * %d + %s) * %d%s) * %d)", t.WindowH, row, t.WindowW, column, t.InC)
}

// Type is that of the values.
func (t taps) Type() string {
	if t.pixels {
		return "uint8_t"
	}
	return t.Element()
}

// Source is C for the input channel of channel c.
func (t taps) Source() string {
	if t.OutC > t.InC {
		return fmt.Sprintf("c / %d", t.OutC/t.InC)
	}
	return "c"
}
