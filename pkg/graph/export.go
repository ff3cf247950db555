package graph

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	tg "github.com/galeone/tfgo"
	tf "github.com/wamuir/graft/tensorflow"
	frameworkpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	corepb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"github.com/wamuir/graft/tensorflow/op"
	"google.golang.org/protobuf/proto"

	"slimfit/models"
)

// Names of an exported graph's nodes and of its signature's tensors.
const (
	ImagesName        = "images"        // float32 [n, h, w, c], pixels in [0, 1]
	LogitsName        = "logits"        // float32 [n, classes]
	ProbabilitiesName = "probabilities" // float32 [n, classes], softmax of the logits
	ClassName         = "class"         // int64 [n], the largest logit
)

// Frozen returns a GraphDef, encoded, of the network for inference: weights as
// constants, no dropout, no optimizer, any number of images at once.
func Frozen(spec models.Spec, w models.Weights) (def []byte, err error) {
	defer recovered("export the graph", &err)
	spec, w, err = w.Fold(spec)
	if err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	arrays, err := w.Arrays(spec)
	if err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	ns, err := plan([]Net{{Spec: spec}})
	if err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	ns.builder = newBuilder()
	ns.values = make([]tf.Output, len(ns.params))
	for i, p := range ns.params { // of one network: as many as arrays
		k := slices.IndexFunc(arrays, func(a models.Array) bool { return a.Node == p.owners[0].node && a.Part == p.part })
		t, err := floatTensor(arrays[k].Values, p.shape...)
		if err != nil {
			return nil, fmt.Errorf("export %s: %w", arrays[k].Name(), err)
		}
		ns.values[i] = tg.Const(ns.at(arrays[k].Name()), t)
	}
	in := spec.Input
	images := op.Placeholder(named(ns.root, ImagesName), tf.Float, op.PlaceholderShape(tf.MakeShape(-1, int64(in.H), int64(in.W),
		int64(in.C))))
	outs, err := ns.forward(images, nil)
	if err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	logits := op.Identity(named(ns.root, LogitsName), outs[0])
	op.Softmax(named(ns.root, ProbabilitiesName), logits)
	op.ArgMax(named(ns.root, ClassName), logits, ns.int("axis", 1))
	g, err := ns.root.Finalize()
	if err != nil {
		return nil, fmt.Errorf("export the graph: %w", plain(err))
	}
	var b bytes.Buffer
	if _, err := g.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	return rename(b.Bytes())
}

// named is a scope whose one operation is found again by name: its node is
// called name/<type>, which rename shortens to name.
func named(root *op.Scope, name string) *op.Scope { return root.SubScope(name) }

// rename gives the signature's nodes their own names: graft can only put an
// operation below a scope.
func rename(def []byte) ([]byte, error) {
	var g frameworkpb.GraphDef
	if err := proto.Unmarshal(def, &g); err != nil {
		return nil, fmt.Errorf("export the graph: %w", err)
	}
	names := map[string]string{
		ImagesName + "/Placeholder": ImagesName, LogitsName + "/Identity": LogitsName,
		ProbabilitiesName + "/Softmax": ProbabilitiesName, ClassName + "/ArgMax": ClassName,
	}
	for _, n := range g.Node {
		if to, ok := names[n.Name]; ok {
			n.Name = to
		}
		for i, in := range n.Input {
			if to, ok := names[in]; ok {
				n.Input[i] = to
			}
		}
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&g)
}

// SavedModel returns the content of a saved_model.pb with the serving
// signature: images -> logits, probabilities, class. Weights are constants, so
// the folder needs no variables.
func SavedModel(spec models.Spec, w models.Weights) ([]byte, error) {
	def, err := Frozen(spec, w)
	if err != nil {
		return nil, err
	}
	var g frameworkpb.GraphDef
	if err := proto.Unmarshal(def, &g); err != nil {
		return nil, fmt.Errorf("export the SavedModel: %w", err)
	}
	in, classes := spec.Input, int64(spec.Classes)
	signature := &corepb.SignatureDef{
		//lint:ignore SA1019 TensorFlow Serving before 2.4 refuses a signature without it.
		MethodName: "tensorflow/serving/predict",
		Inputs: map[string]*corepb.TensorInfo{
			ImagesName: info(ImagesName, typespb.DataType_DT_FLOAT, -1, int64(in.H), int64(in.W), int64(in.C))},
		Outputs: map[string]*corepb.TensorInfo{
			LogitsName:        info(LogitsName, typespb.DataType_DT_FLOAT, -1, classes),
			ProbabilitiesName: info(ProbabilitiesName, typespb.DataType_DT_FLOAT, -1, classes),
			ClassName:         info(ClassName, typespb.DataType_DT_INT64, -1),
		},
	}
	m := &corepb.SavedModel{SavedModelSchemaVersion: 1, MetaGraphs: []*corepb.MetaGraphDef{{
		MetaInfoDef: &corepb.MetaGraphDef_MetaInfoDef{Tags: []string{ServeTag}, TensorflowVersion: tf.Version()},
		GraphDef:    &g, SignatureDef: map[string]*corepb.SignatureDef{"serving_default": signature},
	}}}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("export the SavedModel: %w", err)
	}
	return b, nil
}

// ServeTag is the tag of the SavedModel's only graph.
const ServeTag = "serve"

func info(name string, dtype typespb.DataType, dims ...int64) *corepb.TensorInfo {
	shape := &tensorpb.TensorShapeProto{}
	for _, d := range dims {
		shape.Dim = append(shape.Dim, &tensorpb.TensorShapeProto_Dim{Size: d})
	}
	return &corepb.TensorInfo{Encoding: &corepb.TensorInfo_Name{Name: name + ":0"}, Dtype: dtype, TensorShape: shape}
}

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
