package tflite

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// roundHalfAwayFromZero divides exactly and rounds to nearest.
func roundHalfAwayFromZero(x *big.Int, divisor int64) int64 {
	twice := new(big.Int).Add(new(big.Int).Abs(new(big.Int).Mul(x, big.NewInt(2))), big.NewInt(divisor))
	q := twice.Div(twice, big.NewInt(2*divisor)).Int64()
	return q * int64(x.Sign())
}

func randomInt32(r *rand.Rand) int32 {
	return int32(r.Uint32()) >> r.IntN(32)
}

func TestMulHigh(t *testing.T) {
	if got := mulHigh(math.MinInt32, math.MinInt32); got != math.MaxInt32 {
		t.Errorf("-1 times -1 is %d, want saturation", got)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 100000 {
		a, b := randomInt32(r), randomInt32(r)
		ab := new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b)))
		want := roundHalfAwayFromZero(ab, 1<<31)
		if half := new(big.Int).And(ab, big.NewInt(1<<31-1)); ab.Sign() < 0 && half.Int64() == 1<<30 {
			want++ // gemmlowp rounds negative halves up
		}
		if got := mulHigh(a, b); int64(got) != want {
			t.Fatalf("mulHigh(%d, %d) = %d, want %d", a, b, got, want)
		}
	}
}

func TestDivideByPowerOfTwo(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 100000 {
		x, n := randomInt32(r), r.IntN(32)
		want := roundHalfAwayFromZero(big.NewInt(int64(x)), 1<<n)
		if got := divideByPowerOfTwo(x, n); int64(got) != want {
			t.Fatalf("%d / 2^%d = %d, want %d", x, n, got, want)
		}
	}
}

func TestMultiplier(t *testing.T) {
	for _, tt := range []struct {
		real float64
		want Multiplier
	}{
		{0, Multiplier{}}, {1, Multiplier{1 << 30, 1}}, {0.5, Multiplier{1 << 30, 0}}, {0.75, Multiplier{3 << 29, 0}},
		{math.Nextafter(1, 0), Multiplier{1 << 30, 1}}, // rounds up to a power of two
		{0x1p-32, Multiplier{1 << 30, -31}}, {0x1p-33, Multiplier{}},
	} {
		if got := newMultiplier(tt.real); got != tt.want {
			t.Errorf("%v is %v, want %v", tt.real, got, tt.want)
		}
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range 10000 {
		real := math.Exp(r.Float64()*14 - 13)
		x := int32(r.IntN(1<<25) - 1<<24)
		got, want := newMultiplier(real).apply(x), float64(x)*real
		if math.Abs(float64(got)-want) > 1+math.Abs(want)*0x1p-29 {
			t.Fatalf("%d x %v = %d, want about %v", x, real, got, want)
		}
	}
}

// TestExpNegative uses gemmlowp's own tolerance.
func TestExpNegative(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for i := range 100000 {
		a := -int32(r.Uint32N(1<<31 - 1))
		if i < 3 {
			a = int32(-i)
		}
		got := float64(expNegative(a)) / (1 << 31)
		want := math.Exp(float64(a) / (1 << (31 - scaledDiffBits)))
		if math.Abs(got-want) > 3e-7 {
			t.Fatalf("exp of %d: %v, want %v", a, got, want)
		}
	}
}

func TestReciprocal(t *testing.T) {
	for x := int32(1 << 19); x < 1<<30; x += x/7 + 1 {
		const integerBits = 12
		value, shift := reciprocal(x, integerBits)
		got := float64(value) / (1 << 31) * math.Exp2(float64(-shift))
		want := math.Exp2(31-integerBits) / float64(x)
		if math.Abs(got-want) > 1e-7*want {
			t.Fatalf("1/%d = %v, want %v", x, got, want)
		}
	}
}

func TestPackedPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 1000 {
		var sum int64
		var lower, upper int32
		for range 1 + r.IntN(2000) {
			a, b, x := int8(r.Uint32()), int8(r.Uint32()), int32(r.IntN(511)-255)
			sum += int64(x) * pack(a, b)
			lower += x * int32(a)
			upper += x * int32(b)
		}
		if l, u := unpack(sum); l != lower || u != upper {
			t.Fatalf("sums %d and %d, want %d and %d", l, u, lower, upper)
		}
	}
}
