package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"slimfit/pkg/exit"
	"slimfit/pkg/export"
	"slimfit/pkg/footprint"
	"slimfit/pkg/machine"
	"slimfit/pkg/text"
)

// litePython times TensorFlow Lite files, one image after the other: its
// arguments are the number of images and the files, its output is JSON.
const litePython = `
import json, sys, time
import numpy as np
try:
    from ai_edge_litert import interpreter as lite
    from importlib.metadata import version
    name = "ai-edge-litert " + version("ai-edge-litert")
except ImportError:
    try:
        from tflite_runtime import interpreter as lite, __version__
        name = "tflite-runtime " + __version__
    except ImportError:
        import tensorflow as tf
        lite, name = tf.lite, "TensorFlow Lite of tensorflow " + tf.__version__
times = []
for file in sys.argv[2:]:
    net = lite.Interpreter(model_path=file, num_threads=1)
    net.allocate_tensors()
    entry, out = net.get_input_details()[0], net.get_output_details()[0]["index"]
    noise = np.random.default_rng(1).random(entry["shape"])
    image = (noise * 256 - 128).astype(np.int8) if entry["dtype"] == np.int8 else noise.astype(np.float32)
    taken = []
    for i in range(20 + int(sys.argv[1])):
        start = time.perf_counter()
        net.set_tensor(entry["index"], image)
        net.invoke()
        net.get_tensor(out)
        taken.append(time.perf_counter() - start)
    taken = sorted(taken[20:])
    times.append({"median": taken[(len(taken) - 1) // 2], "p95": taken[(len(taken) * 95 - 1) // 100], "images": len(taken)})
print(json.dumps({"runtime": name, "times": times}))
`

// measureByPython times the TensorFlow Lite files where --python names one that
// has a runtime.
func (l *Lab) measureByPython(ctx context.Context, files map[export.Format][]byte, m *footprint.Measured) error {
	python := l.Python
	if python == "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "slimfit-lite-")
	if err != nil {
		return exit.Failed(err)
	}
	defer os.RemoveAll(dir)
	args := []string{"-c", litePython, strconv.Itoa(latencyImages)}
	var into []**footprint.Latency
	for _, f := range []struct {
		format export.Format
		to     **footprint.Latency
	}{{export.TFLite, &m.LiteFloat}, {export.TFLiteInt8, &m.LiteInt8}} {
		b, ok := files[f.format]
		if !ok {
			continue
		}
		file := filepath.Join(dir, f.format.Path())
		if err := os.WriteFile(file, b, 0o666); err != nil {
			return exit.Failed(err)
		}
		args, into = append(args, file), append(into, f.to)
	}
	if len(into) == 0 {
		return nil
	}
	out, err := exec.CommandContext(ctx, python, args...).Output()
	if err != nil {
		return exit.Failed(fmt.Errorf("time the files by --python %s: %w%s", python, err, lastLine(err)))
	}
	var said struct {
		Runtime string              `json:"runtime"`
		Times   []footprint.Latency `json:"times"`
	}
	if err := json.Unmarshal(out, &said); err != nil || len(said.Times) != len(into) {
		return exit.Failed(fmt.Errorf("time the files by --python %s: it said %.200q", python, out))
	}
	for i, to := range into {
		l := said.Times[i]
		l.On = fmt.Sprintf("%s, 1 thread, %s", said.Runtime, text.OrUnknown(machine.Read().CPU))
		*to = &l
	}
	return nil
}

// lastLine is the end of what a failed program wrote to its stderr.
func lastLine(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(exit.Stderr)), "\n")
	return ": " + lines[len(lines)-1]
}
