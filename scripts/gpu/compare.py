#!/usr/bin/env python3
"""Compares run folders of check.sh; exit 1, and what differs, where they do.

    compare.py accuracy A B     test accuracies by configuration, within noise
    compare.py device A         every result is a GPU's, no operation beside it
    compare.py histories A B    losses of the trials that both have, within 2 %
    compare.py weights A B      weights and histories, bit for bit
"""
import csv
import json
import statistics
import sys
from pathlib import Path

# Three standard errors of a difference of means, and half a per cent for the
# seeds that are too few to estimate them.
ERRORS, LEAST = 3, 0.005
LOSS = 0.02  # relative, of the first 200 steps: later on rounding has its own way


def results(folder):
    """{trial: result} of a folder of run folders."""
    found = {"/".join(p.parts[-3:-1]): json.loads(p.read_text()) for p in sorted(Path(folder).glob("*/*/seed-*/result.json"))}
    if not found:
        raise SystemExit(f"{folder} has no results")
    return found


def accuracy(a, b):
    for config in sorted({t.split("/")[0] for t in results(a)} & {t.split("/")[0] for t in results(b)}):
        one, two = ([r["accuracy"]["test"] for t, r in results(f).items() if t.startswith(config + "/")] for f in (a, b))
        noise = sum(statistics.variance(x) / len(x) for x in (one, two)) ** 0.5
        apart = abs(statistics.mean(one) - statistics.mean(two))
        if apart > max(LEAST, ERRORS * noise):
            yield f"{config}: {statistics.mean(one):.4f} and {statistics.mean(two):.4f}, {apart / max(noise, 1e-9):.1f} standard errors apart"


def device(a):
    for trial, r in results(a).items():
        env = r["environment"]
        if env["device"] == "CPU" or env.get("cpu_ops", 0):
            yield f"{trial}: on {env['device']}, {env.get('cpu_ops', 0)} operations of a step on the CPU"


def history(folder, trial):
    file = next(Path(folder).glob(f"*/{trial}/history.csv"))
    return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file.open())]


def histories(a, b):
    both = results(a).keys() & results(b).keys()
    if not both:
        yield "no trial is in both"
    for trial in sorted(both):
        for (step, x), (_, y) in zip(history(a, trial), history(b, trial)):
            if step <= 200 and abs(x - y) > LOSS * abs(y):
                yield f"{trial}, step {step}: losses {x} and {y}"


def weights(a, b):
    one, two = results(a), results(b)
    if one.keys() != two.keys():
        yield f"trials {sorted(one.keys() ^ two.keys())} are in one folder only"
    for trial in sorted(one.keys() & two.keys()):
        if one[trial]["weights_sha256"] != two[trial]["weights_sha256"] or history(a, trial) != history(b, trial):
            yield f"{trial}: other weights or losses"


if __name__ == "__main__":
    faults = list({"accuracy": accuracy, "device": device, "histories": histories, "weights": weights}[sys.argv[1]](*sys.argv[2:]))
    print("\n".join(faults))
    sys.exit(bool(faults))
