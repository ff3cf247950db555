#!/usr/bin/env python3
"""Trains small networks on MNIST, exports them and runs the files in TensorFlow Lite.

    check_trained.py SLIMFIT [--data FOLDER]

SLIMFIT is the program, its worker beside it; FOLDER holds the MNIST idx files.
On all test images:

- the float32 file's logits, in TensorFlow Lite and in `slimfit predict`, are
  within 1e-4 of those that TensorFlow gives the trained network (frozen.pb), with
  the same classes, but for ties closer than that;
- the int8 files' logits and probabilities, dense weights per tensor and per
  channel, are `slimfit predict`'s in all bits with the reference kernels
  (BUILTIN_REF);
- the arena that the card promises is the one that TensorFlow Lite Micro takes.

Prints a line for each comparison; exit 1 if one fails. Runs in the Python of
`scripts/setup_venv.sh tflite`; without tflite-micro the arenas are SKIPPED.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import check_tflite

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4

EXPERIMENT = """
name: {name}
dataset: mnist
model: {model}
train: {{steps: 400, learning_rate: 3e-3}}
seeds: 1
"""

# Together they have every layer kind and most activations; pkg/tflite's own
# tests compare the others on random networks.
MIXED = """
  - conv: {kernel: 3, filters: 6, stride: 2, padding: valid, activation: relu6}
  - depthwise: {kernel: 3, multiplier: 2, activation: tanh}
  - avgpool: 2
  - conv: {kernel: [1, 3], filters: 8, activation: leaky_relu}
  - dense: {units: 24, activation: sigmoid}"""
NETWORKS = {"final": "final", "light": "light", "mixed": MIXED, "separable-697": None}


class Trained:
    """One network: trained, exported, and what slimfit says of it."""

    def __init__(self, slimfit, name, work, images):
        self.slimfit, self.name, self.work, self.images = slimfit, name, work, images
        if NETWORKS[name] is None:
            run = "small-697"
            self.call("run", ROOT / "experiments/small/697.yaml", "-q", "--set", "seeds=1", "--set", "train.epochs=1")
        else:
            run = name
            (work / f"{name}.yaml").write_text(EXPERIMENT.format(name=name, model=NETWORKS[name]))
            self.call("run", work / f"{name}.yaml", "-q")
        self.folder, self.channel = work / f"{name}-tensor", work / f"{name}-channel"
        self.call("export", f"runs/{run}", "--quick", "--format", "frozen,tflite,tflite-int8", "-o", self.folder)
        self.call("export", f"runs/{run}", "--quick", "--format", "tflite-int8", "--dense-per-channel", "-o", self.channel)

    def call(self, *args):
        return subprocess.run([self.slimfit, *args], cwd=self.work, check=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True).stdout

    def predict(self, file):
        """Returns slimfit's probabilities and logits of all images."""
        rows = json.loads(self.call("predict", file, self.images, "--format", "json"))["images"]
        return [np.array([row[key] for row in rows], np.float32) for key in ("probabilities", "logits")]


def run(runtime, path, pixels, reference):
    """Returns the file's outputs for all images, int8 ones as numbers of float32."""
    model, parts = path.read_bytes(), []
    for part in np.array_split(pixels, -(-len(pixels) // 500)):
        interpreter = check_tflite.prepare(runtime, model, part, reference)
        interpreter.invoke()
        outputs = []
        for d in interpreter.get_output_details():
            value = interpreter.get_tensor(d["index"])
            if value.dtype == np.int8:
                scale, zero = d["quantization"]
                value = np.float32(scale) * (value.astype(np.int32) - zero).astype(np.float32)
            outputs.append(value)
        parts.append(outputs)
    return [np.concatenate(values) for values in zip(*parts)]


class Report:
    def __init__(self):
        self.faults = 0

    def line(self, good, what, text):
        self.faults += not good
        print(f"{'ok   ' if good else 'FAULT'} {what}: {text}", flush=True)


def check_float(report, trained, runtime, pixels):
    _, want = trained.predict(trained.folder / "frozen.pb")
    path = trained.folder / "model.tflite"
    others = {"slimfit predict": trained.predict(path)[1]}
    for kernels in ("default", "reference"):
        others[f"{kernels} kernels"] = run(runtime, path, pixels, kernels == "reference")[1]
    for who, logits in others.items():
        worst = float(np.max(np.abs(logits - want)))
        lead = want.max(1) - np.take_along_axis(want, logits.argmax(1)[:, None], 1)[:, 0]
        wrong = int(np.sum(lead > TOLERANCE))
        report.line(worst <= TOLERANCE and wrong == 0, f"{trained.name} float32, {who}",
                    f"logits differ from TensorFlow's by {worst:.2g} at most, {wrong} of {len(want)} classes")


def check_int8(report, trained, runtime, pixels, truth):
    for kind, folder in (("per tensor", trained.folder), ("per channel", trained.channel)):
        path = folder / "model-int8.tflite"
        ours, theirs = trained.predict(path), run(runtime, path, pixels, True)
        differ = sum(int(np.sum(a != b)) for a, b in zip(ours, theirs, strict=True))
        right = np.mean(theirs[1].argmax(1) == truth)
        report.line(differ == 0, f"{trained.name} int8 dense {kind}, reference kernels",
                    f"{differ} of {sum(a.size for a in ours)} values differ from slimfit predict's; {100 * right:.2f} % right")


def check_arenas(report, trained, work, pixels):
    folder = work / "micro"
    folder.mkdir(exist_ok=True)
    want = {}
    measured = json.loads((trained.folder / "export.json").read_text())["measured"]
    for name, file, key in (("float32", "model.tflite", "arena_float32_bytes"), ("int8", "model-int8.tflite", "arena_bytes")):
        stem = f"{trained.name}-{name}"
        (folder / f"{stem}.tflite").write_bytes((trained.folder / file).read_bytes())
        (folder / f"{stem}.pixels").write_bytes(pixels[:10].tobytes())
        want[stem] = measured[key]
    check_tflite.micro(folder)
    for stem, promised in want.items():
        taken = int((folder / f"{stem}.arena").read_text())
        report.line(taken == promised, f"{' '.join(stem.rsplit('-', 1))}, TensorFlow Lite Micro", f"arena of {taken} bytes, the card says {promised}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slimfit", type=pathlib.Path)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("--data", type=pathlib.Path, default=cache / "slimfit/mnist")
    args = parser.parse_args()
    runtime, report = check_tflite.load_runtime(), Report()
    try:
        import tflite_micro  # noqa: F401
        micro = True
    except ImportError:
        micro = False
        print("SKIPPED: arenas and int8 values are not compared with TensorFlow Lite Micro: this Python has no tflite-micro "
              "(wheels: x86_64, Python 3.10 to 3.14; `rm -r .venv-tflite` and again tries once more)")
    images, labels = args.data / "t10k-images-idx3-ubyte", args.data / "t10k-labels-idx1-ubyte"
    pixels, truth = check_tflite.read_idx(images), check_tflite.read_idx(labels)
    print(f"{len(NETWORKS)} networks trained briefly, {len(truth)} test images, {runtime[0]}", flush=True)
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for name in NETWORKS:
            trained = Trained(args.slimfit.resolve(), name, work, images)
            check_float(report, trained, runtime, pixels)
            check_int8(report, trained, runtime, pixels, truth)
            if micro:
                check_arenas(report, trained, work, pixels)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
