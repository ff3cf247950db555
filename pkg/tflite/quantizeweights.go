package tflite

import (
	"fmt"
	"math"
)

// channels returns the weights of each output channel.
func channels(op Op, w *Tensor) [][]float32 {
	v := fromBytes[float32](w.Data)
	n := w.Shape[0]
	if op.Code == DepthwiseConv2D {
		n = w.Shape[3]
		v = transpose(v, len(v)/n, n)
	}
	rows := make([][]float32, n)
	for c := range rows {
		rows[c] = v[c*len(v)/n : (c+1)*len(v)/n]
	}
	return rows
}

// arrange puts the integers of all channels back into the tensor's layout.
func arrange(op Op, rows [][]int8) []byte {
	n, taps := len(rows), len(rows[0])
	data := make([]byte, n*taps)
	for c, row := range rows {
		for i, x := range row {
			if op.Code == DepthwiseConv2D {
				data[i*n+c] = byte(x)
			} else {
				data[c*taps+i] = byte(x)
			}
		}
	}
	return data
}

// weightScales maps the largest weight of each channel to 127.
func weightScales(kernel [][]float32) []float64 {
	scales := make([]float64, len(kernel))
	for c, row := range kernel {
		for _, x := range row {
			scales[c] = max(scales[c], math.Abs(float64(x))/127)
		}
	}
	return scales
}

// roundWeights rounds each channel's weights to steps of its scale, which is
// taken as the file holds it.
func roundWeights(kernel [][]float32, scales []float64) [][]int8 {
	data := make([][]int8, len(kernel))
	for c, row := range kernel {
		scales[c] = float64(float32(scales[c]))
		data[c] = make([]int8, len(row))
		for i, x := range row {
			data[c][i] = int8(min(max(math.Round(float64(x)/scales[c]), -127), 127))
		}
	}
	return data
}

// inputMeans returns the means of the inputs that channel c of n reads,
// repeated as often as the window is large: a depthwise channel reads one.
func inputMeans(op Op, mean []float64, c, n int) []float64 {
	if op.Code == DepthwiseConv2D {
		k := c / (n / len(mean))
		return mean[k : k+1]
	}
	return mean
}

// roundingShift is the mean of what rounding the weights adds to a channel's
// sum. Windows that hang over the edge of the image are counted as full.
func roundingShift(rounded []int8, row []float32, scale float64, mean []float64) float64 {
	sum := 0.0
	for i, x := range row {
		sum += (float64(rounded[i])*scale - float64(x)) * mean[i%len(mean)]
	}
	return sum
}

// roundBiases rounds the biases and checks that no sum can leave int32. A bias
// is cut at 2^30 steps, at least 2^14 steps of the output: only that of a unit
// which is always off can be larger.
func roundBiases(bias []float32, data [][]int8, scales []float64, in *Quant) ([]int32, error) {
	biases := make([]int32, len(bias))
	// The largest distance of an input from its zero point.
	reach := int64(max(in.ZeroPoint-math.MinInt8, math.MaxInt8-in.ZeroPoint))
	for c, row := range data {
		b := math.Round(float64(bias[c]) / (float64(in.Scale[0]) * scales[c]))
		b = min(max(b, -1<<30), 1<<30)
		bound := int64(math.Abs(b))
		for _, x := range row {
			bound += max(int64(x), -int64(x)) * reach
		}
		if bound > math.MaxInt32 {
			return nil, fmt.Errorf("%d inputs of channel %d can sum up to %d, more than 32 bits hold: use fewer inputs, or the float32 format",
				len(row), c, bound)
		}
		biases[c] = int32(b)
	}
	return biases, nil
}

func float32Slice(v []float64) []float32 {
	s := make([]float32, len(v))
	for i, x := range v {
		s[i] = float32(x)
	}
	return s
}
