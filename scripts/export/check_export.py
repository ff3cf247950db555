#!/usr/bin/env python3
"""Loads what slimfit exports in Python's own TensorFlow and compares.

    check_export.py logits DIR...
    check_export.py whole SLIMFIT

`logits` is for pkg/graph's tests: each DIR holds savedmodel/, frozen.pb,
images.npy (float32, [n, h, w, c]) and logits.npy, which the training graph gave;
both models must give them within 1e-5.

`whole` trains a small network with the program SLIMFIT (its worker beside it),
exports it in every format, runs each file here on the test images and compares
with `slimfit predict` and with the accuracies in export.json; then it runs the
Python programs of the card and compiles the Go ones (with the cgo variables
that `make` sets).

Needs the packages of scripts/keras/requirements.txt. Exit 1 if something differs.
"""
import argparse
import contextlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import types
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402


def saved_model(path, images):
    """Returns the outputs of the serving signature, for any batch size."""
    net = tf.saved_model.load(str(path))
    run = net.signatures["serving_default"]
    out = run(images=tf.constant(images))
    one = run(images=tf.constant(images[:1]))
    assert one["logits"].shape[0] == 1, "a batch of one image"
    return {name: value.numpy() for name, value in out.items()}


def frozen(path, images):
    graph = tf.compat.v1.GraphDef.FromString(Path(path).read_bytes())
    net = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    names = ["logits", "probabilities", "class"]
    out = net.prune("images:0", [name + ":0" for name in names])(tf.constant(images))
    return {name: value.numpy() for name, value in zip(names, out)}


def lite(path, images):
    """Returns probabilities and logits of a TensorFlow Lite file; images are
    uint8."""
    net = tf.lite.Interpreter(str(path))
    entry = net.get_input_details()[0]
    net.resize_tensor_input(entry["index"], images.shape)
    net.allocate_tensors()
    if entry["dtype"] == np.int8:
        net.set_tensor(entry["index"], (images.astype(np.int16) - 128).astype(np.int8))
    else:
        net.set_tensor(entry["index"], images.astype(np.float32) / np.float32(255))
    net.invoke()
    return [net.get_tensor(out["index"]) for out in net.get_output_details()]


def compare(what, got, want, tolerance):
    """Prints the largest difference; returns whether it is small enough."""
    if got.shape != want.shape:
        print(f"FAULT {what}: shape {got.shape}, want {want.shape}")
        return False
    worst = float(np.max(np.abs(got - want))) if got.size else 0.0
    good = worst <= tolerance
    print(f"{'ok   ' if good else 'FAULT'} {what}: largest difference {worst:.3g}, allowed {tolerance:.3g}")
    return good


def check_outputs(what, out, want):
    """Compares a model's three outputs with the logits wanted."""
    good = compare(f"{what} logits", out["logits"], want, 1e-5)
    good &= compare(f"{what} probabilities", out["probabilities"], tf.nn.softmax(want).numpy(), 1e-5)
    return good & compare(f"{what} class", out["class"], out["logits"].argmax(axis=1), 0)


def check_logits(dirs):
    good = True
    for folder in map(Path, dirs):
        images, want = np.load(folder / "images.npy"), np.load(folder / "logits.npy")
        good &= check_outputs(f"{folder.name} SavedModel", saved_model(folder / "savedmodel", images), want)
        good &= check_outputs(f"{folder.name} frozen", frozen(folder / "frozen.pb", images), want)
    return good


EXPERIMENT = """
name: check
dataset: {name: bright, path: data, validation: 60}
model:
  - conv: {kernel: 3, filters: 4}
  - maxpool: 2
  - separable: {kernel: 3, filters: 6, activation: leaky_relu}
  - dense: 12
train: {learning_rate: 5e-3, steps: 300, batch: 30}
seeds: 1
"""


def write_data(folder):
    """Writes idx files of noisy 12x12 images whose brightness tells the class;
    returns the test images and labels."""
    folder.mkdir()
    random = np.random.default_rng(1)
    for prefix, n in (("train", 400), ("t10k", 200)):
        labels = (np.arange(n) * 7 % 3).astype(np.uint8)
        base = labels * 60 + random.integers(0, 75, n)  # the classes overlap
        images = (base[:, None, None] + random.integers(0, 50, (n, 12, 12))).astype(np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, n, 12, 12) + images.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, n) + labels.tobytes())
    return images[..., None], labels


def check_whole(slimfit):
    slimfit = str(Path(slimfit).resolve())
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        images, labels = write_data(work / "data")
        (work / "check.yaml").write_text(EXPERIMENT)

        def run(*args):
            return subprocess.run([slimfit, *args], cwd=work, check=True, stdout=subprocess.PIPE, text=True).stdout

        def predict(model):
            rows = json.loads(run("predict", model, "data/t10k-images-idx3-ubyte", "--format", "json"))["images"]
            return np.array([row["logits"] for row in rows], np.float32)

        run("run", "check.yaml", "-q")
        print(run("export", "check", "--format", "all", "-o", "out"), end="")
        card = json.loads((work / "out/export.json").read_text())
        as_trained = next(a["correct"] for a in card["accuracy"] if a["split"] == "test")
        judged = {f["format"]: f["accuracy"]["correct"] for f in card["files"] if "accuracy" in f}
        scaled = images.astype(np.float32) / np.float32(255)
        want = predict("out/savedmodel")
        good = compare("as trained, right", np.array((want.argmax(axis=1) == labels).sum()), np.array(as_trained), 0)
        good &= check_outputs("SavedModel", saved_model(work / "out/savedmodel", scaled), want)
        good &= check_outputs("frozen", frozen(work / "out/frozen.pb", scaled), want)
        good &= compare("run in Go, logits", predict("check"), want, 1e-4)
        _, logits = lite(work / "out/model.tflite", images)
        good &= compare("model.tflite logits", logits, want, 1e-4)
        good &= compare("model.tflite right", np.array((logits.argmax(axis=1) == labels).sum()), np.array(judged["tflite"]), 0)
        _, logits = lite(work / "out/model-int8.tflite", images)
        # The default kernels round the last bit differently: an image or two at a border.
        right = (logits.astype(int).argmax(axis=1) == labels).sum()
        good &= compare("model-int8.tflite right", np.array(right), np.array(judged["tflite-int8"]), 2)
        good &= check_golden(work / "out", card, run)
        good &= check_weights(np.load(work / "out/weights.npz"), card)
        good &= run_snippets(work / "out", images)
        return good & compile_snippets(work)


def check_golden(folder, card, run):
    """Compares golden.npz with what Python's TensorFlow says of its images; evaluate compares the same forms from Go."""
    golden = np.load(folder / "golden.npz")
    images = golden["images"]
    scaled = images.astype(np.float32) / np.float32(255)
    good = set(golden.files) == {"images", "labels"} | {f["format"] + ("/scores" if f["format"] in ("tflite-int8", "c", "c-code") else "/logits")
                                                       for f in card["files"]}
    print(f"{'ok   ' if good else 'FAULT'} golden.npz has {', '.join(golden.files)}")
    good &= compare("golden.npz, SavedModel", saved_model(folder / "savedmodel", scaled)["logits"], golden["savedmodel/logits"], 1e-5)
    good &= compare("golden.npz, frozen", frozen(folder / "frozen.pb", scaled)["logits"], golden["frozen/logits"], 1e-5)
    good &= compare("golden.npz, model.tflite", lite(folder / "model.tflite", images)[1], golden["tflite/logits"], 1e-5)
    for file in ("savedmodel", "frozen.pb", "model.tflite", "model-int8.tflite", "weights.npz"):
        print(f"ok    {run('evaluate', 'out/' + file, 'out/golden.npz')}", end="")  # a difference is an exit code, which raises
    return good


def check_weights(weights, card):
    total = sum(int(np.prod(weights[name].shape)) for name in weights.files)
    return compare("weights.npz, parameters", np.array(total), np.array(card["footprint"]["parameters"]), 0)


def run_snippets(folder, images):
    """Runs the card's Python programs as a reader would, in its folder."""
    try:
        import ai_edge_litert.interpreter  # noqa: F401
    except ImportError:  # the card names the other way
        module = types.ModuleType("ai_edge_litert.interpreter")
        module.Interpreter = tf.lite.Interpreter
        sys.modules["ai_edge_litert"] = types.ModuleType("ai_edge_litert")
        sys.modules["ai_edge_litert.interpreter"] = module
    good, here = True, os.getcwd()
    os.chdir(folder)
    programs = re.findall(r"```python\n(.*?)\n```", Path("README.md").read_text(), re.S)
    for program in programs:
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                exec(program, {"pixels": images})
        except Exception as err:  # whatever a reader would see
            good = False
            print(f"FAULT a program of the card: {err}\n{program}")
        if not said.getvalue().strip():
            good = False
            print(f"FAULT a program of the card prints nothing:\n{program}")
    os.chdir(here)
    print(f"{'ok   ' if good else 'FAULT'} {len(programs)} programs of the card")
    return good and len(programs) == 5


GO_PROGRAM = """package main

import (
	"fmt"
	"os"

	"github.com/galeone/tfgo"
	tf "github.com/wamuir/graft/tensorflow"

	"slimfit/models"
	"slimfit/pkg/tflite"
)

func main() {}
"""


def compile_snippets(work):
    """Compiles the card's Go programs, each as a function, in this module."""
    programs = re.findall(r"```go\n(.*?)\n```", (work / "out/README.md").read_text(), re.S)
    text = GO_PROGRAM
    for i, program in enumerate(programs):
        pixels = "[][12][12][1]float32" if "tf.NewTensor" in program else "[]uint8"
        text += f"\nfunc program{i}(pixels {pixels}, spec models.Spec) {{\n{program}\n}}\n"
    (work / "main.go").write_text(text)
    root = Path(__file__).resolve().parents[2]
    (work / "overlay.json").write_text(json.dumps({"Replace": {str(root / "cmd/programs-of-a-card/main.go"): str(work / "main.go")}}))
    done = subprocess.run(["go", "build", "-overlay", str(work / "overlay.json"), "-o", os.devnull, "./cmd/programs-of-a-card"], cwd=root)
    good = done.returncode == 0 and len(programs) == 5
    print(f"{'ok   ' if good else 'FAULT'} {len(programs)} Go programs of the card")
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("logits").add_argument("dirs", nargs="+")
    commands.add_parser("whole").add_argument("slimfit")
    args = parser.parse_args()
    good = check_logits(args.dirs) if args.command == "logits" else check_whole(args.slimfit)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
