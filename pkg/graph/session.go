package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	tf "github.com/wamuir/graft/tensorflow"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"slimfit/models"
)

// Device says what a session may use.
type Device struct {
	Threads        int     // of the session's own pool, >= 1
	GPU            bool    // use the visible GPU where there is one
	MemoryFraction float64 // of the GPU's memory; 0: grow as needed

	BFloat16 bool // convolutions and matrix products in bfloat16
	// StackForm is how a stack computes convolutions of maps that are each network's
	// own, one of models.StackForms; "": separate.
	StackForm string
	Unroll    int    // steps that one Session.Run can train, see Pack.Steps; below 2: one
	Stem      string // kernels of the networks' first convolutions, see WithStem; "": TensorFlow's
	Optimize  bool   // TensorFlow's graph optimizer, as other programs have it: for inference alone
}

// DeviceFor returns the session settings of a recipe.
func DeviceFor(r models.Recipe, threads int, gpu bool) Device {
	d := Device{Threads: threads, GPU: gpu, BFloat16: r.Precision == models.BFloat16}
	d.Stem, _ = d.stem("") // fails for names alone
	return d
}

// casts says whether bfloat16 is written into the graph. On the CPU oneDNN's
// rewriter does it; the one for GPUs knows float16 alone.
func (d Device) casts() bool { return d.GPU && d.BFloat16 }

// config encodes TensorFlow's ConfigProto. One thread on the CPU gets the
// single-threaded executor: it costs less a step and fixes the order of
// operations. It can do neither graphs that are cut between devices nor GPUs
// (core/common_runtime/single_threaded_executor.h), where it would wait forever.
func (d Device) config() ([]byte, error) {
	threads := int32(max(d.Threads, 1))
	c := &corepb.ConfigProto{
		IntraOpParallelismThreads: threads,
		InterOpParallelismThreads: 1,
		UsePerSessionThreads:      true,
		AllowSoftPlacement:        true,
		GpuOptions:                &corepb.GPUOptions{AllowGrowth: true, PerProcessGpuMemoryFraction: d.MemoryFraction},
		GraphOptions:              &corepb.GraphOptions{RewriteOptions: d.rewrites()},
		Experimental:              &corepb.ConfigProto_Experimental{},
	}
	if !d.GPU {
		c.DeviceCount = map[string]int32{"GPU": 0}
		if threads == 1 {
			c.Experimental.ExecutorType = "SINGLE_THREADED_EXECUTOR"
		}
	}
	b, err := proto.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode the TensorFlow session settings: %w", err)
	}
	return b, nil
}

// rewrites switches the graph optimizer off: what it folds and fuses depends on
// the whole graph, so a network's last bits would depend on its partners in a
// pack, and it makes these graphs no faster. bfloat16 is one of its passes.
func (d Device) rewrites() *corepb.RewriterConfig {
	if d.Optimize {
		return nil
	}
	if !d.BFloat16 || d.GPU {
		return &corepb.RewriterConfig{DisableMetaOptimizer: true}
	}
	off := corepb.RewriterConfig_OFF
	return &corepb.RewriterConfig{
		AutoMixedPrecisionOnednnBfloat16: corepb.RewriterConfig_ON,
		LayoutOptimizer:                  off, ConstantFolding: off, ShapeOptimization: off, Remapping: off,
		ArithmeticOptimization: off, DependencyOptimization: off, LoopOptimization: off, FunctionOptimization: off,
		CommonSubgraphElimination: off, ImplementationSelector: off, DisableModelPruning: true,
		MemoryOptimization: corepb.RewriterConfig_NO_MEM_OPT,
	}
}

func newSession(g *tf.Graph, d Device) (*tf.Session, error) {
	c, err := d.config()
	if err != nil {
		return nil, err
	}
	s, err := tf.NewSession(g, &tf.SessionOptions{Config: c})
	if err != nil {
		return nil, fmt.Errorf("open a TensorFlow session: %w", plain(err))
	}
	return s, nil
}

// Devices lists what TensorFlow sees in this process, such as CPU:0. The first
// session of a process that uses the GPU decides on the share of its memory for
// all of them, so d has that share already.
func Devices(d Device) ([]tf.Device, error) {
	s, err := newSession(tf.NewGraph(), d)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.ListDevices()
}

// Version is the TensorFlow library's version.
func Version() string { return tf.Version() }

// recovered turns a panic of the bindings (graft and tfgo have several) into
// *err. It is deferred where they are called.
func recovered(act string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: TensorFlow binding: %v", act, p)
	}
}

// plain cuts the Go stack trace that graft appends to a graph error.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text, _, cut := strings.Cut(err.Error(), " (Stacktrace:")
	if !cut {
		return err
	}
	return fmt.Errorf("%s", text)
}

// floatTensor copies values into a tensor of the shape.
func floatTensor(values []float32, shape ...int64) (*tf.Tensor, error) {
	if len(shape) == 1 {
		return tf.NewTensor(values)
	}
	b := make([]byte, 4*len(values))
	if _, err := binary.Encode(b, binary.NativeEndian, values); err != nil {
		return nil, err
	}
	return tf.ReadTensor(tf.Float, shape, bytes.NewReader(b))
}
