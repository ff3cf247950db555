package tflite

import "fmt"

// activity is what the calibration images show of one activation.
type activity struct {
	lo, hi float32   // the smallest and the largest value, and 0
	mean   []float64 // for each value where a dense layer reads it, else for each channel
}

// calibrate runs a float32 model on n images and returns the activity of each
// tensor. The result does not depend on the number of workers.
func (m *Model) calibrate(pixels []uint8, n, workers int) ([]activity, error) {
	// One record for each chunk of images, added up in order: floating-point sums
	// depend on it.
	records := make([][]activity, (n+chunk-1)/chunk)
	for i := range records {
		records[i] = m.newActivities()
	}
	err := forEach(m, floatKernel, n, workers, loader(m, pixels, m.level), func(i int, v *values[float32]) {
		for t, activation := range v.t {
			records[i/chunk][t].add(activation, n)
		}
	})
	if err != nil {
		return nil, err
	}
	all := m.newActivities()
	for _, r := range records {
		for t := range all {
			a := &all[t]
			a.lo, a.hi = min(a.lo, r[t].lo), max(a.hi, r[t].hi)
			for k := range a.mean {
				a.mean[k] += r[t].mean[k]
			}
		}
	}
	for t, a := range all {
		if !(float64(a.hi)-float64(a.lo) < float64(maxScale)) { // or not a number
			return nil, fmt.Errorf("calibration: the values of %s reach from %v to %v: no int8 form", m.Tensors[t].Name, a.lo, a.hi)
		}
	}
	return all, nil
}

func (m *Model) newActivities() []activity {
	all := make([]activity, len(m.Tensors))
	for _, op := range m.Ops {
		if op.Code != Conv2D && op.Code != DepthwiseConv2D && op.Code != FullyConnected {
			continue // only weights are rounded with regard to their inputs' means
		}
		shape := m.Tensors[op.Inputs[0]].Shape
		means := shape[len(shape)-1]
		if op.Code == FullyConnected {
			means = m.Tensors[op.Inputs[0]].Elements()
		}
		all[op.Inputs[0]].mean = make([]float64, means)
	}
	return all
}

// add takes in one of n images.
func (a *activity) add(v []float32, n int) {
	for _, x := range v {
		a.lo, a.hi = min(a.lo, x), max(a.hi, x)
	}
	if len(a.mean) == 0 {
		return
	}
	share := float64(len(a.mean)) / float64(len(v)) / float64(n)
	for i, x := range v {
		a.mean[i%len(a.mean)] += float64(x) * share
	}
}
