package ccode

import (
	"fmt"
	"math"
)

// exactScale finds integers m and shift such that x * m / 2^shift, rounded
// once, halves away from zero, is round(x * real) in double precision for every
// sum x that is not beyond int8 either way. Both rise with x, so it is enough
// that they agree on both sides of each of their steps.
func exactScale(real float64, largest int64) (m int32, shift int, err error) {
	if real <= 0 || math.IsInf(real, 0) || math.IsNaN(real) {
		return 0, 0, fmt.Errorf("a scale of %v", real)
	}
	fraction, exponent := math.Frexp(real)
	shift = 31 - exponent
	if shift < 1 || shift > 62 {
		return 0, 0, fmt.Errorf("a scale of %v is out of range", real)
	}
	first := int64(math.Round(fraction * (1 << 31)))
	for _, d := range []int64{0, -1, 1, -2, 2} {
		if v := first + d; v > 0 && v <= math.MaxInt32 && sameRounding(real, v, shift, largest) {
			return int32(v), shift, nil
		}
	}
	return 0, 0, fmt.Errorf("no 32-bit multiplier rounds as %v does", real)
}

// sameRounding compares at the sums around each step of the result.
func sameRounding(real float64, m int64, shift int, largest int64) bool {
	for step := -256; step <= 256; step++ { // an int8 result less a zero point lies in [-255, 255]
		at := int64((float64(step) + 0.5) / real)
		for x := at - 2; x <= at+2; x++ {
			if abs(x) <= largest && math.Round(float64(x)*real) != float64(roundedOnce(x, m, shift)) {
				return false
			}
		}
	}
	return true
}

func roundedOnce(x, m int64, shift int) int64 {
	p := x * m
	half := int64(1) << (shift - 1)
	if p < 0 {
		half--
	}
	return (p + half) >> shift
}
