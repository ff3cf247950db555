"""A cell timed in several processes at once."""
import multiprocessing

import common

SPAWN = multiprocessing.get_context("spawn")  # the libraries do not survive a fork


def run(target, jobs):
    """Runs target(job) in a process for each job; a dead one ends the run."""
    started = [SPAWN.Process(target=target, args=(job,)) for job in jobs]
    for p in started:
        p.start()
    for p in started:
        p.join()
        if p.exitcode:
            raise SystemExit(f"{target.__module__}: a process ended with {p.exitcode}")


def time_cell(target, args, how, count=0):
    """Times args.cell in count processes (0: as many as cores), target's job being (cell, steps, how, barrier, data, results)."""
    count = args.processes or count or common.cores()
    barrier, results = SPAWN.Barrier(count), SPAWN.Queue()
    run(target, [(args.cell, args.steps, how, barrier, args.data, results)] * count)
    parts = [results.get() for _ in range(count)]
    return {"processes": count, "steps_per_second": sum(p["rate"] for p in parts), "first_step_seconds": max(p["first"] for p in parts),
            "peak_rss_bytes": sum(p["rss"] for p in parts)} | ({"loss": parts[0]["loss"]} if "loss" in parts[0] else {})
