// Package ccode writes a network as freestanding C99: one function that takes an
// image's pixels and returns its class, without a runtime, without malloc and, in
// int8, without floating point. It is for devices with kilobytes, where a
// TensorFlow Lite runtime is larger than the network.
//
// # From a file to C
//
//  1. tflite.Model.Lower gives the ops as stages of plain integers.
//  2. fuse joins what need not be stored apart: a convolution, the function of
//     one value after it and the max pool after that are one step, so that the
//     full feature map never exists.
//  3. plan lays the steps' results into one static arena.
//  4. Generate writes the C, a function a step, all sizes as literals.
//
// The scores have the same bits as those of TensorFlow Lite's reference kernels
// for the model's Kernels (LiteRT's or TensorFlow Lite Micro's).
package ccode

import (
	"fmt"
	"regexp"

	"slimfit/pkg/tflite"
)

// Options says how the C is written.
type Options struct {
	Name    string   // C identifier that all external names begin with
	Classes []string // names of the classes, in order; may be empty
	About   string   // a sentence for the comment at the top
	Golden  []uint8  // pixels of images for the self-test, n*h*w*c
}

// Source is a network in C.
type Source struct {
	C, H       []byte
	ArenaBytes int // static memory for activations, besides the pixels and the stack
	FlashBytes int // constants of the network: weights, biases, scales and tables
	Work       Work
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// Generate writes the network of a model, in int8 or float32. It returns an
// error for a name that is no C identifier, for golden pixels
// that are no whole images, and for ops or ranges that the C form lacks.
func Generate(m *tflite.Model, o Options) (Source, error) {
	if !identifier.MatchString(o.Name) {
		return Source{}, fmt.Errorf("write C code: %q is no C identifier: use letters, digits and _, not a digit first", o.Name)
	}
	if n := len(o.Classes); n > 0 && n != m.Classes() {
		return Source{}, fmt.Errorf("write C code: %d names for %d classes", n, m.Classes())
	}
	steps, err := fuse(m)
	if err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	n := &network{Options: o, Input: m.InputShape(), Outputs: m.Classes(), Steps: steps, model: m, plan: plan(steps)}
	n.Images, n.ArenaBytes = len(o.Golden)/n.Input.Elements(), n.plan.bytes
	if err := n.golden(); err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	if n.Real() {
		n.ArenaBytes *= 4
	}
	out := Source{ArenaBytes: n.ArenaBytes}
	for i := range steps {
		flash, err := steps[i].prepare()
		if err != nil {
			return Source{}, fmt.Errorf("write C code: %w", err)
		}
		out.FlashBytes += flash
	}
	out.Work = n.work()
	if out.C, err = n.write("c"); err == nil {
		out.H, err = n.write("h")
	}
	if err != nil {
		return Source{}, fmt.Errorf("write C code: %w", err)
	}
	return out, nil
}
