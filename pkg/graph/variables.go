package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"

	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// ownVariable is the size from which a param has a variable of its own.
// Smaller ones lie side by side in one flat variable: one optimizer operation
// for all of them costs less than one each, a copy of a large one costs more.
const ownVariable = 16384

// cell is one resource variable and the ones that the optimizer keeps beside
// it. The flat cells hold many params, every other cell one.
type cell struct {
	name   string
	moving bool  // of averages: it has no slots, and no gradient
	params []int // indices, in order
	size   int
	shape  []int64
	value  resource
	slots  []resource // see slots
}

// resource is a variable with the operations that move it to and from Go.
type resource struct {
	handle tf.Output
	read   tf.Output
	feed   tf.Output
	assign *tf.Operation
}

// cells distributes the params over variables.
func cells(params []param) []cell {
	flat := cell{name: "flat"}
	moving := cell{name: "moving", moving: true}
	var own []cell
	for i, p := range params {
		if !p.part.Trained() {
			moving.params = append(moving.params, i)
			moving.size += p.size()
			continue
		}
		if p.size() >= ownVariable {
			own = append(own, cell{name: p.name, params: []int{i}, size: p.size(), shape: p.shape})
			continue
		}
		flat.params = append(flat.params, i)
		flat.size += p.size()
	}
	if flat.size > 0 {
		flat.shape = []int64{int64(flat.size)}
		own = append([]cell{flat}, own...)
	}
	if moving.size > 0 {
		moving.shape = []int64{int64(moving.size)}
		own = append(own, moving)
	}
	return own
}

// variable adds a resource variable. Two of one name in a session would be
// one, hence the name.
func (b builder) variable(name string, dtype tf.DataType, shape []int64) resource {
	s := b.at("var")
	handle := op.VarHandleOp(s.SubScope("handle"), dtype, tf.MakeShape(shape...), op.VarHandleOpSharedName(name))
	feed := op.Placeholder(s.SubScope("feed"), dtype, op.PlaceholderShape(tf.MakeShape(shape...)))
	return resource{
		handle: handle,
		read:   op.ReadVariableOp(s.SubScope("read"), handle, dtype),
		feed:   feed,
		assign: op.AssignVariableOp(s.SubScope("assign"), handle, feed),
	}
}

// build adds the cell's variables and fills values with its params.
func (b builder) build(c *cell, slots int, params []param, values []tf.Output) {
	c.value = b.variable(c.name, tf.Float, c.shape)
	if c.moving {
		slots = 0
	}
	for i := range slots {
		c.slots = append(c.slots, b.variable(fmt.Sprintf("%s/slot%d", c.name, i), tf.Float, c.shape))
	}
	b.cut(*c, c.value.read, params, values)
}

// cut fills values with the params of the cell's variable, or of one beside it.
func (b builder) cut(c cell, read tf.Output, params []param, values []tf.Output) {
	if len(c.params) == 1 && len(c.shape) > 1 {
		values[c.params[0]] = read
		return
	}
	sizes := make([]int32, len(c.params))
	for i, p := range c.params {
		sizes[i] = int32(params[p].size())
	}
	for i, part := range b.split(read, 0, sizes) {
		p := params[c.params[i]]
		if len(p.shape) > 1 {
			part = b.reshape(part, int32s(p.shape)...)
		}
		values[c.params[i]] = part
	}
}

func int32s(v []int64) []int32 {
	out := make([]int32, len(v))
	for i, x := range v {
		out[i] = int32(x)
	}
	return out
}

// set assigns values to the variable.
func (r resource) set(s *tf.Session, t *tf.Tensor) error {
	_, err := s.Run(map[tf.Output]*tf.Tensor{r.feed: t}, nil, []*tf.Operation{r.assign})
	return err
}

// get reads the variable's values.
func (r resource) get(s *tf.Session) ([]float32, error) {
	out, err := s.Run(nil, []tf.Output{r.read}, nil)
	if err != nil {
		return nil, err
	}
	return floats(out[0])
}

// floats copies the values of a float tensor of any shape.
func floats(t *tf.Tensor) ([]float32, error) {
	var buf bytes.Buffer
	if _, err := t.WriteContentsTo(&buf); err != nil {
		return nil, err
	}
	values := make([]float32, buf.Len()/4)
	_, err := binary.Decode(buf.Bytes(), binary.NativeEndian, values)
	return values, err
}
