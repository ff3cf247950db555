package models

// How a stack, see Stackable, computes convolutions that read maps of each
// network's own.
const (
	Separate = "separate" // network after network
	Grouped  = "grouped"  // as one convolution in groups
	Patches  = "patches"  // as one product of all networks' patches and kernels
)

// Stackable says whether networks of these nodes, alike but for their seeds, can
// train as one stack: convolutions and pools, then dense layers and dropout,
// without parts that are averaged or rounded.
func Stackable(nodes []Node, r Recipe) bool {
	if r.Quantize == Int8 || r.Teacher != nil || r.ClassWeights != nil || nodes[0].Layer.Kind != Conv {
		return false
	}
	dense := false
	for _, n := range nodes {
		for _, part := range Parts() {
			if part != Kernel && part != Bias && n.Shape(part) != nil {
				return false
			}
		}
		switch n.Layer.Kind {
		case Conv:
			if n.Layer.Stride[0] != n.Layer.Stride[1] { // no depthwise convolution has two
				return false
			}
		case Dense:
			dense = true
		case Dropout:
			if !dense {
				return false
			}
		case MaxPool, AvgPool, GlobalAvgPool:
		default:
			return false
		}
	}
	return dense
}

// Multiplies says whether a stack computes the node, a convolution that reads maps
// of each network's own, as a depthwise one whose multiplier are the filters: it is
// the same of one channel. Its gradient has no deterministic kernel on a GPU.
func (n Node) Multiplies(r Recipe) bool { return n.In.C == 1 && !r.Deterministic }

// StackForms are the forms of a stack's convolutions that differ for the nodes: a
// device is asked which is fastest. "" alone where there is nothing to choose.
func StackForms(nodes []Node, r Recipe) []string {
	for i, n := range nodes {
		if n.Layer.Kind == Conv && (i > 0 || r.Order != Shared) && !n.Multiplies(r) && Stackable(nodes, r) {
			return []string{Separate, Grouped, Patches}
		}
	}
	return []string{""}
}
