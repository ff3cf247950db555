#!/usr/bin/env python3
"""Times searches for the smallest network that is good enough, side by side.

The question: the fewest parameters with which three seeds reach the target on
the validation images; then the test images are looked at once. Of each tool:
when it first held the answer that it ends with, when it knew that it was done
(Optuna and KerasTuner never do: at their limit, or once every cheaper network was
trained), steps, parameters, and whether the three networks pass on the test
images. Tools: slimfit; Optuna's TPE with parameters as second objective, and TPE
with a median pruner; KerasTuner's Hyperband. Peers train by Keras fit, or by
tf_loop.py's loop: each network and seed once, on a machine that is theirs alone, and
its seconds, as far as the tool let it go, count in every search that trains it. So
the clock of a peer is its own seconds and those of its trainings, and repeats with
other samplers' seeds, other targets and other tools cost only what none before
them trained. slimfit's searches run for real, each from an empty folder.
Finished runs in --out are not repeated, so that a bench that was stopped, or ended by
--minutes, after which no run of slimfit begins that may not end, goes on when asked again.
"""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.argv[0] = str(HERE / "search.py")
RUNGS, SEEDS, STEPS = 4, 3, 4000
GO_ON = lambda rung, accuracy: True

# Axes by name; dense 0 is no dense layer.
SPACES = {
    "grid-120": {"file": "experiments/search/grid-120.yaml",
                 "axes": {"kernel": [1, 3, 5], "filters": [2, 4, 8, 16, 32], "pool": [2, 4], "dense": [16, 32, 64, 128]}},
    "space": {"file": "scripts/bench/search-space.yaml",
              "axes": {"kernel": [1, 3, 5], "filters": list(range(1, 33)), "pool": [2, 3, 4], "stride": [1, 2],
                       "second": [0, 1], "dense": [0] + list(range(16, 129, 16))}},
}


def cell_of(p):
    convs = [(p["kernel"], p["filters"], p["pool"])] + ([(3, 8, 2)] if p.get("second") else [])
    return {"convs": convs, "units": p["dense"], "stride": p.get("stride", 1)}


def parameters(cell):
    edge, channels, total = -(-28 // cell["stride"]), 1, 0
    for kernel, filters, pool in cell["convs"]:
        total += kernel * kernel * channels * filters + filters
        edge, channels = -(-edge // pool), filters
    width = edge * edge * channels
    if cell["units"]:
        total, width = total + (width + 1) * cell["units"], cell["units"]
    return total + (width + 1) * 10


def save(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(text)
    part.replace(file)


class Loop:
    """Trains by tf_loop.py's loop."""

    def __init__(self, data):
        import common
        import tf_loop
        self.tf, self.loop = tf_loop.import_tensorflow(os.cpu_count()), tf_loop
        self.train_data, self.validation, self.test = common.load_mnist(data)
        self.made = {}

    def begin(self, cell, seed):
        key = json.dumps(cell)
        if key not in self.made:
            self.made = {key: self.loop.Trainer(self.tf, cell, self.train_data)}
            if seed > 0:  # its graph was traced, and that time counted, for the first seed
                self.made[key].reset([seed], seed)
                self.made[key].train(1)
                self.made[key].accuracy(0, self.validation)
        self.trainer = self.made[key]
        self.trainer.reset([seed], seed)

    def train(self, steps):
        self.trainer.train(steps)

    def accuracy(self, data):
        return self.trainer.accuracy(0, data)


class Keras:
    """Trains by Keras fit."""

    def __init__(self, data):
        import common
        import keras_fit
        self.fit, self.keras = keras_fit, keras_fit.keras
        splits = [(x.astype("float32") / 255, y) for x, y in common.load_mnist(data)]
        self.train_data, self.validation, self.test = splits

    def begin(self, cell, seed):
        self.keras.utils.clear_session()
        self.keras.utils.set_random_seed(seed)
        self.model = self.fit.build(cell)
        self.model.compile(optimizer=self.model.optimizer, loss=self.model.loss, metrics=["accuracy"], steps_per_execution=100)

    def train(self, steps):
        self.fit.fit(self.model, self.train_data, steps)

    def accuracy(self, data):
        return float(self.model.evaluate(*data, batch_size=1000, verbose=0)[1])


class Trainings:
    """What an engine's networks came to, each trained once for all tools and repeats, and kept in a file.

    A training: steps, the validation accuracy at the end of each rung, the seconds from its begin to there, the test accuracy.
    """

    def __init__(self, name, data, file):
        self.name, self.data, self.file, self.engine = name, data, file, None
        self.all = json.loads(file.read_text()) if file.exists() else {}

    def of(self, cell, seed):
        key = " ".join(f"{k}x{k}x{f}/{p}" for k, f, p in cell["convs"]) + f" stride {cell['stride']} dense {cell['units']}"
        key = f"{self.name}: {key}: seed {seed}, {STEPS} steps"
        if key not in self.all:
            self.engine = self.engine or {"loop": Loop, "keras": Keras}[self.name](self.data)
            e, validation, seconds, begun = self.engine, [], [], time.perf_counter()
            e.begin(cell, seed)
            for _ in range(RUNGS):
                e.train(STEPS // RUNGS)
                validation.append(round(e.accuracy(e.validation), 4))
                seconds.append(round(time.perf_counter() - begun, 3))
            self.all[key] = {"validation": validation, "seconds": seconds, "test": round(e.accuracy(e.test), 4)}
            save(self.file, "{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(self.all.items())) + "\n}\n")
        return self.all[key]


class Done(BaseException):  # which no tool catches
    """The limit is reached, or every cheaper network was trained."""


class Question:
    """Judges what a tool trains, and notes when it came to what: the tool's own seconds, and those of its trainings."""

    def __init__(self, trainings, space, target, limit):
        self.trainings, self.axes, self.target, self.limit = trainings, SPACES[space]["axes"], target, limit
        self.steps, self.best, self.seen, self.held, self.again = 0, None, {}, None, 0
        self.all = [{}]
        for axis, values in self.axes.items():
            self.all = [p | {axis: v} for p in self.all for v in values]
        self.costs = sorted(parameters(cell_of(p)) for p in self.all)
        self.begun, self.outside, self.training = time.perf_counter(), 0, 0

    def clock(self):
        return time.perf_counter() - self.begun - self.outside + self.training

    def left(self):
        most = self.best[0] if self.best else float("inf")
        return bisect_left(self.costs, most) - sum(cost < most for _, cost in self.seen.values())

    def train(self, cell, seed, begin=0, report=GO_ON):
        """A training from one rung on to where the report ends it: its last accuracy, and whether it went to its end."""
        before = time.perf_counter()
        done = self.trainings.of(cell, seed)
        self.outside += time.perf_counter() - before
        if begin:
            self.training -= done["seconds"][begin - 1]
        for rung in range(begin, RUNGS):
            self.training += done["seconds"][rung] - (done["seconds"][rung - 1] if rung > begin else 0)
            self.steps += STEPS // RUNGS
            if not report(rung, done["validation"][rung]):
                return done["validation"][rung], False, done["test"]
        return done["validation"][-1], True, done["test"]

    def ask(self, p, report=GO_ON, begin=0):
        """The worst accuracy over seeds, of the first that misses the target; a network trained to its end is free the next time."""
        p = {axis: p[axis] for axis in self.axes}
        key, cell, cost = json.dumps(p), cell_of(p), parameters(cell_of(p))
        self.again = self.again + 1 if key in self.seen else 0
        if self.again == 1000 or self.clock() > self.limit:
            raise Done
        if key in self.seen:
            return self.seen[key]
        worst, tests = 1.0, []
        for seed in range(SEEDS):
            accuracy, ended, test = self.train(cell, seed, begin, report) if seed == 0 else self.train(cell, seed)
            worst = min(worst, accuracy)
            if not ended:
                return worst, cost
            if accuracy < self.target:
                break
            tests.append(test)
        self.seen[key] = worst, cost
        if len(tests) == SEEDS and (self.best is None or cost < self.best[0]) and self.clock() <= self.limit:
            self.best, self.held = (cost, p, tests), self.clock()
        if self.left() == 0:
            raise Done
        return worst, cost


def optuna_search(q, seed, pruner):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pick = lambda trial: {axis: trial.suggest_categorical(axis, values) for axis, values in q.axes.items()}
    sampler = optuna.samplers.TPESampler(seed=seed)
    if not pruner:
        study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
        study.optimize(lambda trial: q.ask(pick(trial)))
        return

    def objective(trial):
        pruned = False

        def report(rung, accuracy):
            nonlocal pruned
            trial.report(accuracy, rung)
            pruned = trial.should_prune()
            return not pruned
        accuracy, cost = q.ask(pick(trial), report)
        if pruned:
            raise optuna.TrialPruned
        return -cost if accuracy >= q.target else (accuracy - 2) * 1e7  # what passes, by parameters; else by accuracy
    optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner(n_warmup_steps=1)).optimize(objective)


def hyperband_search(q, seed, folder):
    import keras_tuner

    class Model(keras_tuner.HyperModel):
        def build(self, hp):
            return {axis: hp.Choice(axis, values, ordered=True) for axis, values in q.axes.items()}

        def fit(self, hp, model, **_):
            epochs = hp.values.get("tuner/epochs", RUNGS)
            accuracy, cost = q.ask(model, lambda rung, accuracy: rung + 1 < epochs or rung + 1 == RUNGS, hp.values.get("tuner/initial_epoch", 0))
            return {"score": -cost if accuracy >= q.target else (accuracy - 2) * 1e7}

    class Tuner(keras_tuner.Hyperband):
        def _build_hypermodel(self, hp):
            return self.hypermodel.build(hp)

        def run_trial(self, trial, *args, **kwargs):
            return self.hypermodel.fit(trial.hyperparameters, self.hypermodel.build(trial.hyperparameters))

    while True:  # again with other seeds until the limit
        Tuner(Model(), objective=keras_tuner.Objective("score", "max"), max_epochs=RUNGS, factor=2, seed=seed, directory=folder,
              project_name=str(seed), hyperband_iterations=1, overwrite=True).search(verbose=0)
        seed += 1000


def peer(args, tool, repeat):
    os.chdir(HERE)
    sys.path.insert(0, str(HERE))
    q = Question(Trainings(args.engine, args.data, args.trainings), args.space, args.target, args.limit)
    known = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            if tool == "hyperband":
                hyperband_search(q, repeat, folder)
            else:
                optuna_search(q, repeat, tool == "optuna-pruner")
        except Done:
            if q.left() == 0:
                known = q.clock()
    best = q.best or (None, None, [])
    return {"held": q.held, "known": known, "steps": q.steps, "trials": len(q.seen), "parameters": best[0], "answer": best[1],
            "test": best[2], "passes": bool(best[2]) and min(best[2]) >= args.target}


def slimfit(args, repeat):
    out = tempfile.mkdtemp()
    command = [str(HERE.parent.parent / "bin/slimfit"), "search", SPACES[args.space]["file"], "-o", out, "--format", "json", "--model",
               "--search-seed", str(repeat), "--set", f"target.accuracy={args.target}", "--set", f"train.steps={STEPS}"]
    begun, best, held = time.perf_counter(), None, None
    said = tempfile.TemporaryFile()  # no pipe: who does not read it stops who writes
    process = subprocess.Popen(command, cwd=HERE.parent.parent, stdout=said, stderr=subprocess.DEVNULL)
    while True:
        try:
            process.wait(0.2)
            break
        except subprocess.TimeoutExpired:
            if time.perf_counter() - begun > args.limit:
                process.terminate()
            for f in Path(out).glob("*/search.json"):
                now = (json.loads(f.read_text())["best"] or {})
                if now.get("seeds") == SEEDS and now["config_id"] != best:
                    best, held = now["config_id"], time.perf_counter() - begun
    known = time.perf_counter() - begun
    said.seek(0)
    answer = said.read()
    shutil.rmtree(out, ignore_errors=True)
    if process.returncode in (-15, 75, 130, 143):  # at the limit
        return {"held": held, "known": None, "steps": None, "trials": None, "parameters": None, "answer": best, "test": [], "passes": False}
    c = json.loads(answer)
    w = c["winner"]
    return {"held": held if w and best == w["config_id"] else known, "known": known, "steps": c["effort"]["steps"],
            "trials": c["effort"]["trials"], "parameters": w and w["footprint"]["parameters"], "answer": w and w["assignment"],
            "test": [n["accuracy"] for n in w["networks"]] if w else [], "passes": bool(w), "verdict": c["verdict"]}


def table(rows):
    """Medians, least and most in brackets; and how many times slimfit's held and known they are."""
    print("| space | target | tool | over | repeats | held, s | known, s | steps | parameters | pass on test | held / slimfit | known / slimfit |\n"
          "|---|---:|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    kinds = sorted({(r["space"], r["target"], r["tool"], r["engine"]) for r in rows}, key=lambda k: (k[0], k[1], k[3] != "slimfit", k[3], k[2]))

    def of(key, name):
        """A figure's values, rising; what never came is infinite."""
        return sorted(math.inf if r[name] is None else r[name] for r in rows if (r["space"], r["target"], r["tool"], r["engine"]) == key)

    show = lambda v, form="%.0f": "never" if math.isinf(v) else form % v
    middle = lambda values: values[len(values) // 2]
    spread = lambda values: f"{show(middle(values))} [{show(values[0])}, {show(values[-1])}]"
    for key in kinds:
        own = (*key[:2], "slimfit", "slimfit")
        ratios = ["-" if key == own or not of(own, name) or math.isinf(middle(of(own, name)) + middle(of(key, name))) else
                  "%.1f" % (middle(of(key, name)) / middle(of(own, name))) for name in ("held", "known")]
        print("| %s | %g | %s | %s | %d | %s | %s | %s | %s | %d | %s | %s |" % (
            *key, len(of(key, "held")), spread(of(key, "held")), spread(of(key, "known")), show(middle(of(key, "steps"))),
            spread(of(key, "parameters")), sum(of(key, "passes")), *ratios))


def main():
    global STEPS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--space", choices=SPACES, default="grid-120")
    parser.add_argument("--target", type=float, default=0.93)
    parser.add_argument("--tools", nargs="+", default=["slimfit", "optuna", "optuna-pruner", "hyperband"],
                        choices=["slimfit", "optuna", "optuna-pruner", "hyperband"])
    parser.add_argument("--engine", choices=["keras", "loop"], default="loop", help="what the peers train by")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=3600, help="seconds, after which a search is stopped")
    parser.add_argument("--minutes", type=float, help="begin no run that its --limit would let go on beyond them; without it all runs")
    parser.add_argument("--steps", type=int, default=STEPS, help="of each training; few see whether all works, and need an --out of their own")
    parser.add_argument("--data", default=os.path.expanduser("~/.cache/slimfit/mnist"))
    parser.add_argument("--trainings", default="runs/bench-trainings.json", help="the peers' trainings; what is in it is not trained again")
    parser.add_argument("--out", default="runs/bench-search.json", help="results; what is in it is not done again")
    args = parser.parse_args()
    STEPS, begun = args.steps, time.perf_counter()
    out, args.trainings = Path(args.out).resolve(), Path(args.trainings).resolve()
    rows = json.loads(out.read_text()) if out.exists() else []
    for repeat in range(args.repeats):
        for tool in args.tools:
            key = {"space": args.space, "target": args.target, "tool": tool, "engine": "slimfit" if tool == "slimfit" else args.engine,
                   "repeat": repeat}
            if any(key.items() <= r.items() for r in rows):
                continue
            if tool == "slimfit" and args.minutes is not None and time.perf_counter() - begun + args.limit > 60 * args.minutes:
                print("no time left for:", *key.values(), file=sys.stderr)
                continue
            print("search:", *key.values(), file=sys.stderr)
            row = key | (slimfit(args, repeat) if tool == "slimfit" else peer(args, tool, repeat)) | {"limit": args.limit}
            rows = (json.loads(out.read_text()) if out.exists() else []) + [row]
            save(out, json.dumps(rows, indent=1) + "\n")
    table(rows)


if __name__ == "__main__":
    main()
