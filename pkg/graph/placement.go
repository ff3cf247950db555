package graph

// #include <tensorflow/c/c_api.h>
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unsafe"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/kernel_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	"google.golang.org/protobuf/proto"

	"slimfit/models"
)

// Placement says where the operations of a training step run. Soft placement
// moves what has no kernel for a device to the CPU without a word, and with it
// every operation on the same variable: each such move costs copies and a wait.
type Placement struct {
	Operations int      // of a step
	OnCPU      []string // kinds of operations that run on the CPU, sorted, one for each operation
}

// GPUPlacement is where the operations of a step of these networks run on a GPU,
// by the kernels of the library that is loaded: no GPU is needed to ask.
func GPUPlacement(nets []Net, recipe models.Recipe) (p Placement, err error) {
	defer recovered("look where a step runs", &err)
	device := DeviceFor(recipe, 1, true)
	pack, err := unopened(nets, recipe, recipe.Batch, device.form())
	if err != nil {
		return p, fmt.Errorf("look where a step runs: %w", err)
	}
	return pack.Placement()
}

// kernels lists an operation's kernels.
type kernels func(op string) (*kernel_def_go_proto.KernelList, error)

// registeredKernels are those of the library.
func registeredKernels(op string) (*kernel_def_go_proto.KernelList, error) {
	name := C.CString(op)
	defer C.free(unsafe.Pointer(name))
	status := C.TF_NewStatus()
	defer C.TF_DeleteStatus(status)
	b := C.TF_GetRegisteredKernelsForOp(name, status)
	if C.TF_GetCode(status) != C.TF_OK {
		return nil, fmt.Errorf("list the kernels of %s: %s", op, C.GoString(C.TF_Message(status)))
	}
	defer C.TF_DeleteBuffer(b)
	list := &kernel_def_go_proto.KernelList{}
	if err := proto.Unmarshal(C.GoBytes(b.data, C.int(b.length)), list); err != nil {
		return nil, fmt.Errorf("list the kernels of %s: %w", op, err)
	}
	return list, nil
}

// Placement is where the operations of a step run beside a GPU.
func (p *Pack) Placement() (Placement, error) { return p.placement("GPU", registeredKernels) }

// remembered asks once for each kind of operation.
func remembered(of kernels) kernels {
	known := map[string]*kernel_def_go_proto.KernelList{}
	return func(op string) (list *kernel_def_go_proto.KernelList, err error) {
		if list = known[op]; list == nil {
			list, err = of(op)
			known[op] = list
		}
		return list, err
	}
}

// placement looks at every operation that a step runs.
func (p *Pack) placement(device string, of kernels) (Placement, error) {
	of = remembered(of)
	nodes, err := definition(p.graph)
	if err != nil {
		return Placement{}, err
	}
	step := p.stepNodes(nodes)
	onCPU := map[string]bool{}
	for name := range step {
		has, err := hasKernel(nodes[name], device, of)
		if err != nil {
			return Placement{}, err
		}
		if !has {
			onCPU[name] = true
		}
	}
	// The operations on a variable are where it is.
	for again := true; again; {
		again = false
		for name := range step {
			for _, in := range nodes[name].Input {
				from := producer(in)
				if nodes[from].Op == "VarHandleOp" && onCPU[name] != onCPU[from] {
					onCPU[name], onCPU[from], again = true, true, true
				}
			}
		}
	}
	found := Placement{Operations: len(step)}
	for name := range onCPU {
		found.OnCPU = append(found.OnCPU, nodes[name].Op)
	}
	slices.Sort(found.OnCPU)
	return found, nil
}

// definition is the graph's nodes by name.
func definition(g *tf.Graph) (map[string]*node_def_go_proto.NodeDef, error) {
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	def := &graph_go_proto.GraphDef{}
	if err := proto.Unmarshal(b.Bytes(), def); err != nil {
		return nil, fmt.Errorf("read the graph: %w", err)
	}
	nodes := make(map[string]*node_def_go_proto.NodeDef, len(def.Node))
	for _, n := range def.Node {
		nodes[n.Name] = n
	}
	return nodes, nil
}

// producer is the name of the node that an input comes from: name, name:1 or
// ^name.
func producer(input string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(input, "^"), ":")
	return name
}

// stepNodes are the names of what a step runs, without its feeds.
func (p *Pack) stepNodes(nodes map[string]*node_def_go_proto.NodeDef) map[string]bool {
	todo := []string{p.step.losses.Op.Name()}
	for _, t := range p.step.targets {
		todo = append(todo, t.Name())
	}
	step := map[string]bool{}
	for len(todo) > 0 {
		name := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if step[name] || nodes[name].Op == "Placeholder" {
			continue
		}
		step[name] = true
		for _, in := range nodes[name].Input {
			todo = append(todo, producer(in))
		}
	}
	return step
}

// hasKernel says whether the device has a kernel for the node's types.
func hasKernel(n *node_def_go_proto.NodeDef, device string, of kernels) (bool, error) {
	list, err := of(n.Op)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(list.Kernel, func(k *kernel_def_go_proto.KernelDef) bool {
		if k.DeviceType != device && k.DeviceType != "DEFAULT" || k.Label != "" {
			return false
		}
		for _, c := range k.Constraint {
			if a, ok := n.Attr[c.Name]; !ok || !slices.Contains(c.AllowedValues.GetList().GetType(), a.GetType()) {
				return false
			}
		}
		return true
	}), nil
}

// Warning says what runs on the CPU, "" where nothing does.
func (p Placement) Warning() string {
	if len(p.OnCPU) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of the %d operations of a step have no place on the GPU and run on the CPU: %s", len(p.OnCPU), p.Operations,
		p.kinds())
}

// kinds counts the operations on the CPU by kind: 2 Gather, 1 Pack.
func (p Placement) kinds() string {
	count := map[string]int{}
	for _, kind := range p.OnCPU {
		count[kind]++
	}
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[kind], kind))
	}
	return strings.Join(parts, ", ")
}
