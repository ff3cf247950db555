package export

import (
	"fmt"
	"strings"
)

// loading shows how to load each file, in Python and in Go.
func (c *Card) loading(p *page) {
	p.line("\n## Loading it")
	for _, f := range c.Files {
		for _, s := range c.snippets(f.Format) {
			p.line("\n%s, %s:\n", f.Path, s.title)
			p.line("```%s\n%s\n```", s.language, strings.TrimSpace(s.code))
		}
	}
}

type snippet struct{ title, language, code string }

// snippets are programs of about five lines. In the Python ones, pixels is an
// array of uint8, [n, h, w, c].
func (c *Card) snippets(f Format) []snippet {
	in, classes := c.Dataset.Input, c.Dataset.Classes
	shape := fmt.Sprintf("%d, %d, %d", in.H, in.W, in.C)
	pixels := fmt.Sprintf("[]uint8, n*%d*%d*%d values", in.H, in.W, in.C)
	switch f {
	case SavedModel:
		return []snippet{{"Python", "python", `
import tensorflow as tf
net = tf.saved_model.load("savedmodel")  # keep it: the signature lives as long as it does
images = tf.constant(pixels / 255.0, tf.float32)  # pixels: uint8, [n, ` + shape + `]
out = net.signatures["serving_default"](images=images)
print(out["class"].numpy(), out["probabilities"].numpy())`},
			{"Go", "go", `
net := tfgo.LoadModel("savedmodel", []string{"serve"}, nil) // github.com/galeone/tfgo
images, err := tf.NewTensor(pixels)                         // [][` + strings.Join([]string{fmt.Sprint(in.H), fmt.Sprint(in.W), fmt.Sprint(in.C)}, "][") + `]float32 in [0, 1]
out := net.Exec([]tf.Output{net.Op("class", 0), net.Op("probabilities", 0)},
	map[tf.Output]*tf.Tensor{net.Op("images", 0): images})
fmt.Println(err, out[0].Value(), out[1].Value())`}}
	case Frozen:
		return []snippet{{"Python", "python", `
import tensorflow as tf
graph = tf.compat.v1.GraphDef.FromString(open("frozen.pb", "rb").read())
net = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
run = net.prune("images:0", ["class:0", "probabilities:0"])
print(run(tf.constant(pixels / 255.0, tf.float32)))  # pixels: uint8, [n, ` + shape + `]`},
			{"Go", "go", `
net := tfgo.ImportModel("frozen.pb", "", nil) // github.com/galeone/tfgo
images, err := tf.NewTensor(pixels)           // [][` + strings.Join([]string{fmt.Sprint(in.H), fmt.Sprint(in.W), fmt.Sprint(in.C)}, "][") + `]float32 in [0, 1]
out := net.Exec([]tf.Output{net.Op("class", 0)}, map[tf.Output]*tf.Tensor{net.Op("images", 0): images})
fmt.Println(err, out[0].Value())`}}
	case TFLite, TFLiteInt8:
		input := "(pixels[:1] / 255).astype(np.float32)"
		if f == TFLiteInt8 {
			input = "(pixels[:1].astype(np.int16) - 128).astype(np.int8)"
		}
		return []snippet{{"Python", "python", `
import numpy as np
from ai_edge_litert.interpreter import Interpreter  # or tf.lite.Interpreter
net = Interpreter("` + f.Path() + `"); net.allocate_tensors()
net.set_tensor(net.get_input_details()[0]["index"], ` + input + `)  # pixels: uint8, [n, ` + shape + `]
net.invoke(); print(net.get_tensor(net.get_output_details()[0]["index"]).argmax())`},
			{"Go", "go", `
file, err := os.ReadFile("` + f.Path() + `")
net, err := tflite.Load(file)  // in a checkout of slimfit: package slimfit/pkg/tflite
out, err := net.Run(pixels, 1) // ` + pixels + `
fmt.Println(out.Class(0), out.Probabilities[:` + fmt.Sprint(classes) + `], err)`}}
	case CCode:
		return []snippet{{"C", "c", `
#include "` + CName + `.h" // compile ` + CName + `.c with it; ` + CName + `_selftest() is 0 where the compiler is right
static uint8_t pixels[` + strings.ToUpper(CName) + `_PIXELS]; // ` + shape + `: rows, columns, channels
static int8_t scores[` + strings.ToUpper(CName) + `_CLASSES];
int class = ` + CName + `_classify(pixels, scores);`}}
	case CArray:
		return []snippet{{"TensorFlow Lite Micro", "cpp", `
extern "C" const unsigned char ` + CName + `[];
alignas(16) static uint8_t arena[` + fmt.Sprint(c.Measured.Arena) + ` + 8192]; // ` + fmt.Sprint(c.Measured.Arena) + ` for activations, the rest a guess: read arena_used_bytes()
static tflite::MicroMutableOpResolver<` + fmt.Sprint(len(c.Operators)) + `> ops; // ` + strings.Join(c.Operators, ", ") + `
static tflite::MicroInterpreter net(tflite::GetModel(` + CName + `), ops, arena, sizeof(arena));
net.AllocateTensors(); // fill net.input(0)->data.int8 with pixel - 128, net.Invoke(), read net.output(0)->data.int8`}}
	}
	return []snippet{{"Python", "python", `
import numpy as np
weights = np.load("weights.npz")
for name in weights.files:
    print(name, weights[name].shape)  # TensorFlow's layouts: conv [h, w, in, out], dense [in, out]`},
		{"Go", "go", `
file, err := os.ReadFile("weights.npz")
weights, err := tflite.ReadNPZ(file, spec) // in a checkout of slimfit: package slimfit/pkg/tflite; spec: the layers in export.json
fmt.Println(len(weights), err)`}}
}
