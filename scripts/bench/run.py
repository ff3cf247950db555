#!/usr/bin/env python3
"""Times slimfit against its two peers, interleaved and repeated; medians.

    run.py [--quick] [--rounds 3] [--seconds 5] [--cells NAME ...] [--no-sweep] [--out FILE.md]

Prints progress to stderr and the Markdown tables to stdout and FILE.md; the
figures behind them go to FILE.json. README.md tells what is measured.
"""
import argparse
import json
import statistics
import sys
from pathlib import Path

import common
import machine
from systems import BenchError, Peer, Slimfit
from tables import tables

SWEEPS = [("keras", "per_seed"), ("loop", "per_seed"), ("slimfit", "per_seed"), ("loop", "shared"), ("slimfit", "shared")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of training, for each figure")
    parser.add_argument("--cells", nargs="*", choices=common.CELLS, default=list(common.CELLS))
    parser.add_argument("--no-sweep", action="store_true")
    parser.add_argument("--data", default=common.default_data(), help="folder of the MNIST idx files")
    parser.add_argument("--out", default="runs/bench.md")
    args = parser.parse_args()
    sweep = {"steps": 1000, "seeds": 5}
    if args.quick:
        args.rounds, args.seconds, sweep = 1, 0.5, {"steps": 20, "seeds": 1}
    try:
        figures = measure(args, sweep)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    text = tables(figures)
    out = Path(args.out)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    out.with_suffix(".json").write_text(json.dumps(figures, indent=1))
    print(text)
    return 0


def measure(args, sweep):
    """Returns {machine, rounds, sweep, cells: {cell: {system: figures}}, sweeps: {order: {system: figures}}}."""
    systems = {"keras": Peer("keras_fit.py", args.data), "loop": Peer("tf_loop.py", args.data), "slimfit": Slimfit(args.data)}
    cells, sweeps = {}, {}
    for r in range(args.rounds):
        for name in args.cells:
            steps = timed_steps(name, args.seconds)
            for system, program in systems.items():
                keep(cells, name, system, r, program.cell(name, steps))
            if name == "base" and machine.has_bfloat16():
                keep(cells, name, "slimfit, bfloat16", r, systems["slimfit"].cell(name, steps, "bfloat16"))
        for system, order in [] if args.no_sweep else SWEEPS:
            keep(sweeps, order, system, r, systems[system].sweep(order=order, **sweep))
    return {"machine": machine.describe(), "rounds": args.rounds, "sweep": sweep,
            "cells": medians(cells), "sweeps": medians(sweeps)}


def timed_steps(name, seconds):
    """Steps that take about so long at 100 GFLOP/s and 1.5 ms of everything else."""
    return max(10, int(seconds / (common.step_flops(common.CELLS[name]) / 100e9 + 0.0015)))


def keep(table, row, system, r, figures):
    table.setdefault(row, {}).setdefault(system, []).append(figures)
    speed = f"{figures['steps_per_second']:.1f} steps/s" if "steps_per_second" in figures else f"{figures['seconds']:.1f} s"
    print(f"round {r + 1}: {row}, {system}: {speed}", file=sys.stderr)


def medians(table):
    """The run with the median speed stands for all."""
    return {row: {system: sorted(runs, key=lambda f: f.get("steps_per_second") or f["seconds"])[(len(runs) - 1) // 2] | spread(runs)
                  for system, runs in systems.items()} for row, systems in table.items()}


def spread(runs):
    """The slowest and the fastest figure, the largest memory, and the median start."""
    speeds = [f.get("steps_per_second") or f["seconds"] for f in runs]
    more = {"min": min(speeds), "max": max(speeds), "peak_bytes": max(f["peak_bytes"] for f in runs)}
    if "first_step_seconds" in runs[0]:
        more["first_step_seconds"] = statistics.median(f["first_step_seconds"] for f in runs)
    return more


if __name__ == "__main__":
    sys.exit(main())
