#!/usr/bin/env python3
"""Times slimfit against its peers, interleaved and repeated; medians.

    run.py [--quick] [--rounds 3] [--sweep-rounds 3] [--seconds 5] [--cells NAME ...]
           [--sweep-systems NAME ...] [--add] [--out FILE.md]

Prints progress to stderr and the Markdown tables to stdout and FILE.md; the
figures behind them go to FILE.json after every round. README.md tells what is
measured.
"""
import argparse
import json
import statistics
import sys
from pathlib import Path

import common
import machine
from systems import ROOT, BenchError, Peer, Slimfit
from tables import tables

SWEEPS = [("keras", "per_seed"), ("loop", "per_seed"), ("slimfit", "per_seed"), ("loop", "shared"), ("slimfit", "shared")]
OTHERS = ("base", "5x5x32", "final")  # the cells of PyTorch and JAX
PEERS = ROOT / ".venv-peers/bin/python"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of training, for each figure")
    parser.add_argument("--cells", nargs="*", choices=common.CELLS, default=list(common.CELLS))
    parser.add_argument("--sweep-rounds", type=int, help="of the whole sweep (default: as --rounds)")
    parser.add_argument("--sweep-systems", nargs="*", choices=["keras", "loop", "slimfit"], default=["keras", "loop", "slimfit"])
    parser.add_argument("--add", action="store_true", help="add rounds to those of FILE.json, from the same machine")
    parser.add_argument("--data", default=common.default_data(), help="folder of the MNIST idx files")
    parser.add_argument("--out", default="runs/bench.md")
    args = parser.parse_args()
    if args.sweep_rounds is None:
        args.sweep_rounds = args.rounds
    sweep = {"steps": 1000, "seeds": 5}
    if args.quick:
        args.rounds, args.sweep_rounds, args.seconds, sweep = 1, 1, 0.5, {"steps": 20, "seeds": 1}
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        runs = earlier(out, sweep) if args.add else {"cells": {}, "sweeps": {}, "memory": {}}
        figures = {"machine": machine.describe(), "sweep": sweep}
        for _ in measure(args, sweep, runs):
            figures |= {"runs": runs, "cells": medians(runs["cells"]), "sweeps": medians(runs["sweeps"]), "memory": runs["memory"]}
            out.with_suffix(".json").write_text(json.dumps(figures, indent=1))
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = tables(figures)
    out.write_text(text)
    print(text)
    return 0


def earlier(out, sweep):
    """The runs of an earlier call."""
    try:
        figures = json.loads(out.with_suffix(".json").read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"--add: cannot read {out.with_suffix('.json')}: {error}") from error
    if figures["machine"]["cpu"] != machine.describe()["cpu"] or figures["sweep"] != sweep:
        raise BenchError(f"--add: {out.with_suffix('.json')} is of another machine or sweep")
    return {"memory": {}} | figures["runs"]


def measure(args, sweep, runs):
    """Adds figures to runs, {cells: {cell: {system: [figures]}}, sweeps: {order: {system: [figures]}},
    memory: {order: {system: bytes}}}; yields after each round."""
    systems = {"keras": Peer("keras_fit.py", args.data), "loop": Peer("tf_loop.py", args.data), "slimfit": Slimfit(args.data)}
    others = {"torch": Peer("torch_loop.py", args.data, PEERS), "jax": Peer("jax_loop.py", args.data, PEERS)} if PEERS.exists() else {}
    for r in range(max(args.rounds, args.sweep_rounds)):
        for name in args.cells if r < args.rounds else []:
            steps = timed_steps(name, args.seconds)
            for system, program in (systems | others if name in OTHERS else systems).items():
                keep(runs["cells"], name, system, program.cell(name, steps))
            if name == "base" and machine.has_bfloat16():
                keep(runs["cells"], name, "slimfit, bfloat16", systems["slimfit"].cell(name, steps, "bfloat16"))
        for system, order in [s for s in SWEEPS if s[0] in args.sweep_systems] if r < args.sweep_rounds else []:
            keep(runs["sweeps"], order, system, systems[system].sweep(order=order, **sweep))
            if system not in runs["memory"].setdefault(order, {}):  # apart from what is timed, of few steps
                few = systems[system].sweep(order=order, **sweep | {"steps": 20}, sample=True)
                runs["memory"][order][system] = few["peak_bytes"]
        yield r


def timed_steps(name, seconds):
    """Steps that take about so long at 100 GFLOP/s and 1.5 ms of everything else."""
    return max(10, int(seconds / (common.step_flops(common.CELLS[name]) / 100e9 + 0.0015)))


def keep(table, row, system, figures):
    runs = table.setdefault(row, {}).setdefault(system, [])
    runs.append(figures)
    speed = f"{figures['steps_per_second']:.1f} steps/s" if "steps_per_second" in figures else f"{figures['seconds']:.1f} s"
    print(f"round {len(runs)}: {row}, {system}: {speed}", file=sys.stderr)


def medians(table):
    """The run with the median speed stands for all."""
    return {row: {system: sorted(runs, key=lambda f: f.get("steps_per_second") or f["seconds"])[(len(runs) - 1) // 2] | spread(runs)
                  for system, runs in systems.items()} for row, systems in table.items()}


def spread(runs):
    """The slowest and the fastest figure, and the median start."""
    speeds = [f.get("steps_per_second") or f["seconds"] for f in runs]
    more = {"rounds": len(runs), "min": min(speeds), "max": max(speeds)}
    if "first_step_seconds" in runs[0]:
        more["first_step_seconds"] = statistics.median(f["first_step_seconds"] for f in runs)
    return more


if __name__ == "__main__":
    sys.exit(main())
