package ccode

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"slimfit/pkg/tflite"
)

// RealSlack is by how much scores of the float32 form may differ from the
// interpreter's, of the largest of them where that is above 1: sums have another
// order.
const RealSlack = 1e-5

// The float32 form has the loops of the int8 one; what it computes in them is
// here. Its functions of one value take math.h.

// Element is the type of an activation, Sum that of sums.
func (s *step) Element() string { return s.either("int8_t", "float") }

func (s *step) Sum() string { return s.either("int32_t", "float") }

// Least is below every sum, Lowest below every activation.
func (s *step) Least() string { return s.either("-2147483647 - 1", "-FLT_MAX") }

func (s *step) Lowest() string { return s.either("-128", "-FLT_MAX") }

// Weight is C for the weight at a pointer, BiasAt for a channel's bias.
func (s *step) WeightAt(p string) string {
	return s.either("(int16_t)READ8("+p+")", "READF("+p+")")
}

func (s *step) BiasAt() string {
	return fmt.Sprintf(s.either("READ32(&bias%d[c])", "READF(&bias%d[c])"), s.N)
}

func (s *step) either(integer, real string) string {
	if s.Real {
		return real
	}
	return integer
}

// real is C for an activation as a real number: pixels are shares of 255.
func (s *step) real(value string, pixels bool) string {
	if pixels {
		return fmt.Sprintf("((float)%s / 255.0f)", value)
	}
	return value
}

// limited is C for a value within a stage's range.
func (s *step) limited(value string, of tflite.Stage) string {
	switch {
	case of.RealTop < math.MaxFloat32:
		return fmt.Sprintf("fclamp(%s, %s, %s)", value, real(of.RealLow), real(of.RealTop))
	case of.RealLow > -math.MaxFloat32:
		return fmt.Sprintf("fclamp(%s, %s, FLT_MAX)", value, real(of.RealLow))
	}
	return value
}

// real is a constant.
func real(v float32) string {
	text := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text + "f"
}

// reals is an array in flash.
func reals(name string, values []float32) string {
	var b strings.Builder
	fmt.Fprintf(&b, "static const float %s[%d] FLASH = {\n", name, len(values))
	for row := range slices.Chunk(values, 10) {
		words := make([]string, len(row))
		for i, v := range row {
			words[i] = real(v)
		}
		b.WriteString(strings.Join(words, ", ") + ",\n")
	}
	return b.String() + "};\n"
}

// reals writes the step's constants, and its function of one value.
func (s *step) reals() (arrays string, flash int) {
	var b strings.Builder
	for _, a := range []struct {
		name   string
		values []float32
	}{{"weights", s.Reals}, {"bias", s.RealBias}, {"slopes", s.RealSlopes}} {
		if len(a.values) == 0 {
			continue
		}
		b.WriteString(reals(fmt.Sprint(a.name, s.N), a.values))
		flash += 4 * len(a.values)
	}
	f := s.then
	if s.Function() {
		f = &s.Stage
	}
	if f != nil {
		fmt.Fprintf(&b, "static float function%d(float v) {\nreturn %s;\n}\n", s.N, formula(f.Op))
	}
	return b.String(), flash
}

// Math says whether a float32 network's functions take math.h.
func (n *network) Math() bool {
	return n.Real() && slices.ContainsFunc(n.Steps, func(s step) bool {
		return strings.Contains(s.Arrays, "(float)exp(") || strings.Contains(s.Arrays, "(float)tanh(")
	})
}

// formula is C for a function of v.
func formula(op tflite.Op) string {
	switch op.Code {
	case tflite.Logistic:
		return "1.0f / (1.0f + (float)exp(-v))"
	case tflite.Tanh:
		return "(float)tanh(v)"
	case tflite.Elu:
		return "v < 0 ? (float)exp(v) - 1.0f : v"
	case tflite.Relu6:
		return "fclamp(v, 0.0f, 6.0f)"
	case tflite.HardSwish:
		return "v * fclamp(v + 3.0f, 0.0f, 6.0f) / 6.0f"
	case tflite.LeakyRelu:
		return "v > 0 ? v : v * " + real(op.Alpha)
	}
	return "v > 0 ? v : 0" // Relu
}
