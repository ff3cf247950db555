package graph

// #cgo LDFLAGS: -ltensorflow_framework -lm
// #include <stdlib.h>
// #include <tensorflow/c/c_api.h>
// #include "stem.h"
// #include "stem_op.h"
import "C"

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"slimfit/models"
)

// StockStem is the name of TensorFlow's own operations for a network's stem.
const StockStem = "stock"

// ownStems are the names of the kernels in stem.c, by their number there. They
// give the same bits.
var ownStems = []string{C.SLIMFIT_C: "own-c", C.SLIMFIT_AVX2: "own-avx2", C.SLIMFIT_AVX512: "own-avx512"}

// stemThreads is the number of threads from which TensorFlow's operations, which
// use all of them, are taken to be faster than a kernel that uses one.
const stemThreads = 5

// stemName says which kernels run where wanted is asked for: "" for what is
// fastest here, StockStem, or a name of a kernel of ours, any of which stands for
// the best one that this processor has.
func (d Device) stem(wanted string) (string, error) {
	best := int(C.slimfit_isa_best())
	switch {
	case wanted != "" && wanted != StockStem && !slices.Contains(ownStems, wanted):
		return "", fmt.Errorf("no stem %q: %s or %s", wanted, strings.Join(ownStems, ", "), StockStem)
	case wanted == StockStem || d.GPU || d.BFloat16:
		return StockStem, nil
	case wanted != "":
		return ownStems[min(best, slices.Index(ownStems, wanted))], nil
	case d.Threads >= stemThreads || best == C.SLIMFIT_C && runtime.GOARCH == "amd64": // there without fused multiply-add
		return StockStem, nil
	}
	return ownStems[best], nil
}

// WithStem chooses the kernels of the networks' first convolutions: "" the
// fastest ones, StockStem, or one that Pack.Stem named.
func (d Device) WithStem(wanted string) (Device, error) {
	var err error
	d.Stem, err = d.stem(wanted)
	return d, err
}

// registered makes the operations known to TensorFlow, which can be done once
// in a process.
var registered = sync.OnceValue(func() error {
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	C.slimfit_stem_register(status)
	if C.TF_GetCode(status) != C.TF_OK {
		return fmt.Errorf("register the operations of the stem: %s", C.GoString(C.TF_Message(status)))
	}
	return nil
})

// ownStem is a stem that runs as one operation.
type ownStem struct {
	images            tf.Output
	op                *tf.Operation // SlimfitStem: y and winner of each network
	outs              []tf.Output   // y of each network, its shape known
	geometry, filters []int64
}

// before is what TensorFlow puts in front: size positions for windows of the
// given length, one stride apart.
func before(size, out, window, stride int) int64 {
	return int64(max((out-1)*stride+window-size, 0) / 2)
}

// geometry is the attribute of the operations, see stem.h; nil where they do not
// have such a stem.
func (g stem) geometry(isa int) []int64 {
	n := g.conv
	l := n.Layer
	activation := map[models.Activation]int64{models.None: C.SLIMFIT_NONE, models.Relu: C.SLIMFIT_RELU, models.Relu6: C.SLIMFIT_RELU6,
		models.LeakyRelu: C.SLIMFIT_LEAKY_RELU}
	code, ok := activation[l.Activation]
	one := models.Square(1)
	if !ok || n.Norm || l.Stride != one || l.Dilation != one || len(g.nets) > C.SLIMFIT_STEM_NETS {
		return nil
	}
	v := []int64{int64(isa), int64(n.In.H), int64(n.In.W), int64(n.In.C), int64(l.Kernel[0]), int64(l.Kernel[1]), 0, 0,
		int64(n.Out.H), int64(n.Out.W), 1, 1, 0, 0, int64(n.Out.H), int64(n.Out.W), code}
	if l.Padding == models.Same {
		v[6], v[7] = before(n.In.H, n.Out.H, l.Kernel[0], 1), before(n.In.W, n.Out.W, l.Kernel[1], 1)
	}
	if p := g.pool; p != nil {
		size := p.Layer.Size
		if size != p.Layer.Stride || size[0] > n.Out.H || size[1] > n.Out.W {
			return nil
		}
		v[10], v[11], v[14], v[15] = int64(size[0]), int64(size[1]), int64(p.Out.H), int64(p.Out.W)
		if p.Layer.Padding == models.Same {
			v[12], v[13] = before(n.Out.H, p.Out.H, size[0], size[0]), before(n.Out.W, p.Out.W, size[1], size[1])
		}
	}
	s := C.struct_slimfit_stem{nets: 1}
	s.filters[0] = 1
	for i, to := range []*C.int64_t{&s.isa, &s.height, &s.width, &s.channels, &s.kernel_h, &s.kernel_w, &s.pad_top, &s.pad_left, &s.conv_h,
		&s.conv_w, &s.pool_h, &s.pool_w, &s.pool_top, &s.pool_left, &s.out_h, &s.out_w, &s.activation} {
		*to = C.int64_t(v[i])
	}
	if C.slimfit_stem_fault(&s) != nil {
		return nil
	}
	return v
}

// runOwn applies the stem as one operation of ours, nil where there is none.
func (ns *networks) runOwn(i int, s stem, x, kernel tf.Output) (*ownStem, error) {
	isa := slices.Index(ownStems, ns.stemKind)
	if isa < 0 {
		return nil, nil
	}
	o := &ownStem{images: x, geometry: s.geometry(isa)}
	if o.geometry == nil {
		return nil, nil
	}
	if err := registered(); err != nil {
		return nil, err
	}
	for _, net := range s.nets {
		o.filters = append(o.filters, int64(ns.nodes[net][0].Out.C))
	}
	var bias tf.Output
	if s.conv.Bias {
		bias = ns.value(stemName(i, models.Bias))
	} else {
		bias = op.Const(ns.at("no_bias"), make([]float32, s.wide))
	}
	o.op = ns.at("stem").AddOperation(tf.OpSpec{Type: "SlimfitStem", Input: []tf.Input{x, kernel, bias},
		Attrs: map[string]any{"N": int64(len(s.nets)), "geometry": o.geometry, "filters": o.filters}})
	if o.op == nil {
		return nil, plain(ns.root.Err())
	}
	for k := range s.nets {
		y := ns.reshape(o.op.Output(k), -1, int32(o.geometry[14]), int32(o.geometry[15]), int32(o.filters[k]))
		o.outs = append(o.outs, op.StopGradient(ns.at("stem_end"), y))
	}
	return o, nil
}

// gradients of kernel and bias, from those of the outputs.
func (ns *networks) ownGradients(o *ownStem, dy []tf.Output) (kernel, bias tf.Output, err error) {
	var y, winner tf.OutputList
	for k := range o.filters {
		y, winner = append(y, o.op.Output(k)), append(winner, o.op.Output(len(o.filters)+k))
	}
	g := ns.at("stem_gradient").AddOperation(tf.OpSpec{Type: "SlimfitStemGrad", Input: []tf.Input{o.images, y, winner, tf.OutputList(dy)},
		Attrs: map[string]any{"geometry": o.geometry, "filters": o.filters}})
	if g == nil {
		return kernel, bias, plain(ns.root.Err())
	}
	return g.Output(0), g.Output(1), nil
}

// Stem names the kernels of the network's first convolution: own-avx512,
// own-avx2, own-c or stock.
func (p *Pack) Stem(net int) string {
	for i, s := range p.nets.stems {
		if p.nets.own[i] != nil && slices.Contains(s.nets, net) {
			return p.nets.stemKind
		}
	}
	return StockStem
}
