package ccode

import (
	"fmt"
	"slices"

	"slimfit/pkg/tflite"
)

// convolution writes a convolution, depthwise or not, or a dense layer, with
// the table and the max pool that are fused into it.
func (g *generator) convolution(t *text, i int) error {
	s := &g.steps[i]
	if err := g.constants(t, i); err != nil {
		return err
	}
	what := fmt.Sprintf("%s %dx%d, %d of %d", s.Op.Code, s.WindowH, s.WindowW, s.OutC, s.InC)
	if s.pool != nil {
		what += fmt.Sprintf(", then max pool %dx%d", s.pool.WindowH, s.pool.WindowW)
	}
	g.begin(t, i, what)
	if s.Op.Code == tflite.FullyConnected {
		g.dense(t, i)
		t.close(1)
		return nil
	}
	t.line("int16_t oy, ox, iy, ix;")
	t.line("index_t c;")
	if s.pool != nil {
		t.line("int16_t cy, cx;")
		t.loop("oy", s.pool.OutH)
		t.loop("ox", s.pool.OutW)
	} else {
		t.loop("oy", s.OutH)
		t.loop("ox", s.OutW)
	}
	t.loop("c", s.OutC)
	g.field(t, i)
	t.close(4)
	return nil
}

// constants writes the weights, biases and scales of a step.
func (g *generator) constants(t *text, i int) error {
	s := &g.steps[i]
	integers(g, t, "int8_t", fmt.Sprintf("weights%d", i), s.Weights, 1)
	integers(g, t, "int32_t", fmt.Sprintf("bias%d", i), s.Bias, 4)
	scales := s.Scale
	for c, real := range s.Exact {
		if c > 0 && real == s.Exact[0] {
			scales = append(scales, scales[0])
			continue
		}
		var largest int64
		for k := range s.Bias {
			if s.Exact[k] == real {
				largest = max(largest, largestSum(s.Stage, k))
			}
		}
		m, shift, err := exactScale(real, largest)
		if err != nil {
			return err
		}
		scales = append(scales, tflite.Multiplier{Value: m, Shift: shift})
	}
	s.Scale = scales
	if !uniform(scales) {
		var values []int32
		var shifts []int8
		for _, x := range scales {
			values, shifts = append(values, x.Value), append(shifts, int8(x.Shift))
		}
		integers(g, t, "int32_t", fmt.Sprintf("scale%d", i), values, 4)
		integers(g, t, "int8_t", fmt.Sprintf("shift%d", i), shifts, 1)
	}
	g.tables(t, i)
	return nil
}

// uniform says whether all channels have one scale.
func uniform(scales []tflite.Multiplier) bool {
	return !slices.ContainsFunc(scales, func(x tflite.Multiplier) bool { return x != scales[0] })
}

// value is C for a sum as int8, before the table.
func (s *step) value(i int, sum string) string {
	scale, shift := fmt.Sprintf("READ32(&scale%d[c])", i), fmt.Sprintf("READ8(&shift%d[c])", i)
	if uniform(s.Scale) {
		scale, shift = fmt.Sprint(s.Scale[0].Value), fmt.Sprint(s.Scale[0].Shift)
	}
	f := "scale"
	if len(s.Exact) > 0 {
		f = "rounded"
		if !uniform(s.Scale) {
			shift = "(uint8_t)" + shift
		}
	}
	return fmt.Sprintf("clamp(%s(%s, %s, %s) + %d, %d, %d)", f, sum, scale, shift, s.Zero, s.Lo, s.Hi)
}

func (g *generator) dense(t *text, i int) {
	s := &g.steps[i]
	t.line("index_t c, k;")
	t.line("const int8_t *w = weights%d;", i)
	t.loop("c", s.OutC)
	t.line("int32_t sum = READ32(&bias%d[c]);", i)
	t.loop("k", s.InC)
	t.line("sum += %s * (int16_t)READ8(w++);", s.centred("k"))
	t.close(1)
	t.line("y[c] = %s;", s.through(i, s.value(i, "sum")))
	t.close(1)
}

// field writes one stored value of a convolution: of one window, or the largest
// of a pool's windows.
func (g *generator) field(t *text, i int) {
	s := &g.steps[i]
	if s.pool == nil {
		t.line("int32_t sum = READ32(&bias%d[c]);", i)
		g.taps(t, i, "oy", "ox")
		t.line("*y++ = %s;", s.through(i, s.value(i, "sum")))
		return
	}
	if s.late {
		t.line("int32_t most = -2147483647 - 1;")
	} else {
		t.line("int8_t most = -128;")
	}
	p := s.pool
	window(t, "cy", "oy", p.StrideH, p.PadH, p.WindowH, p.InH)
	window(t, "cx", "ox", p.StrideW, p.PadW, p.WindowW, p.InW)
	t.line("int32_t sum = READ32(&bias%d[c]);", i)
	g.taps(t, i, "cy", "cx")
	if s.late {
		t.line("most = sum > most ? sum : most;")
		t.close(2)
		t.line("*y++ = %s;", s.bounded(s.through(i, s.value(i, "most"))))
		return
	}
	t.line("int8_t v = %s;", s.through(i, s.value(i, "sum")))
	t.line("most = v > most ? v : most;")
	t.close(2)
	t.line("*y++ = %s;", s.bounded("most"))
}

// bounded is C for a pooled value within the pool's own activation.
func (s *step) bounded(value string) string {
	if s.pool.Lo > -128 || s.pool.Hi < 127 {
		return fmt.Sprintf("clamp(%s, %d, %d)", value, s.pool.Lo, s.pool.Hi)
	}
	return value
}

// taps adds the window at (row, column) of the convolution's result to sum.
func (g *generator) taps(t *text, i int, row, column string) {
	s := &g.steps[i]
	top := fmt.Sprintf("%s * %d - %d", row, s.StrideH, s.PadH)
	left := fmt.Sprintf("%s * %d - %d", column, s.StrideW, s.PadW)
	window(t, "iy", row, s.StrideH, s.PadH, s.WindowH, s.InH)
	window(t, "ix", column, s.StrideW, s.PadW, s.WindowW, s.InW)
	tap := fmt.Sprintf("((index_t)(iy - (%s)) * %d + (index_t)(ix - (%s)))", top, s.WindowW, left)
	if s.Op.Code == tflite.DepthwiseConv2D {
		in := "c"
		if s.OutC > s.InC {
			in = fmt.Sprintf("c / %d", s.OutC/s.InC)
		}
		t.line("sum += %s * (int16_t)READ8(&weights%d[(index_t)(%s * %d + c)]);", s.centred(s.element(in)), i, tap, s.OutC)
		t.close(2)
		return
	}
	t.line("const int8_t *w = weights%d + (index_t)((c * %d + %s) * %d);", i, s.WindowH*s.WindowW, tap, s.InC)
	if s.InC == 1 {
		t.line("sum += %s * (int16_t)READ8(w);", s.centred(s.element("0")))
		t.close(2)
		return
	}
	t.line("index_t k;")
	t.loop("k", s.InC)
	t.line("sum += %s * (int16_t)READ8(w++);", s.centred(s.element("k")))
	t.close(3)
}
