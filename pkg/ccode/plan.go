package ccode

import "slimfit/pkg/tflite"

// arena says where the steps' results lie.
type arena struct {
	bytes  int
	offset []int // by step; -1 for the scores, which the caller has
}

// plan places the results: each is needed until the next step has read it. A
// table works in place.
func plan(steps []step) arena {
	a := arena{offset: make([]int, len(steps))}
	var buffers []tflite.Buffer
	owner := make([]int, len(steps)) // of a step's buffer
	for i := range steps {
		s := &steps[i]
		owner[i] = -1
		switch {
		case s.last:
		case s.Table != nil && i > 0:
			owner[i] = owner[i-1]
			buffers[owner[i]].Last = i + 1
		default:
			owner[i] = len(buffers)
			buffers = append(buffers, tflite.Buffer{Tensor: s.out, Bytes: s.size, First: i, Last: i + 1})
		}
	}
	tflite.PlaceBuffers(buffers)
	for i := range steps {
		a.offset[i] = -1
		if owner[i] >= 0 {
			b := buffers[owner[i]]
			a.offset[i] = b.Offset
			a.bytes = max(a.bytes, b.Offset+b.Bytes)
		}
	}
	return a
}
