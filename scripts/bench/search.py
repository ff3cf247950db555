#!/usr/bin/env python3
"""Times searches for the smallest network that is good enough, side by side.

The question: the fewest parameters with which three seeds reach the target on
the validation images; then the test images are looked at once. Of each tool:
when it first held the answer that it ends with, when it knew that it was done
(Optuna and KerasTuner never do: at their limit, or once every cheaper network was
trained), steps, parameters, and whether the three networks pass on the test
images. Tools: slimfit; Optuna's TPE with parameters as second objective, and TPE
with a median pruner; KerasTuner's Hyperband. Peers train by Keras fit, or by
tf_loop.py's loop. Finished runs in --out are not repeated, so
that --minutes, after which no run begins that may not end, can be asked again to go on.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.argv[0] = str(HERE / "search.py")
RUNGS, SEEDS, STEPS = 4, 3, 4000

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


class Loop:
    """Trains by tf_loop.py's loop."""

    def __init__(self, data):
        import common
        import tf_loop
        self.tf, self.loop = tf_loop.import_tensorflow(os.cpu_count()), tf_loop
        self.train_data, self.validation, self.test = common.load_mnist(data)
        self.made = {}

    def train(self, cell, seed, report):
        key = json.dumps(cell)
        if key not in self.made:
            self.made = {key: self.loop.Trainer(self.tf, cell, self.train_data)}
        trainer = self.made[key]
        trainer.reset([seed], seed)
        for rung in range(RUNGS):
            trainer.train(STEPS // RUNGS)
            accuracy = trainer.accuracy(0, self.validation)
            if not report(rung, accuracy):
                return accuracy, None
        return accuracy, lambda: trainer.accuracy(0, self.test)


class Keras:
    """Trains by Keras fit."""

    def __init__(self, data):
        import common
        import keras_fit
        self.fit, self.keras = keras_fit, keras_fit.keras
        splits = [(x.astype("float32") / 255, y) for x, y in common.load_mnist(data)]
        self.train_data, self.validation, self.test = splits

    def train(self, cell, seed, report):
        self.keras.utils.clear_session()
        self.keras.utils.set_random_seed(seed)
        model = self.fit.build(cell)
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=["accuracy"], steps_per_execution=100)
        score = lambda data: float(model.evaluate(*data, batch_size=1000, verbose=0)[1])
        for rung in range(RUNGS):
            self.fit.fit(model, self.train_data, STEPS // RUNGS)
            accuracy = score(self.validation)
            if not report(rung, accuracy):
                return accuracy, None
        return accuracy, lambda: score(self.test)


class Done(BaseException):  # which no tool catches
    """The limit is reached, or every cheaper network was trained."""


class Question:
    """Judges what a tool trains, and notes when it came to what."""

    def __init__(self, engine, space, target, limit):
        self.engine, self.axes, self.target, self.limit = engine, SPACES[space]["axes"], target, limit
        self.begun, self.steps, self.best, self.seen, self.held = time.perf_counter(), 0, None, {}, None
        self.all = [{}]
        for axis, values in self.axes.items():
            self.all = [p | {axis: v} for p in self.all for v in values]

    def left(self):
        most = self.best[0] if self.best else float("inf")
        return sum(parameters(cell_of(p)) < most and json.dumps(p) not in self.seen for p in self.all)

    def ask(self, p, report=lambda rung, accuracy: True):
        """The worst accuracy over seeds, of the first that misses the target; each network is trained once."""
        p = {axis: p[axis] for axis in self.axes}
        key, cell = json.dumps(p), cell_of(p)
        if key not in self.seen:
            worst, tests = 1.0, []
            for seed in range(SEEDS):
                if time.perf_counter() - self.begun > self.limit:
                    raise Done
                def counted(rung, accuracy):
                    self.steps += STEPS // RUNGS
                    return seed > 0 or report(rung, accuracy)
                accuracy, test = self.engine.train(cell, seed, counted)
                worst = min(worst, accuracy)
                if test is None:
                    return worst, parameters(cell)  # stopped by the tool: not known
                if accuracy < self.target:
                    break
                tests.append(test() if seed == SEEDS - 1 or self.best is None or parameters(cell) < self.best[0] else None)
            self.seen[key] = worst
            if len(tests) == SEEDS and (self.best is None or parameters(cell) < self.best[0]):
                self.best, self.held = (parameters(cell), p, tests), time.perf_counter() - self.begun
            if self.left() == 0:
                raise Done
        return self.seen[key], parameters(cell)


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
            accuracy, cost = q.ask(model, lambda rung, accuracy: rung + 1 < RUNGS and rung + 1 < epochs or rung + 1 == RUNGS)
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
    q = Question({"loop": Loop, "keras": Keras}[args.engine](args.data), args.space, args.target, args.limit)
    known = None
    with tempfile.TemporaryDirectory() as folder:
        try:
            if tool == "hyperband":
                hyperband_search(q, repeat, folder)
            else:
                optuna_search(q, repeat, tool == "optuna-pruner")
        except Done:
            if q.left() == 0:
                known = time.perf_counter() - q.begun
    best = q.best or (None, None, [])
    return {"held": q.held, "known": known, "steps": q.steps, "trials": len(q.seen), "parameters": best[0], "answer": best[1],
            "test": best[2], "passes": bool(best[2]) and min(best[2]) >= args.target}


def slimfit(args, repeat):
    out = tempfile.mkdtemp()
    command = [str(HERE.parent.parent / "bin/slimfit"), "search", SPACES[args.space]["file"], "-o", out, "--format", "json", "--model",
               "--search-seed", str(repeat), "--set", f"target.accuracy={args.target}", "--set", f"train.steps={STEPS}"]
    begun, best, held = time.perf_counter(), None, None
    process = subprocess.Popen(command, cwd=HERE.parent.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
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
    answer = process.stdout.read()
    shutil.rmtree(out, ignore_errors=True)
    if process.returncode in (-15, 75, 130, 143):  # at the limit
        return {"held": held, "known": None, "steps": None, "trials": None, "parameters": None, "answer": best, "test": [], "passes": False}
    c = json.loads(answer)
    w = c["winner"]
    return {"held": held if w and best == w["config_id"] else known, "known": known, "steps": c["effort"]["steps"],
            "trials": c["effort"]["trials"], "parameters": w and w["footprint"]["parameters"], "answer": w and w["assignment"],
            "test": [n["accuracy"] for n in w["networks"]] if w else [], "passes": bool(w), "verdict": c["verdict"]}


def table(rows):
    print("| space | target | tool | over | repeats | held, s | known, s | steps | parameters | pass on test |\n"
          "|---|---:|---|---|---:|---:|---:|---:|---:|---:|")
    middle = lambda values: sorted(values)[len(values) // 2] if values else None
    for key in sorted({(r["space"], r["target"], r["tool"], r["engine"]) for r in rows}):
        some = [r for r in rows if (r["space"], r["target"], r["tool"], r["engine"]) == key]
        of = lambda name: [r[name] for r in some if r[name] is not None]
        held, known = middle(of("held")), middle(of("known")) if len(of("known")) > len(some) // 2 else None
        show = lambda v, form="%.0f": "never" if v is None else form % v
        print("| %s | %g | %s | %s | %d | %s | %s | %s | %s | %d |" % (*key, len(some), show(held), show(known), show(middle(of("steps"))),
              show(middle(of("parameters")), "%d"), sum(r["passes"] for r in some)))


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
    parser.add_argument("--out", default="runs/bench-search.json", help="results; what is in it is not done again")
    args = parser.parse_args()
    STEPS, begun = args.steps, time.perf_counter()
    out = Path(args.out).resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = json.loads(out.read_text()) if out.exists() else []
    for repeat in range(args.repeats):
        for tool in args.tools:
            key = {"space": args.space, "target": args.target, "tool": tool, "engine": "slimfit" if tool == "slimfit" else args.engine,
                   "repeat": repeat}
            if any(key.items() <= r.items() for r in rows):
                continue
            if args.minutes is not None and time.perf_counter() - begun + args.limit > 60 * args.minutes:
                print("no time left for:", *key.values(), file=sys.stderr)
                continue
            print("search:", *key.values(), file=sys.stderr)
            row = key | (slimfit(args, repeat) if tool == "slimfit" else peer(args, tool, repeat)) | {"limit": args.limit}
            rows = (json.loads(out.read_text()) if out.exists() else []) + [row]
            part = out.with_suffix(".part")
            part.write_text(json.dumps(rows, indent=1) + "\n")
            part.replace(out)
    table(rows)


if __name__ == "__main__":
    main()
