"""The machine that a benchmark ran on."""
import json
import platform
import sys
from pathlib import Path

import common
from systems import HERE, call

FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")


def describe():
    info = cpuinfo()
    return {
        "cpu": info.get("model name", platform.machine()),
        "features": features(),
        "cores": common.cores(),
        "memory_bytes": int(Path("/proc/meminfo").read_text().split()[1]) * 1024,
        "system": f"{platform.system()} {platform.release()}",
        "versions": versions(),
        "gemm_gflops": {threads: gemm(threads) for threads in sorted({1, common.cores()})},
    }


def cpuinfo():
    lines = (line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}


def features():
    info = cpuinfo()
    have = (info.get("flags") or info.get("Features") or "").split()
    return [f for f in FEATURES if f in have]


def has_bfloat16():
    """Whether the CPU multiplies bfloat16 in hardware."""
    return any(f in features() for f in ("avx512_bf16", "amx_bf16", "bf16"))


def versions():
    from importlib.metadata import version
    names = ["keras", "numpy"] + [n for n in ("tensorflow-cpu", "tensorflow") if installed(n)][:1]
    return {name: version(name) for name in names} | {"python": platform.python_version()}


def installed(name):
    from importlib.metadata import PackageNotFoundError, version
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def gemm(threads):
    out, _, _ = call([sys.executable, HERE / "gemm.py", threads])
    return json.loads(out)["gflops"]
