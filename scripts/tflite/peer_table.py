#!/usr/bin/env python3
"""Sets slimfit's int8 files beside those of TensorFlow's own converter.

    peer_table.py SLIMFIT --converter PYTHON [--run NAME=RUN]... [--only NAME,...] [--data FOLDER]

SLIMFIT is the program, its worker beside it; PYTHON is one with TensorFlow
(`scripts/setup_venv.sh` makes it); FOLDER holds the MNIST idx files. Each network
is trained briefly, or taken from RUN, a folder that `slimfit export` takes (a
run, a configuration or a trial, trained on mnist). Then it is made into four int8
files: by slimfit and by the converter, each with one weight scale a dense layer
(per tensor) and with one a unit (per channel); both calibrate on the same 500
training images. TensorFlow Lite's interpreter (the Python that runs this has it)
classifies all test images with each file, by its default kernels.

Prints a Markdown table, each row as soon as it is measured.
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
HERE = ROOT / "scripts/tflite"
TRAINED = {  # steps, or the file and what is set in it
    "base": 100, "conv1": 200, "final": 2000, "light": 2000,
    "separable-697": ("experiments/small/697.yaml", "small-697", "train.epochs=4"),
}
EXPERIMENT = "name: {name}\ndataset: mnist\nmodel: {name}\ntrain: {{steps: {steps}, learning_rate: 1e-3}}\nseeds: 1\n"
FILES = ("slimfit, per tensor", "slimfit, per channel", "converter, per tensor", "converter, per channel")


class Peer:
    def __init__(self, args, work):
        self.args, self.work, self.versions = args, work, set()
        self.runtime = check_tflite.load_runtime()
        self.pixels = check_tflite.read_idx(args.data / "t10k-images-idx3-ubyte")
        self.truth = check_tflite.read_idx(args.data / "t10k-labels-idx1-ubyte")

    def call(self, *argv):
        done = subprocess.run(argv, cwd=self.work, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"peer_table: {' '.join(map(str, argv))}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def train(self, name):
        """Returns the run's folder."""
        if isinstance(TRAINED[name], tuple):
            file, run, override = TRAINED[name]
            self.call(self.args.slimfit, "run", ROOT / file, "-q", "--set", "seeds=1", "--set", override)
            return self.work / "runs" / run
        file = self.work / f"{name}.yaml"
        file.write_text(EXPERIMENT.format(name=name, steps=TRAINED[name]))
        self.call(self.args.slimfit, "run", file, "-q")
        return self.work / "runs" / name

    def files(self, name, run):
        """Returns the card and the four files, in the order of FILES."""
        made = []
        for kind, option in (("tensor", ()), ("channel", ("--dense-per-channel",))):
            out = self.work / f"{name}-{kind}"
            self.call(self.args.slimfit, "export", run, "--quick", "--format", "npz,tflite-int8", "-o", out, *option)
            made.append(out / "model-int8.tflite")
        folder = made[0].parent
        card = json.loads((folder / "export.json").read_text())
        spec = {"input": card["dataset"]["input"], "classes": card["dataset"]["classes"], "model": card["model"]}
        (folder / "spec.json").write_text(json.dumps(spec))
        for option in (("--dense-per-tensor",), ()):
            out = folder / f"converter{len(made)}.tflite"
            said = self.call(self.args.converter, HERE / "convert_peer.py", folder / "spec.json", folder / "weights.npz", "-o", out,
                             "--calibration", self.args.data / "train-images-idx3-ubyte", "--skip", str(card["dataset"]["validation"]), *option)
            self.versions.add(said.rsplit(", ", 1)[1].strip())
            made.append(out)
        return card, made

    def row(self, name):
        run = self.args.runs.get(name) or self.train(name)
        card, files = self.files(name, run)
        float32 = next((f"{100 * a['accuracy']:.2f} %" for a in card["accuracy"] if a["split"] == "test"), "not tested")
        cells = [name, f"{card['footprint']['parameters']:,}", f"{card['train']['steps']:,}", float32]
        for path in files:
            model = path.read_bytes()
            right = np.mean(check_tflite.classes(self.runtime, model, self.pixels, False) == self.truth)
            cells.append(f"{len(model):,} B, {100 * right:.2f} %")
        return "| " + " | ".join(cells) + " |"


def processor():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{names[0] if names else os.uname().machine}, {os.cpu_count()} cores"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slimfit", type=pathlib.Path)
    # Not resolved: a virtual environment is known by its link to Python.
    parser.add_argument("--converter", type=lambda p: pathlib.Path(p).absolute(), required=True)
    parser.add_argument("--run", action="append", default=[], metavar="NAME=RUN")
    parser.add_argument("--only", default=",".join(TRAINED), metavar="NAME,...")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    parser.add_argument("--data", type=pathlib.Path, default=cache / "slimfit/mnist")
    args = parser.parse_args()
    args.slimfit, args.data = args.slimfit.resolve(), args.data.resolve()
    args.runs = {name: pathlib.Path(run).resolve() for name, _, run in (r.partition("=") for r in args.run)}
    args.names = args.only.split(",")
    for name in args.names + list(args.runs):
        if name not in TRAINED:
            parser.error(f"no network {name!r}: want {', '.join(TRAINED)}")
    return args


def main():
    args = parse()
    with tempfile.TemporaryDirectory() as work:
        peer = Peer(args, pathlib.Path(work))
        print("| network | parameters | steps | float32 | " + " | ".join(FILES) + " |")
        print("|---|---:|---:|---:|" + "---:|" * len(FILES), flush=True)
        for name in args.names:
            print(peer.row(name), flush=True)
    print(f"\n{len(peer.truth):,} test images of MNIST; {peer.runtime[0]}, default kernels; converter of {', '.join(sorted(peer.versions))};\n"
          f"{processor()}.")


if __name__ == "__main__":
    main()
