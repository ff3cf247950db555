#!/usr/bin/env python3
"""Trains the experiments of experiments/bfloat16 and prints bfloat16 against float32, seed by seed.

    bfloat16.py [--out runs] [--slimfit bin/slimfit] [--set KEY=VALUE ...] [--no-run]

A run that was stopped goes on where it was. The table has only pairs of which both networks are trained: mean test accuracies in %,
bfloat16 less float32 in points with a 95 % interval of the mean of the pairs' differences (Student's t), and how many times faster the
median trial was, in the packs that run makes. Times mean something only if the machine had nothing else to do.
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}  # 0.975 quantiles by degrees of freedom


def main(argv):
    o = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    o.add_argument("--out", default="runs")
    o.add_argument("--slimfit", default=ROOT / "bin/slimfit")
    o.add_argument("--set", action="append", default=[])
    o.add_argument("--no-run", action="store_true", help="print what is there")
    o = o.parse_args(argv)
    print("| network | seeds | float32, % | bfloat16, % | difference | times as fast |\n|---|---:|---:|---:|---:|---:|")
    code = 0
    for name in ("base", "cells"):
        if not o.no_run:
            sets = [arg for setting in o.set for arg in ("--set", setting)]
            code = max(code, subprocess.run([o.slimfit, "run", ROOT / f"experiments/bfloat16/{name}.yaml", "--out", o.out, *sets],
                                            stdout=sys.stderr).returncode)
        for row in rows(Path(o.out) / f"bfloat16-{name}"):
            print("| " + " | ".join(row) + " |", flush=True)
    return code


def rows(folder):
    """A row for each network that has pairs, the largest first."""
    trials = {}
    for file in folder.glob("*/seed-*/result.json"):
        r = json.loads(file.read_text())
        if r["status"] == "done":
            key = json.dumps(r["model"])
            precision = r["train"]["precision"]
            trials.setdefault(key, {})[precision, r["seed"]] = r
    for these in sorted(trials.values(), key=lambda t: -next(iter(t.values()))["footprint"]["macs"]):
        seeds = sorted(s for p, s in these if p == "bfloat16" and ("float32", s) in these)
        if not seeds:
            continue
        pairs = [(these["float32", s], these["bfloat16", s]) for s in seeds]
        plain, short = ([100 * pair[i]["accuracy"]["test"] for pair in pairs] for i in (0, 1))
        differences = [b - a for a, b in zip(plain, short)]
        spread = f" ± {interval(differences):.2f}" if len(seeds) > 1 else ""
        times = statistics.median(a["seconds"] for a, _ in pairs) / statistics.median(b["seconds"] for _, b in pairs)
        yield (name(pairs[0][0]), str(len(seeds)), f"{statistics.mean(plain):.2f}", f"{statistics.mean(short):.2f}",
               f"{statistics.mean(differences):+.2f}{spread}", f"{times:.2f}")


def interval(differences):
    n = len(differences)
    return STUDENT[n - 1] * statistics.stdev(differences) / n**0.5


def name(result):
    convs = [layer["conv"] for layer in result["model"] if "conv" in layer]
    return "base" if len(convs) == 2 else "{}x{}x{}".format(*convs[0]["kernel"], convs[0]["filters"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
