package tflite

import (
	"math"
	"math/bits"
)

// The arithmetic of TensorFlow Lite's reference kernels: gemmlowp's fixed-point
// functions with two roundings. Every function gives the same bits.

// mulHigh is the rounded high half of 2ab, saturated where both are -2^31
// (gemmlowp: SaturatingRoundingDoublingHighMul).
func mulHigh(a, b int32) int32 {
	if a == math.MinInt32 && b == math.MinInt32 {
		return math.MaxInt32
	}
	ab := int64(a) * int64(b)
	nudge := int64(1 << 30)
	if ab < 0 {
		nudge = 1 - 1<<30
	}
	return int32((ab + nudge) / (1 << 31)) // Go's division truncates, as C's does
}

// divideByPowerOfTwo is x / 2^n rounded to nearest, halves away from zero
// (gemmlowp: RoundingDivideByPOT); n is in [0, 31].
func divideByPowerOfTwo(x int32, n int) int32 {
	mask := int32(1<<n - 1)
	threshold := mask >> 1
	if x < 0 {
		threshold++
	}
	q := x >> n
	if x&mask > threshold {
		q++
	}
	return q
}

// Multiplier is the positive real number Value x 2^(Shift-31), or 0.
type Multiplier struct {
	Value int32 // 0, or in [2^30, 2^31)
	Shift int   // positive to the left; at least -31
}

// newMultiplier rounds a real number to a multiplier; numbers below 2^-32 become
// 0 (TensorFlow Lite: QuantizeMultiplier).
func newMultiplier(x float64) Multiplier {
	if x == 0 {
		return Multiplier{}
	}
	fraction, shift := math.Frexp(x)
	q := int64(math.Round(fraction * (1 << 31)))
	if q == 1<<31 {
		q /= 2
		shift++
	}
	if shift < -31 {
		return Multiplier{}
	}
	return Multiplier{int32(q), shift}
}

// apply multiplies x (TensorFlow Lite: MultiplyByQuantizedMultiplier).
func (m Multiplier) apply(x int32) int32 {
	left, right := max(m.Shift, 0), max(-m.Shift, 0)
	return divideByPowerOfTwo(mulHigh(x<<left, m.Value), right)
}

// expInterval is exp(a) for a in [-1/4, 0), both with no integer bits.
func expInterval(a int32) int32 {
	const expMinusEighth, third = 1895147668, 715827883
	x := a + 1<<28 // around -1/8
	x2 := mulHigh(x, x)
	x3 := mulHigh(x2, x)
	x4 := mulHigh(x2, x2)
	t := divideByPowerOfTwo(mulHigh(divideByPowerOfTwo(x4, 2)+x3, third)+x2, 1)
	return expMinusEighth + mulHigh(expMinusEighth, x+t)
}

// scaledDiffBits is the number of integer bits of expNegative's argument.
const scaledDiffBits = 5

// expNegative is exp(a) with no integer bits for a <= 0 with scaledDiffBits.
func expNegative(a int32) int32 {
	const fractional = 31 - scaledDiffBits
	const quarter = 1 << (fractional - 2)
	if a == 0 {
		return math.MaxInt32
	}
	rest := a&(quarter-1) - quarter // in [-1/4, 0)
	// To no integer bits; a value in [-1/4, 0) does not saturate.
	result := expInterval(rest << scaledDiffBits)
	remainder := rest - a
	for i, e := range [...]int32{1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242} {
		if remainder&(1<<(fractional-2+i)) != 0 { // exp(-2^(i-2))
			result = mulHigh(result, e)
		}
	}
	return result
}

// shiftLeftSaturating is x * 2^n, saturated (gemmlowp:
// SaturatingRoundingMultiplyByPOT with a positive exponent).
func shiftLeftSaturating(x int32, n int) int32 {
	threshold := int32(1<<(31-n) - 1)
	if x > threshold {
		return math.MaxInt32
	}
	if x < -threshold {
		return math.MinInt32
	}
	return x << n
}

// oneOverOnePlus is 1/(1+a) for a in [0, 1), both with no integer bits, by
// three Newton-Raphson steps.
func oneOverOnePlus(a int32) int32 {
	const c48over17, minus32over17 = 1515870810, -1010580540 // two integer bits
	half := int32((int64(a) + math.MaxInt32 + 1) / 2)        // (1+a)/2
	x := int32(c48over17) + mulHigh(half, minus32over17)
	for range 3 {
		rest := 1<<29 - mulHigh(half, x)
		x += shiftLeftSaturating(mulHigh(x, rest), 2)
	}
	return shiftLeftSaturating(x, 1)
}

// reciprocal is 1/x for x with integerBits; the result has no integer bits and
// is to be shifted to the right by the second value.
func reciprocal(x int32, integerBits int) (int32, int) {
	headroom := bits.LeadingZeros32(uint32(x))
	fraction := int32(uint32(x)<<headroom - 1<<31)
	return oneOverOnePlus(fraction), integerBits - headroom
}
