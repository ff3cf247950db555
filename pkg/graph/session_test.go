package graph

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/kernel_def_go_proto"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"slimfit/models"
)

// What TensorFlow is told, for every combination of settings.
func TestSessionSettings(t *testing.T) {
	for _, threads := range []int{0, 1, 4} {
		for _, gpu := range []bool{false, true} {
			for _, bf16 := range []bool{false, true} {
				for _, optimize := range []bool{false, true} {
					d := Device{Threads: threads, GPU: gpu, BFloat16: bf16, Optimize: optimize, MemoryFraction: 0.25}
					b, err := d.config()
					if err != nil {
						t.Fatal(err)
					}
					c := &corepb.ConfigProto{}
					if err := proto.Unmarshal(b, c); err != nil {
						t.Fatal(err)
					}
					single := c.GetExperimental().GetExecutorType() == "SINGLE_THREADED_EXECUTOR"
					if want := !gpu && threads < 2; single != want {
						t.Errorf("%+v: single-threaded executor %v", d, single)
					}
					n, limited := c.DeviceCount["GPU"]
					if limited == gpu || n != 0 {
						t.Errorf("%+v: device count %v", d, c.DeviceCount)
					}
					if g := c.GpuOptions; !g.AllowGrowth || g.PerProcessGpuMemoryFraction != 0.25 {
						t.Errorf("%+v: GPU options %v", d, g)
					}
					if int(c.IntraOpParallelismThreads) != max(1, threads) || !c.UsePerSessionThreads || !c.AllowSoftPlacement {
						t.Errorf("%+v: %v", d, c)
					}
					r := c.GraphOptions.RewriteOptions
					rewriter := r.GetAutoMixedPrecisionOnednnBfloat16() == corepb.RewriterConfig_ON
					if rewriter != (bf16 && !gpu && !optimize) || r.GetDisableMetaOptimizer() != (!optimize && !rewriter) {
						t.Errorf("%+v: rewriter %v", d, r)
					}
					if d.casts() != (gpu && bf16) {
						t.Errorf("%+v: casts %v", d, d.casts())
					}
				}
			}
		}
	}
}

// bfloat16 by casts computes what float32 computes, but for the digits that are
// gone: a GPU's form, on the CPU.
func TestCastsTrain(t *testing.T) {
	r := testRecipe()
	nets := []Net{cellNet(5, 4, 2, 64, 3)}
	images := fakeImages(testImages, nets[0].Spec.Input, 10)
	var all [2][]float64
	for i, casts := range []bool{false, true} {
		p, err := unopened(nets, r, testImages, form{casts: casts})
		if err != nil {
			t.Fatal(err)
		}
		if p.session, err = newSession(p.graph, Device{Threads: 1}); err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		if err := p.load(images); err != nil {
			t.Fatal(err)
		}
		if err := p.reset(0); err != nil {
			t.Fatal(err)
		}
		all[i] = steps(t, p, 5)
	}
	for i, l := range all[0] {
		if c := all[1][i]; c == l || c < 0.9*l || c > 1.1*l {
			t.Errorf("step %d: loss %v with casts, %v without", i, c, l)
		}
	}
}

// steps trains a pack, as many steps at a time as its graph has, and returns the
// losses.
func steps(t *testing.T, p *Pack, n int) []float64 {
	t.Helper()
	return stepsFrom(t, p, n, 0)
}

// stepsFrom does so with batches that begin so many images later for each number of
// an order's seed.
func stepsFrom(t *testing.T, p *Pack, n, later int) []float64 {
	t.Helper()
	var losses []float64
	for step := 0; step < n; step += p.Unroll() {
		batches, now := make([][]int32, p.Unroll()), make([][]float64, p.Unroll())
		for k := range batches {
			now[k] = make([]float64, len(p.nets.nodes))
			for _, seed := range p.Orders() {
				for i := range p.recipe.Batch {
					batches[k] = append(batches[k], int32(((step+k)*p.recipe.Batch+i+later*int(seed))%testImages))
				}
			}
		}
		var err error
		if len(batches) > 1 {
			err = p.Steps(step, batches, now)
		} else {
			err = p.Step(step, batches[0], now[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, slices.Concat(now...)...)
	}
	return losses
}

// A graph that is cut between two devices trains, with the settings that a GPU
// gets, and as it does on one device. The devices are two CPUs; the graph
// optimizer, which would join them, is off.
func TestTwoDevices(t *testing.T) {
	r := testRecipe()
	nets := []Net{cellNet(5, 4, 2, 64, 3), cellNet(5, 2, 2, 128, 3)}
	images := fakeImages(testImages, nets[0].Spec.Input, 10)
	train := func(place bool) ([]float64, State) {
		p, err := unopened(nets, r, testImages, form{})
		if err != nil {
			t.Fatal(err)
		}
		if place {
			cutInTwo(t, p)
		}
		p.session = twoCPUs(t, p.graph)
		defer p.Close()
		if err := p.load(images); err != nil {
			t.Fatal(err)
		}
		for i := range nets {
			if err := p.reset(i); err != nil {
				t.Fatal(err)
			}
		}
		losses := steps(t, p, 6)
		st, err := p.State(1)
		if err != nil {
			t.Fatal(err)
		}
		return losses, st
	}
	want, wantState := train(false)
	type outcome struct {
		losses []float64
		state  State
	}
	done := make(chan outcome, 1)
	go func() { l, st := train(true); done <- outcome{l, st} }()
	select {
	case got := <-done:
		if !slices.Equal(got.losses, want) || !sameState(got.state, wantState) {
			t.Errorf("losses on two devices %v, on one %v", got.losses, want)
		}
	case <-time.After(time.Minute):
		t.Fatal("training on two devices hangs")
	}
}

// twoCPUs opens a session with the settings of a GPU's, on two CPU devices.
func twoCPUs(t *testing.T, g *tf.Graph) *tf.Session {
	t.Helper()
	b, err := Device{Threads: 1, GPU: true}.config()
	if err != nil {
		t.Fatal(err)
	}
	c := &corepb.ConfigProto{}
	if err := proto.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	c.DeviceCount = map[string]int32{"CPU": 2, "GPU": 0}
	if b, err = proto.Marshal(c); err != nil {
		t.Fatal(err)
	}
	s, err := tf.NewSession(g, &tf.SessionOptions{Config: b})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// cutInTwo puts every second operation of the pack's graph that touches no
// variable on the second CPU.
func cutInTwo(t *testing.T, p *Pack) {
	t.Helper()
	var b bytes.Buffer
	if _, err := p.graph.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	def := &graph_go_proto.GraphDef{}
	if err := proto.Unmarshal(b.Bytes(), def); err != nil {
		t.Fatal(err)
	}
	handles := map[string]bool{}
	for _, n := range def.Node {
		handles[n.Name] = n.Op == "VarHandleOp"
	}
	cut := 0
	for i, n := range def.Node {
		n.Device = "/device:CPU:0"
		if i%2 == 1 && !handles[n.Name] && !slices.ContainsFunc(n.Input, func(in string) bool { return handles[producer(in)] }) {
			n.Device, cut = "/device:CPU:1", cut+1
		}
	}
	if cut < 50 {
		t.Fatalf("only %d operations on the second device", cut)
	}
	placed, err := proto.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	g := tf.NewGraph()
	if err := g.Import(placed, ""); err != nil {
		t.Fatal(err)
	}
	p.graph = g
	move := func(o *tf.Output) {
		if o.Op != nil {
			o.Op = g.Operation(o.Op.Name())
		}
	}
	for _, o := range []*tf.Output{&p.step.batch, &p.step.step, &p.step.rate, &p.step.decay, &p.step.losses} {
		move(o)
	}
	for i, target := range p.step.targets {
		p.step.targets[i] = g.Operation(target.Name())
	}
	resources := []*resource{&p.images, &p.labels}
	for i := range p.cells {
		resources = append(resources, &p.cells[i].value)
		for k := range p.cells[i].slots {
			resources = append(resources, &p.cells[i].slots[k])
		}
	}
	for _, r := range resources {
		move(&r.handle)
		move(&r.read)
		move(&r.feed)
		r.assign = g.Operation(r.assign.Name())
	}
}

// Every operation of a step has a kernel for the CPU. Of a device that lacks one
// for an operation on a variable, the variable and all that works on it go.
func TestPlacement(t *testing.T) {
	p, err := unopened([]Net{cellNet(5, 4, 2, 64, 3)}, testRecipe(), testImages, form{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.placement("CPU", registeredKernels)
	if err != nil || len(all.OnCPU) > 0 || all.Operations < 40 {
		t.Errorf("on the CPU: %+v, %v", all, err)
	}
	without := func(missing string) func(string) (*kernel_def_go_proto.KernelList, error) {
		return func(op string) (*kernel_def_go_proto.KernelList, error) {
			list := &kernel_def_go_proto.KernelList{}
			if op != missing {
				list.Kernel = append(list.Kernel, &kernel_def_go_proto.KernelDef{Op: op, DeviceType: "GPU"})
			}
			return list, nil
		}
	}
	for missing, want := range map[string]string{
		"":                  "",
		"BiasAdd":           "3 BiasAdd",
		"ResourceApplyAdam": fmt.Sprintf("%d ReadVariableOp, %d ResourceApplyAdam, %d VarHandleOp", len(p.cells), len(p.cells), 3*len(p.cells)),
	} {
		got, err := p.placement("GPU", without(missing))
		if err != nil || got.kinds() != want {
			t.Errorf("without %s: %q, want %q, %v", missing, got.kinds(), want, err)
		}
	}
}

// What a step would do on a GPU is asked of the library; a CPU build has no
// kernels for one at all.
func TestGPUPlacement(t *testing.T) {
	list, err := registeredKernels("Conv2D")
	if err != nil {
		t.Fatal(err)
	}
	gpu := slices.ContainsFunc(list.Kernel, func(k *kernel_def_go_proto.KernelDef) bool { return k.DeviceType == "GPU" })
	for _, precision := range []string{models.Float32, models.BFloat16} {
		for members := 1; members < 4; members++ {
			r := testRecipe()
			r.Precision = precision
			var nets []Net
			for seed := range members {
				nets = append(nets, cellNet(5, 4, 2, 64, int64(seed)))
			}
			p, err := GPUPlacement(nets, r)
			if err != nil || p.Operations < 40 {
				t.Fatalf("%+v, %v", p, err)
			}
			if gpu && len(p.OnCPU) > 0 {
				t.Errorf("%s, %d members: on the CPU: %s", precision, members, p.kinds())
			}
			if conv := map[bool]string{true: "Conv2D", false: "DepthwiseConv2dNative"}[members == 1]; !gpu && !slices.Contains(p.OnCPU, conv) {
				t.Errorf("a CPU build has a GPU kernel for %s: %s", conv, p.kinds())
			}
		}
	}
}
