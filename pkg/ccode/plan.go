package ccode

import "slimfit/pkg/tflite"

// arena says where the steps' results lie.
type arena struct {
	bytes  int         // elements, in a float32 network
	offset map[int]int // by tensor; the scores, which the caller has, are not in it
}

// plan places the results: each is needed until the last step that reads it. A
// step of one value after another works in place where nobody reads its input
// later.
func plan(steps []step) arena {
	last := map[int]int{} // the last step that reads a tensor
	for i := range steps {
		for _, t := range steps[i].reads() {
			last[t] = i
		}
	}
	var buffers []tflite.Buffer
	owner := map[int]int{} // of a tensor's buffer
	for i := range steps {
		s := &steps[i]
		in, stored := owner[s.In]
		switch {
		case s.last:
		case stored && s.inPlace() && last[s.In] == i:
			owner[s.out] = in
			buffers[in].Last = last[s.out]
		default:
			owner[s.out] = len(buffers)
			buffers = append(buffers, tflite.Buffer{Tensor: s.out, Bytes: s.Size, First: i, Last: last[s.out]})
		}
	}
	tflite.PlaceBuffers(buffers)
	a := arena{offset: map[int]int{}}
	for t, k := range owner {
		a.offset[t] = buffers[k].Offset
		a.bytes = max(a.bytes, buffers[k].Offset+buffers[k].Bytes)
	}
	return a
}

// inPlace says whether each value of the result needs only the same value of
// the first input.
func (s *step) inPlace() bool {
	return s.Function() || s.Op.Code == tflite.Prelu || s.Op.Code == tflite.Add && s.In != s.Other
}
