package ccode

import (
	"math"
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
		if kind == "pool" && s.Averages() {
			kind = "average"
		}
		w[kind+s.special()+" step"]++
		flag("lookup step", s.then != nil)
		flag("scales step", len(s.Scale) > 0 && !s.uniform())
		switch kind {
		case "convolution", "depthwise", "pool", "average":
			flag("pool step", s.Pool != nil)
			flag("padding step", s.PadH > 0 || s.PadW > 0)
			w.windows(kind, s)
		case "dense":
			w["dense"+s.special()+" macs"+s.shifted()] += float64(s.InC * s.OutC)
			w["dense values"] += float64(s.OutC)
		case "mean":
			w["mean"+s.special()+" macs"] += float64(s.Area() * s.InC)
			w["mean values"] += float64(s.InC)
		default:
			w[kind+" values"] += float64(s.Size)
			if k := len(s.Slopes); k&(k-1) != 0 { // a remainder that is no mask
				w["odd divisions"] += float64(s.Size)
			}
		}
	}
	return w
}

// special marks steps of which compilers make less code: no loop over channels
// where there is one, none along a row of one value.
func (s *step) special() string {
	mark := ""
	if s.OutC == 1 {
		mark = " one"
	}
	if s.Kind == "dense" {
		mark = ""
		if s.InC == 1 {
			return " single"
		}
	} else if s.WindowW > 0 && s.single() {
		mark += " single"
	}
	return mark
}

// single says whether a row of the window is one value, always on the image.
func (s *step) single() bool {
	t := s.Taps("", "")
	return s.WindowW == 1 && !t.Clipped() && (t.Apart() || s.InC == 1)
}

// shifted marks products of activations whose zero point is to be taken off.
func (s *step) shifted() string {
	if s.Kind == "pool" || s.Centred("x") == "(int16_t)x" {
		return ""
	}
	return " of differences"
}

// windows counts a step that moves a window over the image.
func (w Work) windows(kind string, s *step) {
	rows, atRows := visits(s.InH, s.OutH, s.StrideH, s.PadH, s.WindowH, nil)
	columns, atColumns := visits(s.InW, s.OutW, s.StrideW, s.PadW, s.WindowW, nil)
	if p := s.Pool; p != nil {
		rows, atRows = visits(s.InH, s.OutH, s.StrideH, s.PadH, s.WindowH, &[4]int{p.OutH, p.StrideH, p.PadH, p.WindowH})
		columns, atColumns = visits(s.InW, s.OutW, s.StrideW, s.PadW, s.WindowW, &[4]int{p.OutW, p.StrideW, p.PadW, p.WindowW})
		w["pooled values"] += float64(s.Size)
	}
	channels, taps, mark := float64(s.OutC), s.Taps("", ""), kind+s.special()
	lines, sums := rows*atColumns*channels, atRows*atColumns*channels
	macs := rows * columns * channels
	if !taps.Apart() {
		macs *= float64(s.InC)
	}
	w[mark+" rows"] += lines
	w[mark+" sums"] += sums
	switch {
	case !s.single():
		w[mark+" macs"+s.shifted()] += macs
	case s.WindowH == 1: // no loop at all
		w[mark+" flat sums"] += sums
	}
	if taps.Clipped() {
		w[kind+" clipped rows"] += lines
	}
	if kind == "average" && !(s.single() && s.WindowH == 1) {
		w["average divisions"] += float64(s.Size)
	}
	if kind != "convolution" && kind != "depthwise" {
		return
	}
	if s.Late {
		sums = float64(s.Size)
	}
	shifts := 0
	for _, x := range s.Scale {
		shifts += max(0, -x.Shift)
	}
	w["scale shifts"] += sums * float64(shifts) / float64(len(s.Scale))
	if s.uniform() {
		w["evenly scaled values"] += sums
	} else {
		w["scaled values"] += sums
	}
	if ratio := s.OutC / s.InC; kind == "depthwise" && ratio&(ratio-1) != 0 {
		w["odd divisions"] += lines
	}
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
