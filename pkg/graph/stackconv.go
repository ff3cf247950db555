package graph

import (
	"fmt"
	"slices"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// Ways to compute a stack's convolution beside those of models.StackForms.
const (
	fused     = "fused"     // all networks read the same images: one wide convolution
	depthwise = "depthwise" // see models.Node.Multiplies
)

// way is how the stack computes a convolution; shared says that all networks read
// the same images.
func (ns *networks) way(n models.Node, shared bool) string {
	switch {
	case shared:
		return fused
	case n.Multiplies(ns.recipe):
		return depthwise
	}
	return ns.convs
}

// convolved applies a stack's convolution to x, [batch, h, w, networks * c], or
// [batch, h, w, c] where that is shared.
func (ns *networks) convolved(x tf.Output, n models.Node, shared bool) (tf.Output, error) {
	kernel, count := ns.value(stackName(n, models.Kernel)), len(ns.nodes)
	switch way := ns.way(n, shared); way {
	case fused, models.Grouped: // TensorFlow takes the groups from the shapes
		return ns.linear(x, kernel, n)
	case depthwise:
		k, b := n.Layer.Kernel, ns.builder
		n.Layer.Kind, b.casts = models.Depthwise, false // not every library has it for GPUs in bfloat16
		return b.linear(x, ns.reshape(kernel, int32(k[0]), int32(k[1]), int32(count), int32(n.Out.C)), n)
	case models.Separate:
		xs := ns.split(x, 3, slices.Repeat([]int32{int32(n.In.C)}, count))
		for i, k := range ns.split(kernel, 3, slices.Repeat([]int32{int32(n.Out.C)}, count)) {
			var err error
			if xs[i], err = ns.linear(xs[i], k, n); err != nil {
				return x, err
			}
		}
		return ns.concat(3, xs...), nil
	case models.Patches:
		return ns.patched(x, kernel, n), nil
	default:
		return x, fmt.Errorf("no form %q of a stack's convolutions: %q", way, []string{models.Separate, models.Grouped, models.Patches})
	}
}

// patched is a convolution as a product of patches and kernels, [networks, batch *
// h * w, c * taps] x [networks, c * taps, out].
func (ns *networks) patched(x, kernel tf.Output, n models.Node) tf.Output {
	count, c, taps := int32(len(ns.nodes)), int32(n.In.C), int32(n.Layer.Kernel[0]*n.Layer.Kernel[1])
	x = ns.apart(ns.taps(x, n), models.Shape{H: n.Out.H, W: n.Out.W, C: int(c * taps)})
	x = ns.reshape(x, count, -1, c*taps)
	kernel = op.Transpose(ns.at("kernels"), ns.reshape(kernel, taps, c, count, int32(n.Out.C)), ns.ints("order", 2, 1, 0, 3))
	return ns.abreast(ns.products(x, ns.reshape(kernel, count, c*taps, int32(n.Out.C)), n), n.Out)
}

// taps is what each of the kernel's places reads, beside one another: [batch, out h,
// out w, channels * taps]. A depthwise convolution whose kernels have a one at their
// place copies it exactly; ExtractImagePatches has no gradient in C.
func (ns *networks) taps(x tf.Output, n models.Node) tf.Output {
	k, d := n.Layer.Kernel, n.Layer.Dilation
	taps := k[0] * k[1]
	h, w := (k[0]-1)*d[0]+1, (k[1]-1)*d[1]+1
	pick := make([]float32, h*w*taps) // [h, w, 1, taps]
	for t := range taps {
		row, column := t/k[1]*d[0], t%k[1]*d[1]
		pick[(row*w+column)*taps+t] = 1
	}
	one := ns.reshape(op.Const(ns.at("pick"), pick), int32(h), int32(w), 1, int32(taps))
	all := op.BroadcastTo(ns.at("picks"), one, ns.ints("shape", int32(h), int32(w), int32(len(ns.nodes)*n.In.C), int32(taps)))
	return op.DepthwiseConv2dNative(ns.at("taps"), x, all, edges4(n.Layer.Stride), padding(n.Layer.Padding))
}

// apart takes the networks out of the wide tensor: [batch, h, w, networks * c] ->
// [networks, batch, h * w, c].
func (ns *networks) apart(x tf.Output, s models.Shape) tf.Output {
	x = ns.reshape(x, -1, int32(s.H*s.W), int32(len(ns.nodes)), int32(s.C))
	return op.Transpose(ns.at("apart"), x, ns.ints("order", 2, 0, 1, 3))
}

// abreast puts the networks, one after the other in x, into a wide tensor: [networks
// * batch * h * w * c] in any shape -> [batch, h, w, networks * c].
func (ns *networks) abreast(x tf.Output, s models.Shape) tf.Output {
	count := len(ns.nodes)
	x = ns.reshape(x, int32(count), -1, int32(s.H*s.W), int32(s.C))
	x = op.Transpose(ns.at("abreast"), x, ns.ints("order", 1, 2, 0, 3))
	return ns.reshape(x, -1, int32(s.H), int32(s.W), int32(count*s.C))
}
