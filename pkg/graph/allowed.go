package graph

import (
	"fmt"
	"slices"
	"strings"

	frameworkpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// Operations are the types of operations that Frozen and SavedModel write, in
// alphabetical order; a test holds the list to what they build. None of them
// reads or writes a file, keeps state or calls a function.
func Operations() []string {
	return []string{"AddV2", "ArgMax", "AvgPool", "BiasAdd", "Const", "Conv2D", "DepthwiseConv2dNative", "Elu", "Identity", "LeakyRelu",
		"MatMul", "MaxPool", "Mul", "Neg", "Pad", "Placeholder", "Relu", "Relu6", "Reshape", "Sigmoid", "Slice", "Softmax", "Tanh"}
}

// ownGraph is the graph in the content of a saved_model.pb, vetted.
func ownGraph(b []byte) ([]byte, error) {
	var saved corepb.SavedModel
	if err := proto.Unmarshal(b, &saved); err != nil {
		return nil, fmt.Errorf("it is no SavedModel: %w", err)
	}
	for _, m := range saved.MetaGraphs {
		if slices.Contains(m.GetMetaInfoDef().GetTags(), ServeTag) {
			def, err := proto.Marshal(m.GraphDef)
			if err != nil {
				return nil, err
			}
			return def, vet(def)
		}
	}
	return nil, fmt.Errorf("it has no graph for %q", ServeTag)
}

// vet refuses a graph with anything in it that this package does not write:
// TensorFlow has operations that write files, and whoever made the graph chose
// them.
func vet(def []byte) error {
	var g frameworkpb.GraphDef
	if err := proto.Unmarshal(def, &g); err != nil {
		return fmt.Errorf("it is no graph: %w", err)
	}
	foreign := map[string]bool{}
	for _, n := range g.Node {
		if _, ok := slices.BinarySearch(Operations(), n.Op); !ok {
			foreign[n.Op] = true
		}
		elements := 1
		for _, d := range n.Attr["value"].GetTensor().GetTensorShape().GetDim() { // a number may stand for all elements
			if elements *= int(min(max(1, d.Size), 1<<31)); elements > len(def) {
				return fmt.Errorf("its constant %.60q is larger than its file", n.Name)
			}
		}
	}
	if len(g.GetLibrary().GetFunction()) > 0 {
		foreign["functions"] = true
	}
	if len(foreign) == 0 {
		return nil
	}
	var names []string
	for name := range foreign {
		names = append(names, fmt.Sprintf("%.60q", name))
	}
	slices.Sort(names)
	return fmt.Errorf("it has operations that slimfit does not write, and they could do anything: %s; --trust runs it all the same",
		strings.Join(names[:min(8, len(names))], ", "))
}
