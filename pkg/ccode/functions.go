package ccode

import (
	"fmt"

	"slimfit/pkg/tflite"
)

// functions writes each step's constants and function.
func (g *generator) functions() (string, error) {
	var t text
	for i := range g.steps {
		s := &g.steps[i]
		var err error
		switch s.Op.Code {
		case tflite.Conv2D, tflite.FullyConnected, tflite.DepthwiseConv2D:
			err = g.convolution(&t, i)
		case tflite.MaxPool2D, tflite.AveragePool2D:
			g.pool(&t, i)
		case tflite.Mean:
			g.mean(&t, i)
		case tflite.Add:
			g.add(&t, i)
		case tflite.Prelu:
			g.prelu(&t, i)
		default:
			if s.Table == nil {
				return "", fmt.Errorf("operator %d: the C form has no %s", i, s.Op.Code)
			}
			g.lookup(&t, i)
		}
		if err != nil {
			return "", fmt.Errorf("operator %d, %s: %w", i, s.Op.Code, err)
		}
		t.line("")
	}
	return t.String(), nil
}

// begin writes the comment and the head of a step's function.
func (g *generator) begin(t *text, i int, what string) {
	s := g.steps[i]
	t.line("/* %s */", what)
	parameters := "const " + ctype(s.pixels) + " *x"
	if s.Op.Code == tflite.Add {
		parameters += ", const " + ctype(s.others) + " *z"
	}
	t.open("static void step%d(%s, int8_t *y)", i, parameters)
}

// ctype is the type of pixels, or of what steps compute.
func ctype(pixels bool) string {
	if pixels {
		return "uint8_t"
	}
	return "int8_t"
}

// raw is C for the activation x[at] as int8 in an int16_t or int.
func (s *step) raw(at string) string {
	if s.pixels {
		return fmt.Sprintf("x[%s] - 128", at)
	}
	return fmt.Sprintf("x[%s]", at)
}

// centred is C for the activation x[at] less its zero point.
func (s *step) centred(at string) string { return centred("x", at, s.InZero, s.pixels) }

func centred(from, at string, zero int, pixels bool) string {
	shift := -zero
	if pixels {
		shift -= 128
	}
	switch {
	case shift > 0:
		return fmt.Sprintf("(int16_t)(%s[%s] + %d)", from, at, shift)
	case shift < 0:
		return fmt.Sprintf("(int16_t)(%s[%s] - %d)", from, at, -shift)
	}
	return fmt.Sprintf("(int16_t)%s[%s]", from, at)
}

// tables writes the function of one value that is fused into a step.
func (g *generator) tables(t *text, i int) {
	table := g.steps[i].then
	if table == nil {
		table = g.steps[i].Table
	}
	if table != nil {
		integers(g, t, "int8_t", fmt.Sprintf("table%d", i), table[:], 1)
	}
}

// through is C for a result after the step's table.
func (s *step) through(i int, value string) string {
	if s.then == nil {
		return value
	}
	return fmt.Sprintf("READ8(&table%d[(uint8_t)%s])", i, value)
}

func (g *generator) lookup(t *text, i int) {
	s := &g.steps[i]
	g.tables(t, i)
	g.begin(t, i, s.Op.Code.String())
	t.line("index_t i;")
	t.loop("i", s.size)
	t.line("y[i] = READ8(&table%d[(uint8_t)(%s)]);", i, s.raw("i"))
	t.close(2)
}

func (g *generator) mean(t *text, i int) {
	s := &g.steps[i]
	n := s.InH * s.InW
	g.tables(t, i)
	g.begin(t, i, fmt.Sprintf("global average pool of %dx%dx%d", s.InH, s.InW, s.InC))
	t.line("index_t c, k;")
	t.loop("c", s.InC)
	t.line("int32_t sum = %s;", literal(-int64(s.InZero)*int64(n)))
	t.loop("k", n)
	t.line("sum += %s;", s.raw(fmt.Sprintf("(index_t)(k * %d + c)", s.InC)))
	t.close(1)
	value := fmt.Sprintf("clamp(scale(sum, %d, %d) + %d, -128, 127)", s.Scale[0].Value, s.Scale[0].Shift, s.Zero)
	t.line("y[c] = %s;", s.through(i, value))
	t.close(2)
}

// add writes the sum of two results.
func (g *generator) add(t *text, i int) {
	s := &g.steps[i]
	g.tables(t, i)
	g.begin(t, i, "sum of two layers")
	t.line("index_t i;")
	t.loop("i", s.size)
	a, b := s.Inputs[0], s.Inputs[1]
	t.line("int32_t sum = scale(%s * (int32_t)%d, %d, %d);", s.centred("i"), 1<<tflite.AddBits, a.Value, a.Shift)
	t.line("sum += scale(%s * (int32_t)%d, %d, %d);", centred("z", "i", s.OtherZero, s.others), 1<<tflite.AddBits, b.Value, b.Shift)
	value := fmt.Sprintf("clamp(scale(sum, %d, %d) + %d, %d, %d)", s.Scale[0].Value, s.Scale[0].Shift, s.Zero, s.Lo, s.Hi)
	t.line("y[i] = %s;", s.through(i, value))
	t.close(2)
}

// prelu writes what is below zero times its channel's slope.
func (g *generator) prelu(t *text, i int) {
	s := &g.steps[i]
	slopes := make([]int32, len(s.Slopes))
	for k, v := range s.Slopes {
		slopes[k] = int32(v)
	}
	integers(g, t, "int32_t", fmt.Sprintf("slopes%d", i), slopes, 4)
	g.tables(t, i)
	g.begin(t, i, s.Op.Code.String())
	t.line("index_t i;")
	t.loop("i", s.size)
	t.line("int32_t v = %s;", s.centred("i"))
	keep, slope := s.Scale[0], s.Scale[1]
	t.line("v = v >= 0 ? scale(v, %d, %d) : scale(v * READ32(&slopes%d[i %% %d]), %d, %d);",
		keep.Value, keep.Shift, i, len(slopes), slope.Value, slope.Shift)
	t.line("y[i] = %s;", s.through(i, fmt.Sprintf("clamp(v + %d, -128, 127)", s.Zero)))
	t.close(2)
}

func (g *generator) pool(t *text, i int) {
	s := &g.steps[i]
	g.tables(t, i)
	g.begin(t, i, fmt.Sprintf("%s %dx%d", s.Op.Code, s.WindowH, s.WindowW))
	t.line("int16_t oy, ox, iy, ix;")
	t.line("index_t c;")
	t.loop("oy", s.OutH)
	t.loop("ox", s.OutW)
	t.loop("c", s.OutC)
	average := s.Op.Code == tflite.AveragePool2D
	if average {
		t.line("int32_t sum = 0;")
		t.line("int16_t n = 0;")
	} else {
		t.line("int16_t most = -128;")
	}
	window(t, "iy", "oy", s.StrideH, s.PadH, s.WindowH, s.InH)
	window(t, "ix", "ox", s.StrideW, s.PadW, s.WindowW, s.InW)
	at := s.element("c")
	if average {
		t.line("sum += %s;", s.raw(at))
		t.line("n++;")
	} else {
		t.line("int16_t v = (int16_t)(%s);", s.raw(at))
		t.line("most = v > most ? v : most;")
	}
	t.close(2)
	value := "(int8_t)most"
	switch {
	case average:
		value = fmt.Sprintf("clamp((sum > 0 ? sum + n / 2 : sum - n / 2) / n, %d, %d)", s.Lo, s.Hi)
	case bounded(*s):
		value = fmt.Sprintf("clamp(most, %d, %d)", s.Lo, s.Hi)
	}
	t.line("*y++ = %s;", s.through(i, value))
	t.close(4)
}

// window opens a loop over the image rows (or columns) of a window that lie on
// the image.
func window(t *text, index, out string, stride, pad, size, length int) {
	first := fmt.Sprintf("%s * %d - %d", out, stride, pad)
	t.open("for (%[1]s = (int16_t)(%[2]s < 0 ? 0 : %[2]s); %[1]s < %[2]s + %[3]d && %[1]s < %[4]d; %[1]s++)",
		index, first, size, length)
}

// element is C for the place of channel c of the activation at row iy and
// column ix.
func (s *step) element(c string) string {
	return fmt.Sprintf("(index_t)(((index_t)iy * %d + (index_t)ix) * %d + %s)", s.InW, s.InC, c)
}
