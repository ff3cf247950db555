package tflite

import "slices"

// ArenaAlignment is what TensorFlow Lite Micro aligns buffers to.
const ArenaAlignment = 16

// Buffer is an activation's place in TensorFlow Lite Micro's arena. Times count
// operators from 1; time 0 is before the first. A buffer is occupied from First
// to Last, both included.
type Buffer struct {
	Tensor      int // in Model.Tensors, -1 for a kernel's scratch
	Offset      int
	Bytes       int // rounded up to ArenaAlignment
	First, Last int
}

// ArenaBytes is the size of the activations in TensorFlow Lite Micro's arena
// for one image, by its greedy planner: what the runtime reports as the arena's
// head with its reference kernels. It leaves out the tail, the runtime's own
// records, which depend on the target (1,952 bytes for the paper's final network
// in int8 on x86-64), and the scratch that optimized kernels ask for. The
// constants stay in the file.
func ArenaBytes(m *Model) int {
	size := 0
	for _, b := range PlanArena(m) {
		size = max(size, b.Offset+b.Bytes)
	}
	return size
}

// PlanArena places the activations as TensorFlow Lite Micro's
// GreedyMemoryPlanner does: the largest first, each at the first gap among the
// buffers that are occupied at the same time.
func PlanArena(m *Model) []Buffer {
	buffers := lifetimes(m)
	PlaceBuffers(buffers)
	return buffers
}

// PlaceBuffers sets the buffers' offsets by that rule.
func PlaceBuffers(buffers []Buffer) {
	// The planner takes the buffers from the last to the first and sorts them by
	// size, keeping that order among equals.
	order := make([]int, len(buffers))
	for i := range order {
		order[i] = len(buffers) - 1 - i
	}
	slices.SortStableFunc(order, func(a, b int) int { return buffers[b].Bytes - buffers[a].Bytes })
	var placed []int // by offset; of equals, the one placed first comes first
	for _, i := range order {
		b := &buffers[i]
		b.Offset = firstGap(buffers, placed, *b)
		at := slices.IndexFunc(placed, func(k int) bool { return buffers[k].Offset > b.Offset })
		if at < 0 {
			at = len(placed)
		}
		placed = slices.Insert(placed, at, i)
	}
}

// firstGap is the lowest offset at which b fits after, before or between the
// placed buffers that are occupied at the same time.
func firstGap(buffers []Buffer, placed []int, b Buffer) int {
	offset := 0
	for _, k := range placed {
		p := buffers[k]
		if p.First > b.Last || b.First > p.Last {
			continue
		}
		if p.Offset-offset >= b.Bytes {
			break
		}
		offset = max(offset, p.Offset+p.Bytes)
	}
	return offset
}

// lifetimes lists the activations in the order of the tensors, then the scratch
// buffers that reference kernels ask for. An op's inputs and outputs coexist;
// the input lives from the start, outputs live to the end.
func lifetimes(m *Model) []Buffer {
	var buffers []Buffer
	for t, tensor := range m.Tensors {
		if tensor.Data != nil {
			continue
		}
		b := Buffer{Tensor: t, Bytes: align(tensor.Elements() * tensor.Type.Size())}
		used := t == m.Input
		for i, op := range m.Ops {
			if slices.Contains(op.Outputs, t) {
				b.First, b.Last, used = i+1, i+1, true
			}
			if slices.Contains(op.Inputs, t) {
				b.Last = i + 1
			}
		}
		if slices.Contains(m.Outputs, t) {
			b.Last = len(m.Ops)
		}
		if used {
			buffers = append(buffers, b)
		}
	}
	for i, op := range m.Ops {
		if op.Code != Mean {
			continue
		}
		// An index, the axes and, of int8, the sums, in 32 bits each.
		counts := []int{len(m.Tensors[op.Inputs[0]].Shape), m.tensor(op, 1).Elements()}
		if m.Quantized() {
			counts = append(counts, m.Tensors[op.Outputs[0]].Elements())
		}
		for _, n := range counts {
			buffers = append(buffers, Buffer{Tensor: -1, Bytes: align(n * Int32.Size()), First: i + 1, Last: i + 1})
		}
	}
	return buffers
}

func align(n int) int { return (n + ArenaAlignment - 1) / ArenaAlignment * ArenaAlignment }
