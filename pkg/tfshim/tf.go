// Package tensorflow re-exports graft's binding under the path that tfgo
// imports. It holds just what tfgo's root package uses; a name that is missing
// here shows up as a compile error in tfgo.
package tensorflow

import tf "github.com/wamuir/graft/tensorflow"

type (
	DataType       = tf.DataType
	Graph          = tf.Graph
	Output         = tf.Output
	SavedModel     = tf.SavedModel
	Session        = tf.Session
	SessionOptions = tf.SessionOptions
	Tensor         = tf.Tensor
)

const (
	Double  = tf.Double
	Float   = tf.Float
	Half    = tf.Half
	Int8    = tf.Int8
	Int16   = tf.Int16
	Int32   = tf.Int32
	Int64   = tf.Int64
	Uint8   = tf.Uint8
	Uint16  = tf.Uint16
	Qint8   = tf.Qint8
	Qint16  = tf.Qint16
	Qint32  = tf.Qint32
	Quint8  = tf.Quint8
	Quint16 = tf.Quint16
)

// NewGraph returns a new, empty graph.
func NewGraph() *Graph { return tf.NewGraph() }

// NewSession opens a session on the graph.
func NewSession(g *Graph, o *SessionOptions) (*Session, error) { return tf.NewSession(g, o) }

// LoadSavedModel loads a SavedModel folder.
func LoadSavedModel(dir string, tags []string, o *SessionOptions) (*SavedModel, error) {
	return tf.LoadSavedModel(dir, tags, o)
}
