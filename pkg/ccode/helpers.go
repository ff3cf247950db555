package ccode

import "slimfit/pkg/tflite"

// What rounds sums, as TensorFlow Lite's reference kernels do.
const (
	clampC = `/* x between lo and hi. */
static int8_t clamp(int32_t x, int32_t lo, int32_t hi) {
    return (int8_t)(x < lo ? lo : x > hi ? hi : x);
}

`
	// gemmlowp's SaturatingRoundingDoublingHighMul, of a positive multiplier, and
	// RoundingDivideByPOT.
	scaleC = `/* x * m * 2^(shift - 31), rounded twice, as gemmlowp does. */
static int32_t scale(int32_t x, int32_t m, int8_t shift) {
    int32_t y, q, mask, rest;
    int8_t right = 0;
    if (shift > 0) {
        x = (int32_t)((uint32_t)x << shift);
    } else {
        right = (int8_t)-shift;
    }
    y = (int32_t)(((int64_t)x * m + ((int64_t)1 << 30)) >> 31);
    mask = (int32_t)(((uint32_t)1 << right) - 1);
    rest = y & mask;
    q = y >> right;
    if (rest > (mask >> 1) + (y < 0)) {
        q++;
    }
    return q;
}

`
	roundC = `/* x * m / 2^shift, rounded once, halves away from zero. */
static int32_t rounded(int32_t x, int32_t m, uint8_t shift) {
    int64_t p = (int64_t)x * m;
    int64_t y = (p + ((int64_t)1 << (shift - 1)) - (p < 0)) >> shift;
    return y > 32767 ? 32767 : y < -32768 ? -32768 : (int32_t)y;
}

`
)

// helpers writes the arithmetic that the steps use.
func (g *generator) helpers() (string, error) {
	scaled, exact := false, false
	for _, s := range g.steps {
		scaled = scaled || len(s.Scale) > 0
		exact = exact || len(s.Exact) > 0
	}
	c := ""
	for _, s := range g.steps {
		if s.Table == nil && (s.Op.Code != tflite.MaxPool2D || bounded(s)) {
			c = clampC
		}
	}
	if scaled {
		c += scaleC
	}
	if exact {
		c += roundC
	}
	return c, nil
}

// bounded says whether a pool's own activation cuts its range.
func bounded(s step) bool { return s.Lo > -128 || s.Hi < 127 }
