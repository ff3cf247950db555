"""What the benchmarked programs share: the cells, MNIST, the command line."""
import argparse
import gzip
import json
import os
import resource
import time
from pathlib import Path

import numpy as np

BATCH = 50
LEARNING_RATE = 1e-4
EPSILON = 1e-8
VALIDATION = 5000
CALL = 100  # steps that the hand-written loop does in one call


def conv_net(kernel, filters, pool, units):
    return {"convs": [(kernel, filters, pool)], "units": units}


# Every convolution: kernel edge, filters, edge of the max pool behind it; then
# a dense layer of units, dropout 0.5 and the classifier. By their names in the
# paper's tables: IV to VI are conv KxKxF, pool 2, fc128.
CELLS = {
    "base": {"convs": [(5, 32, 2), (5, 64, 2)], "units": 1024},  # Table I
    "final": conv_net(5, 2, 4, 128),  # Table VII
}
SWEEP = [f"{k}x{k}x{f}" for k in (5, 3, 1) for f in (32, 16, 8, 4, 2)]
for _name in SWEEP:
    CELLS[_name] = conv_net(int(_name[0]), int(_name.split("x")[2]), 2, 128)


def macs(cell):
    """Multiply-accumulates of one image's forward pass, convolutions and dense layers."""
    edge, channels, total = 28, 1, 0
    for kernel, filters, pool in cell["convs"]:
        total += edge * edge * kernel * kernel * channels * filters
        edge, channels = -(-edge // pool), filters
    return total + edge * edge * channels * cell["units"] + cell["units"] * 10


def step_flops(cell):
    """Arithmetic of one training step: forward, and twice that backward, less the first layer's input gradient."""
    kernel, filters, _ = cell["convs"][0]
    first = 28 * 28 * kernel * kernel * filters
    return 2 * BATCH * (3 * macs(cell) - first)


def load_mnist(folder):
    """Returns ((images, labels) of train, validation and test); uint8, images [n, 28, 28, 1]."""
    train = read_idx(folder, "train-images-idx3-ubyte")[..., None], read_idx(folder, "train-labels-idx1-ubyte")
    test = read_idx(folder, "t10k-images-idx3-ubyte")[..., None], read_idx(folder, "t10k-labels-idx1-ubyte")
    return tuple(a[VALIDATION:] for a in train), tuple(a[:VALIDATION] for a in train), test


def read_idx(folder, name):
    """Reads an idx file of bytes, packed or not."""
    path = Path(folder, name)
    raw = path.read_bytes() if path.exists() else gzip.decompress(Path(folder, name + ".gz").read_bytes())
    shape = np.frombuffer(raw, ">i4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, -1, 4 + 4 * raw[3]).reshape(shape)


def default_data():
    """The data set's folder in slimfit's cache."""
    cache = os.environ.get("SLIMFIT_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "slimfit")
    return os.path.join(cache, "mnist")


def arguments(description, sweeps=True):
    """The command line of every peer."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", default=default_data(), help="folder of the MNIST idx files (default: slimfit's cache)")
    parser.add_argument("--processes", type=int, default=0, help="0: the peer's own best")
    commands = parser.add_subparsers(dest="command", required=True)
    cell = commands.add_parser("cell", help="steps a second of one network")
    cell.add_argument("cell", choices=CELLS)
    cell.add_argument("--steps", type=int, default=1000, help="timed steps, for each process")
    if not sweeps:
        return parser.parse_args()
    sweep = commands.add_parser("sweep", help="all cells of Tables IV to VI, result files included")
    sweep.add_argument("out", help="folder for the result files")
    sweep.add_argument("--steps", type=int, default=1000)
    sweep.add_argument("--seeds", type=int, default=5)
    sweep.add_argument("--order", choices=["per_seed", "shared"], default="per_seed")
    sweep.add_argument("--cells", nargs="*", choices=CELLS, default=SWEEP)
    return parser.parse_args()


def emit(**figures):
    """Prints the one JSON line that the driver reads."""
    print(json.dumps(figures), flush=True)


def write_result(out, cell, seed, validation, test):
    """Writes a trial's result as a whole file."""
    path = Path(out, cell, f"seed-{seed}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_suffix(".tmp")
    temp.write_text(json.dumps({"cell": cell, "seed": seed, "accuracy": {"validation": validation, "test": test}}))
    temp.replace(path)


def seconds_since_start():
    """Seconds since the kernel started this process."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def peak_rss():
    """Bytes that this process has had resident at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cores():
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))
