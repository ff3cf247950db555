package graph

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"slimfit/models"
)

// Generator returns a PCG generator that depends on the words alone: the
// SHA-256 of seed, purpose and layer is its state. Every random number of a
// training comes from such a key, never from what ran before.
func Generator(seed int64, purpose, layer string) *rand.Rand {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", seed, purpose, layer))
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])))
}

// truncation is where TensorFlow cuts its truncated normal: two standard
// deviations.
const truncation = 2

// truncatedSD is the standard deviation of a normal of sd 1 cut at two; Keras
// divides by it so that he_normal keeps its variance, TensorFlow's
// truncated_normal does not.
const truncatedSD = 0.87962566103423978

// paperSD is the standard deviation of the paper's initial weights, and
// paperBias the constant of the author's scripts (the paper's text says
// otherwise of biases; the scripts are followed).
const (
	paperSD   = 0.1
	paperBias = 0.1
)

// initial returns the starting values of one network's share of a param. The
// key holds the seed and the node's name, so that a layer starts the same
// whatever else is in the network or the pack.
func initial(p param, o owner, size int, seed int64, rule string) []float32 {
	values := make([]float32, size)
	if p.part != models.Kernel {
		for i := range values {
			switch {
			case p.part == models.Gamma || p.part == models.Variance:
				values[i] = 1
			case p.part == models.Slope:
				values[i] = models.PReluSlope
			case p.part == models.Bias && rule == models.InitPaper:
				values[i] = paperBias
			}
		}
		return values
	}
	g := Generator(seed, "init", o.node)
	switch rule {
	case models.InitHe:
		fillTruncated(values, g, math.Sqrt(2/float64(o.fanIn))/truncatedSD)
	case models.InitGlorot:
		limit := math.Sqrt(6 / float64(o.fanIn+o.fanOut))
		for i := range values {
			values[i] = float32(limit * (2*g.Float64() - 1))
		}
	default:
		fillTruncated(values, g, paperSD)
	}
	return values
}

// fillTruncated draws from a normal of the standard deviation, drawing again
// what lies beyond truncation.
func fillTruncated(values []float32, g *rand.Rand, sd float64) {
	for i := range values {
		x := g.NormFloat64()
		for math.Abs(x) > truncation {
			x = g.NormFloat64()
		}
		values[i] = float32(sd * x)
	}
}
