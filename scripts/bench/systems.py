"""The programs that are compared, each called as a user would call it."""
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import common
from memory import Peak

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SLIMFIT, WORKER = ROOT / "bin/slimfit", ROOT / "bin/slimfit-worker"
PACKS = (1, 2, 4, 8, 16)  # members of a pack that are tried


class BenchError(Exception):
    pass


def call(command, sample=False):
    """Runs a command to its end; returns (stdout, seconds, peak bytes if sampled: it slows what it watches)."""
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
        peak = Peak(process.pid) if sample else None
        out, _ = process.communicate()
        seconds, memory = time.monotonic() - start, peak.done() if sample else None
        if process.returncode:
            errors.seek(0)
            raise BenchError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{errors.read()[-2000:]}")
    return out, seconds, memory


class Peer:
    """A Python program with the command line of common.arguments."""

    def __init__(self, script, data, python=sys.executable):
        self.command = [python, HERE / script, "--data", data]

    def cell(self, name, steps):
        """Returns the program's figures: steps_per_second, first_step_seconds, processes."""
        return json.loads(call(self.command + ["cell", name, "--steps", steps])[0])

    def sweep(self, steps, seeds, order, sample=False):
        """Returns seconds from process start to the last result file, peak_bytes if sampled, and test_accuracy by cell."""
        with tempfile.TemporaryDirectory() as out:
            text, seconds, memory = call(self.command + ["sweep", out, "--steps", steps, "--seeds", seeds, "--order", order], sample)
            return json.loads(text) | {"seconds": seconds, "peak_bytes": memory}


class Slimfit:
    """bin/slimfit for whole sweeps; for single cells its workers, as many as cores, one thread each."""

    def __init__(self, data):
        cache, folder = os.path.split(os.path.abspath(data))
        if folder != "mnist":
            raise BenchError(f"--data {data}: slimfit's cache keeps MNIST in a folder called mnist")
        self.cache = cache
        self.configurations = {}
        for file in ("table1", "final", "table4-6"):
            self.read_plan(ROOT / f"experiments/paper/{file}.yaml")

    def read_plan(self, file):
        """Files the experiment's configurations under the cell that has the same layers."""
        out, _, _ = call([SLIMFIT, "plan", file, "--cache", self.cache, "--format", "json", "--quiet"])
        for plan in json.loads(out):
            for configuration in plan["configurations"]:
                for name, cell in common.CELLS.items():
                    if layers(cell) == configuration["model"]:
                        self.configurations[name] = configuration

    def cell(self, name, steps, precision="float32"):
        """Returns the figures of the best pack size, and of a single network (alone)."""
        best = alone = None
        for size in PACKS:
            figures = self.pack(name, steps, size, precision)
            alone = alone or figures
            if best is None or figures["steps_per_second"] > best["steps_per_second"]:
                best = figures
            elif figures["steps_per_second"] < 0.8 * best["steps_per_second"]:
                break  # larger packs only lose
        return best | {"alone": alone["steps_per_second"], "first_step_seconds": alone["first_step_seconds"]}

    def pack(self, name, steps, size, precision):
        """Times workers side by side, each with a pack of one cell under several seeds."""
        workers = [Timed(self.pack_command(name, steps, size, precision)) for _ in range(common.cores())]
        try:
            for w in workers:
                w.ready()
            for w in workers:
                w.ask()
            seconds = [w.answer() for w in workers]
        finally:
            for w in workers:
                w.close()
        return {"system": "slimfit", "cell": name, "pack": size, "processes": len(workers),
                "steps_per_second": sum(size / s for s in seconds), "first_step_seconds": max(w.first for w in workers)}

    def pack_command(self, name, steps, size, precision):
        c = self.configurations[name]
        members = [{"key": {"config_id": c["config_id"], "seed": seed}, "layers": c["model"][:-1], "dir": os.devnull, "token": 0}
                   for seed in range(size)]
        pack = {"id": 1, "source": {"cache": self.cache}, "data": c["dataset"], "members": members,
                "recipe": c["train"] | {"order": "shared", "precision": precision}}
        return lambda n: {"measure": {"pack": pack, "steps": n or max(1, steps // size)}}

    def sweep(self, steps, seeds, order, sample=False):
        """As Peer.sweep."""
        with tempfile.TemporaryDirectory() as out:
            _, seconds, memory = call([SLIMFIT, "run", ROOT / "experiments/paper/table4-6.yaml", "--cache", self.cache, "--out", out,
                                       "--set", f"train.steps={steps}", "--set", f"seeds={seeds}", "--set", f"train.order={order}", "--quiet"], sample)
            accuracy, trials = {}, []
            for file in Path(out).glob("*/*/seed-*/result.json"):
                result = json.loads(file.read_text())
                trials.append(result)
                name = next(n for n, cell in common.CELLS.items() if layers(cell) == result["model"])
                accuracy.setdefault(name, []).append(result["accuracy"]["test"])
            if sum(map(len, accuracy.values())) != len(common.SWEEP) * seeds:
                raise BenchError("slimfit run left some of the sweep's trials without a result")
            return {"seconds": seconds, "peak_bytes": memory, "test_accuracy": {n: sum(a) / len(a) for n, a in accuracy.items()},
                    "shares": shares(trials, seconds)}


def shares(trials, seconds):
    """Where the cores' time of a sweep went, in shares: training steps; the rest of the packs (building graphs, judging accuracies);
    idle at the end, when no pack was left to begin; idle before. Trials of one pack started at the same time."""
    packs = {}
    for t in trials:
        start, end = (datetime.fromisoformat(t[k].replace("Z", "+00:00")).timestamp() for k in ("started", "finished"))
        packs[start] = max(end, packs.get(start, end))
    end = max(packs.values())
    last = sorted(packs.values())[-common.cores():]
    cores = common.cores() * seconds
    training, busy = sum(t["seconds"] for t in trials), sum(e - s for s, e in packs.items())
    idle = sum(end - e for e in last)
    return {"packs": len(packs), "training": training / cores, "building and judging": (busy - training) / cores,
            "idle at the end": idle / cores, "start and idle before": 1 - (busy + idle) / cores}


class Timed:
    """One worker process that times a pack."""

    def __init__(self, command, *flags):
        self.command, self.start = command, time.monotonic()
        self.process = subprocess.Popen([WORKER, "--threads", "1", *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True)
        self.ask(1)

    def ready(self):
        """Waits for the first steps."""
        self.answer()
        self.first = time.monotonic() - self.start

    def ask(self, steps=None):
        print(json.dumps(self.command(steps)), file=self.process.stdin, flush=True)

    def answer(self):
        """Returns the seconds that a step of the pack takes."""
        for line in self.process.stdout:
            event = json.loads(line)
            if event["type"] == "measured":
                return event["seconds"]
            if event["type"] == "error":
                raise BenchError(f"slimfit-worker: {event['message']}")
        raise BenchError(f"slimfit-worker ended with {self.process.wait()}")

    def close(self):
        """Ends the worker."""
        self.process.stdin.close()
        self.process.wait()


def layers(cell):
    """The cell as slimfit's JSON writes its model."""
    model = []
    for kernel, filters, pool in cell["convs"]:
        model.append({"conv": {"kernel": [kernel, kernel], "filters": filters, "stride": 1, "padding": "same", "activation": "relu"}})
        model.append({"maxpool": {"size": pool, "stride": pool, "padding": "same"}})
    return model + [{"dense": {"units": cell["units"], "activation": "relu"}}, {"dropout": 0.5},
                    {"dense": {"units": 10, "activation": "none"}}]
