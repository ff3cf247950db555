package dataset

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Every image once an epoch, for any sizes, also where batches span epochs and
// are larger than the data.
func TestOrderIsAPermutationAnEpoch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images := rapid.IntRange(1, 60).Draw(t, "images")
		size := rapid.IntRange(1, 130).Draw(t, "size")
		o := NewOrder(images, rapid.Int64().Draw(t, "seed"))
		var stream []int32
		for step := 0; len(stream) < 3*images; step++ {
			dst := make([]int32, size)
			o.Batch(step, size, dst)
			stream = append(stream, dst...)
		}
		for epoch := range 3 {
			got := slices.Clone(stream[epoch*images : (epoch+1)*images])
			slices.Sort(got)
			for i, v := range got {
				if int(v) != i {
					t.Fatalf("epoch %d of %d images holds %v", epoch, images, got)
				}
			}
		}
	})
}

func TestOrderRandomAccess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		images := rapid.IntRange(1, 40).Draw(t, "images")
		size := rapid.IntRange(1, 50).Draw(t, "size")
		seed := rapid.Int64().Draw(t, "seed")
		steps := 20
		sequential := make([][]int32, steps)
		o := NewOrder(images, seed)
		for i := range sequential {
			sequential[i] = make([]int32, size)
			o.Batch(i, size, sequential[i])
		}
		jumping := NewOrder(images, seed)
		dst := make([]int32, size+3)
		for _, step := range rapid.SliceOfN(rapid.IntRange(0, steps-1), 1, 10).Draw(t, "visits") {
			dst[size] = -7
			jumping.Batch(step, size, dst)
			if !slices.Equal(dst[:size], sequential[step]) || dst[size] != -7 {
				t.Fatalf("step %d: %v, sequentially %v", step, dst, sequential[step])
			}
		}
	})
}

func TestOrderDiffersByEpochAndSeed(t *testing.T) {
	const n = 1000
	read := func(seed int64, epoch int) []int32 {
		dst := make([]int32, n)
		NewOrder(n, seed).Batch(epoch, n, dst)
		return dst
	}
	orders := map[string][]int32{"seed 0": read(0, 0), "seed 1": read(1, 0), "epoch 1": read(0, 1), "seed -1": read(-1, 0)}
	for a, x := range orders {
		for b, y := range orders {
			same := 0
			for i := range x {
				if x[i] == y[i] {
					same++
				}
			}
			// Two random permutations agree in one place on average.
			if a != b && same > 10 {
				t.Errorf("%s and %s agree in %d of %d places", a, b, same, n)
			}
		}
	}
}

// The order is part of a result's meaning: it must not change with a version
// of Go or of this package.
func TestOrderIsFixed(t *testing.T) {
	for _, c := range []struct {
		seed int64
		step int
		want []int32
	}{
		{0, 0, []int32{8, 6, 5, 4, 7, 2, 0, 9, 3, 1}},
		{0, 1, []int32{6, 5, 2, 7, 9, 0, 1, 8, 4, 3}},
		{7, 3, []int32{7, 4, 0, 8}},
		{-1, 1000000, []int32{5, 7, 6, 8, 9, 1, 4, 3, 0, 2, 1, 7}},
	} {
		got := make([]int32, len(c.want))
		NewOrder(10, c.seed).Batch(c.step, len(c.want), got)
		if !slices.Equal(got, c.want) {
			t.Errorf("seed %d, step %d: %v, want %v", c.seed, c.step, got, c.want)
		}
	}
}

// Each image takes each place equally often, and draws are uniform: a
// chi-square test whose bound a fair shuffle exceeds once in a million runs;
// the seeds are fixed, so it is not a matter of luck.
func TestShuffleIsUniform(t *testing.T) {
	const n, rounds = 5, 20000
	var seen [n][n]int
	o := NewOrder(n, 3)
	dst := make([]int32, n)
	for e := range rounds {
		o.Batch(e, n, dst)
		for place, image := range dst {
			seen[place][image]++
		}
	}
	chi, want := 0.0, float64(rounds)/n
	for _, row := range seen {
		for _, count := range row {
			chi += (float64(count) - want) * (float64(count) - want) / want
		}
	}
	if chi > 58 { // 16 degrees of freedom
		t.Errorf("chi-square %.1f over places and images: %v", chi, seen)
	}
}

func BenchmarkOrderEpoch(b *testing.B) {
	o, dst := NewOrder(55000, 1), make([]int32, 55000)
	for i := range b.N {
		o.Batch(i, 55000, dst)
	}
}
