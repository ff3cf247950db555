#!/usr/bin/env python3
"""Times slimfit on a GPU against Keras fit and a jit-compiled tf.function loop on
the same card, and on this machine's CPU cores. Prints Markdown.

GPU=rehearse times the CPU in the GPU's place, to see that this script itself works.
The peers need a Python with the GPU's TensorFlow, .venv-gpu; bench.sh sets it up.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))
import common
import systems

CELLS = ("final", "5x5x32", "base")
PACKS = (1, 4, 16, 64, 256)
UNROLLINGS = (4, 16)
GOALS = {"final": "80,000 in packs", "base": "1,500 alone", "sweep": "10 s"}  # on an H100


def card():
    """The first GPU's name and driver, None where there is none."""
    try:
        out = subprocess.run(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"], capture_output=True, text=True)
    except OSError:
        return None
    return out.stdout.splitlines()[0] if out.returncode == 0 and out.stdout.strip() else None


class Card(systems.Slimfit):
    """One worker on the card, with packs of more and more members."""

    def __init__(self, data, gpu):
        super().__init__(data)
        self.gpu = gpu

    def rates(self, name, seconds, packs, unrollings):
        """{(members, steps a run): member-steps a second}: packs until larger ones only lose, then the best one's steps in a row."""
        found = {}
        for size in packs:
            found[size, 1] = self.rate(name, seconds, size, 1)
            if found[size, 1] < 0.8 * max(found.values()):
                break
        best, _ = max(found, key=found.get)
        for steps in unrollings:
            found[best, steps] = self.rate(name, seconds, best, steps)
        return found

    def rate(self, name, seconds, size, unroll):
        command = self.pack_command(name, None, size, "float32")

        def unrolled(steps):
            asked = command(steps)
            asked["measure"]["pack"]["unroll"] = unroll
            return asked

        worker = systems.Timed(unrolled, *(["--gpu"] if self.gpu else []))
        try:
            worker.ready()
            worker.ask(20)
            worker.ask(max(20, int(seconds / worker.answer())))
            return size / worker.answer()
        finally:
            worker.close()

    def sweep_seconds(self, steps, seeds):
        with tempfile.TemporaryDirectory() as out:
            start = time.monotonic()
            systems.call([systems.SLIMFIT, "run", systems.ROOT / "experiments/paper/table4-6.yaml", "--cache", self.cache, "--out", out, "--quiet",
                          "--gpus", "all" if self.gpu else "none", "--set", f"train.steps={steps}", "--set", f"seeds={seeds}", "--set", "train.order=shared"])
            return time.monotonic() - start


def peer(python, script, cell, steps, data, jit=False):
    """Steps a second of a peer in one process; None where its Python cannot."""
    if python is None:
        return None
    command = [python, systems.HERE / script, "--data", data, "--processes", "1", "cell", cell, "--steps", steps]
    out = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=os.environ | ({"BENCH_JIT": "1"} if jit else {}))
    if out.returncode:
        print(f"{script} {cell}: {out.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return json.loads(out.stdout)["steps_per_second"]


def text(rate):
    return "-" if rate is None else f"{rate:,.0f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=common.default_data())
    parser.add_argument("--steps", type=int, default=1000, help="of the sweep and the peers")
    parser.add_argument("--seconds", type=float, default=5, help="each measurement of a pack")
    parser.add_argument("--cells", nargs="*", default=CELLS, choices=list(common.CELLS))
    args = parser.parse_args()
    name, rehearsal = card(), os.environ.get("GPU") == "rehearse"
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # float32 means float32, for the peers too
    python = sys.executable if rehearsal else next((p for p in [systems.ROOT / ".venv-gpu/bin/python"] if p.exists()), None)
    gpu, cpu = Card(args.data, not rehearsal), systems.Slimfit(args.data)
    print(f"{name or 'the CPU in a GPU place'}; {common.cores()} CPU cores; float32. Steps a second, of all members of a pack together.\n")
    print("| network | alone | in packs | members, steps a run | Keras fit | tf.function, jit | this machine's CPU cores | / Keras | goal on an H100 |\n|---|---|---|---|---|---|---|---|---|")
    for cell in args.cells:
        rates = gpu.rates(cell, args.seconds, PACKS[:2] if rehearsal else PACKS, UNROLLINGS[:1] if rehearsal else UNROLLINGS)
        best = max(rates, key=rates.get)
        keras, loop = peer(python, "keras_fit.py", cell, args.steps, args.data), peer(python, "tf_loop.py", cell, args.steps, args.data, jit=True)
        cores = cpu.cell(cell, args.steps)["steps_per_second"]
        print(f"| {cell} | {text(rates[1, 1])} | {text(rates[best])} | {best[0]}, {best[1]} | {text(keras)} | {text(loop)} | {text(cores)} |"
              f" {'-' if not keras else format(rates[best] / keras, '.1f')} | {GOALS.get(cell, '')} |", flush=True)
    on_card = gpu.sweep_seconds(args.steps, 5)
    on_cores = Card(args.data, False).sweep_seconds(args.steps, 5)
    print(f"\nThe 75 trials of Tables IV to VI, {args.steps} steps each: {on_card:.1f} s on the card (goal on an H100: {GOALS['sweep']}), {on_cores:.1f} s on the CPU cores.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except systems.BenchError as error:
        sys.exit(f"bench-gpu: {error}")
