package ccode

import (
	"math"

	"slimfit/pkg/tflite"
)

// Work counts what the C code does for an image, and what it is made of, by
// name: a model of a device is fitted to it. Names of sums over loops end in
// what is counted: rows and taps of windows, multiply-accumulates, sums, values.
type Work map[string]float64

// work adds up the steps; taps outside the image are skipped, as the C does.
func (n *network) work() Work {
	w := Work{"base": 1}
	flag := func(name string, on bool) {
		if on {
			w[name]++
		}
	}
	flag("clamps", n.Clamps())
	flag("scales", n.Scales())
	flag("rounds", n.Rounds())
	for i := range n.Steps {
		s := &n.Steps[i]
		kind := s.Kind
		switch {
		case kind == "convolution" && s.InC == 1:
			kind = "convolution1"
		case kind == "pool" && s.Averages():
			kind = "average"
		}
		w[kind+" step"]++
		flag("lookup step", s.then != nil)
		flag("scales step", len(s.Scale) > 0 && !s.uniform())
		switch kind {
		case "convolution", "convolution1", "depthwise", "pool", "average":
			flag("pool step", s.Pool != nil)
			flag("padding step", s.PadH > 0 || s.PadW > 0)
			w.windows(kind, s)
		case "dense":
			w["dense macs"] += float64(s.InC * s.OutC)
			w["dense values"] += float64(s.OutC)
		case "mean":
			w["mean macs"] += float64(s.Area() * s.InC)
		default:
			w[kind+" values"] += float64(s.Size)
		}
	}
	return w
}

// windows counts a step that moves a window over the image.
func (w Work) windows(kind string, s *step) {
	rows, atRows := visits(s.InH, s.OutH, s.StrideH, s.PadH, s.WindowH, nil)
	columns, atColumns := visits(s.InW, s.OutW, s.StrideW, s.PadW, s.WindowW, nil)
	if p := s.Pool; p != nil {
		rows, atRows = visits(s.InH, s.OutH, s.StrideH, s.PadH, s.WindowH, &[4]int{p.OutH, p.StrideH, p.PadH, p.WindowH})
		columns, atColumns = visits(s.InW, s.OutW, s.StrideW, s.PadW, s.WindowW, &[4]int{p.OutW, p.StrideW, p.PadW, p.WindowW})
	}
	channels := float64(s.OutC)
	w[kind+" rows"] += rows * atColumns * channels
	w[kind+" taps"] += rows * columns * channels
	w[kind+" sums"] += atRows * atColumns * channels
	if kind == "convolution" {
		w[kind+" macs"] += rows * columns * channels * float64(s.InC)
	}
	scaled := atRows * atColumns * channels
	if s.Late {
		scaled = float64(s.Size)
	}
	if s.Op.Code == tflite.Conv2D || s.Op.Code == tflite.DepthwiseConv2D {
		w["scaled values"] += scaled
	}
	w["stored values"] += float64(s.Size)
}

// visits is, along one axis, how many taps lie on the image over all places of
// the window, and how many places there are: those that a pool (its outputs,
// stride, padding and window) looks at, or all.
func visits(in, out, stride, pad, window int, pool *[4]int) (taps, places float64) {
	at := func(o int) {
		from, to := max(0, o*stride-pad), min(o*stride-pad+window, in)
		taps, places = taps+math.Max(0, float64(to-from)), places+1
	}
	if pool == nil {
		for o := range out {
			at(o)
		}
		return taps, places
	}
	for p := range pool[0] {
		for o := max(0, p*pool[1]-pool[2]); o < min(p*pool[1]-pool[2]+pool[3], out); o++ {
			at(o)
		}
	}
	return taps, places
}
