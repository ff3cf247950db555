// Package op re-exports the graft operations that tfgo's root package calls.
package op

import (
	tf "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

type (
	Scope    = op.Scope
	CastAttr = op.CastAttr
)

// NewScope returns a scope on a new, empty graph.
func NewScope() *Scope { return op.NewScope() }

func Abs(s *Scope, x tf.Output) tf.Output                     { return op.Abs(s, x) }
func Add(s *Scope, x, y tf.Output) tf.Output                  { return op.Add(s, x, y) }
func ConcatV2(s *Scope, v []tf.Output, a tf.Output) tf.Output { return op.ConcatV2(s, v, a) }
func Const(s *Scope, value any) tf.Output                     { return op.Const(s, value) }
func ExpandDims(s *Scope, x, dim tf.Output) tf.Output         { return op.ExpandDims(s, x, dim) }
func Identity(s *Scope, x tf.Output) tf.Output                { return op.Identity(s, x) }
func LessEqual(s *Scope, x, y tf.Output) tf.Output            { return op.LessEqual(s, x, y) }
func Maximum(s *Scope, x, y tf.Output) tf.Output              { return op.Maximum(s, x, y) }
func Mul(s *Scope, x, y tf.Output) tf.Output                  { return op.Mul(s, x, y) }
func Pow(s *Scope, x, y tf.Output) tf.Output                  { return op.Pow(s, x, y) }
func Sub(s *Scope, x, y tf.Output) tf.Output                  { return op.Sub(s, x, y) }

// Cast converts x to the data type.
func Cast(s *Scope, x tf.Output, t tf.DataType, attr ...CastAttr) tf.Output {
	return op.Cast(s, x, t, attr...)
}

// MatMul multiplies two matrices.
func MatMul(s *Scope, a, b tf.Output, attr ...op.MatMulAttr) tf.Output {
	return op.MatMul(s, a, b, attr...)
}
