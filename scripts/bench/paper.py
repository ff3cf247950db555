#!/usr/bin/env python3
"""Trains every cell of the paper's tables and prints our seconds beside the Titan X's.

    paper.py [--steps 20000] [--precision float32] [--data FOLDER]

As many seeds as cores train side by side, one thread each; a cell's seconds
are those of the machine: of all seeds together, divided by their number.
The paper's figures are for 20,000 steps; with fewer steps ours are scaled up,
and the table says so.
"""
import argparse
import json
import sys
import tempfile
from pathlib import Path

import common
from systems import ROOT, SLIMFIT, BenchError, call, layers

# Seconds for 20,000 steps on a Titan X, arXiv 1705.03338, Tables I to VII.
# Table II is the first cell of Table III.
PAPER_STEPS = 20000
TABLE3 = {1024: 164, 512: 155, 256: 148, 128: 145, 64: 159, 32: 158}
TABLE4TO6 = {5: (114, 110, 107, 109, 108), 3: (117, 108, 103, 108, 106), 1: (111, 106, 105, 102, 100)}
FILTERS = (32, 16, 8, 4, 2)


def paper_cells():
    """Returns [(table, name, cell, seconds)] in the paper's order."""
    cells = [("I", "base", common.CELLS["base"], 165)]
    cells += [("III", f"5x5x32, fc{units}", common.conv_net(5, 32, 2, units), seconds) for units, seconds in TABLE3.items()]
    for table, (kernel, row) in zip(("IV", "V", "VI"), TABLE4TO6.items()):
        cells += [(table, f"{kernel}x{kernel}x{f}", common.CELLS[f"{kernel}x{kernel}x{f}"], s) for f, s in zip(FILTERS, row)]
    return cells + [("VII", "final", common.CELLS["final"], 98)]


EXPERIMENTS = ("table1", "table2-3", "table4-6", "final")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=PAPER_STEPS)
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--data", default=common.default_data(), help="folder of the MNIST idx files")
    args = parser.parse_args()
    results, wall = [], 0
    with tempfile.TemporaryDirectory() as out:
        try:
            for name in EXPERIMENTS:
                _, seconds, _ = call([SLIMFIT, "run", ROOT / f"experiments/paper/{name}.yaml", "--cache", Path(args.data).parent, "--out", out, "--quiet",
                                      "--set", f"seeds={common.cores()}", "--set", f"train.steps={args.steps}", "--set", f"train.precision={args.precision}"])
                wall += seconds
        except BenchError as error:
            print(f"bench-paper: {error}", file=sys.stderr)
            return 1
        results = [json.loads(f.read_text()) for f in Path(out).glob("*/*/seed-*/result.json")]
    print(table(results, wall, args))
    return 0


def table(results, wall, args):
    scale = PAPER_STEPS / args.steps
    rows = ["| table | network | Titan X, s | here, s | ratio |", "|---|---|---|---|---|"]
    theirs = ours = 0
    for name, label, cell, seconds in paper_cells():
        # A cell that stands in two tables is trained for each of them here.
        seconds_of = {r["seed"]: r["seconds"] for r in results if r["model"] == layers(cell)}
        mine = scale * sum(seconds_of.values()) / len(seconds_of) / common.cores()
        theirs, ours = theirs + seconds, ours + mine
        rows.append(f"| {name} | {label} | {seconds} | {mine:.0f} | {seconds / mine:.2f} |")
    rows.append(f"| | all cells | {theirs} | {ours:.0f} | {theirs / ours:.2f} |")
    note = "" if scale == 1 else f", scaled up from {args.steps} steps"
    rows += ["", f"Seconds here: {args.precision}; {common.cores()} seeds side by side on {common.cores()} cores, divided by {common.cores()}; each network's share of its pack{note}.",
             f"From the first process start to the last result file, evaluation included, all four experiments and {common.cores()} seeds: {wall:.0f} s for {args.steps} steps."]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
