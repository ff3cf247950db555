#!/usr/bin/env python3
"""Sets up libtensorflow for the build in .tensorflow/ of this repository.

    setup_libtensorflow.py [cpu|gpu]    default: keep what is there, else cpu
    LIBTENSORFLOW=/prefix setup_...     use an installed one: /prefix/{lib,include}

The library and its C headers come out of TensorFlow's own wheels, by `pip
download`, pinned by the SHA-256 in libtensorflow-<variant>.sha256. Only what
the build and the worker need is kept:

    .tensorflow/<variant>-<version>/tensorflow/   libraries, include/
    .tensorflow/<variant>-<version>/nvidia/       gpu: the CUDA wheels, in their own layout
    .tensorflow/lib, .tensorflow/include          links to the variant in use

A folder appears by rename, so one that exists is whole; a wheel put into
.tensorflow/wheels/ by hand is used instead of the network.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
HOME = SCRIPTS.parent / ".tensorflow"
WHEELS = HOME / "wheels"
TRIES = 3  # of a download that arrives broken

# What is kept of the wheels. The headers are what c_api.h, eager/c_api.h and
# c_api_experimental.h include; the libraries find each other by run paths
# relative to these folders.
KEEP = re.compile(
    r"tensorflow/(libtensorflow_(cc|framework)\.so\.2"
    r"|include/tensorflow/c/.*\.h"
    r"|include/(tensorflow/core|tsl)/platform/ctstring\w*\.h"
    r"|include/xla/tsl/c/.*\.h|include/LICENSE|THIRD_PARTY_NOTICES\.txt)"
    r"|tensorflow(_cpu)?\.libs/.+"
    r"|nvidia/.+\.so(\.\d+)*"
    r"|nvidia/cuda_nvcc/(bin|nvvm)/.+"
    r"|.+\.dist-info/(LICENSE|License|licenses/).*"
)
# The linker looks for these names, which the wheels do not have.
LINKS = {
    "libtensorflow.so": "libtensorflow_cc.so.2",
    "libtensorflow_framework.so": "libtensorflow_framework.so.2",
}


class SetupError(Exception):
    """Says what is wrong and what to do about it."""


def main(argv):
    if len(argv) > 1 or (argv and argv[0] not in ("cpu", "gpu")):
        raise SetupError("usage: setup_libtensorflow.py [cpu|gpu]")
    prefix = os.environ.get("LIBTENSORFLOW")
    if prefix:
        return use_installed(Path(prefix).resolve())
    if not argv and in_use():
        return None
    HOME.mkdir(exist_ok=True)
    with locked(HOME / "lock"):
        install(argv[0] if argv else "cpu")


def install(variant):
    """Downloads, checks and unpacks a variant unless it is there, and links it."""
    pins, version = read_pins(variant)
    folder = HOME / f"{variant}-{version}"
    if not complete(folder):
        if folder.exists():
            say(f"{folder} has lost files: removed, set up again")
            shutil.rmtree(folder)
        for rest in HOME.glob("tmp-*"):  # of a set-up that was killed; the lock is ours
            shutil.rmtree(rest)
        WHEELS.mkdir(exist_ok=True)
        wheels = [fetch(name, digest) for name, digest in pins]
        unpack(wheels, folder)
        for wheel in wheels:
            wheel.unlink()
    link(HOME / "lib", Path(folder.name, "tensorflow"))
    link(HOME / "include", Path(folder.name, "tensorflow", "include"))
    say(f"libtensorflow {version} ({variant}) is ready in {folder}")


def use_installed(prefix):
    """Links an installed libtensorflow after a look at what it has to have."""
    for need in ("lib/libtensorflow.so", "include/tensorflow/c/c_api.h"):
        if not (prefix / need).exists():
            raise SetupError(
                f"LIBTENSORFLOW={prefix}: {prefix / need} is missing; set LIBTENSORFLOW to the folder that"
                " has lib/ and include/ of libtensorflow 2.18, or unset it to download one")
    HOME.mkdir(exist_ok=True)
    if not in_use() or (HOME / "lib").resolve() != (prefix / "lib").resolve():
        link(HOME / "lib", prefix / "lib")
        link(HOME / "include", prefix / "include")
        say(f"using the libtensorflow of {prefix}")


def in_use():
    """Whether .tensorflow/lib and include point to a whole installation."""
    lib = HOME / "lib"
    if not (lib / "libtensorflow.so").exists() or not (HOME / "include/tensorflow/c/c_api.h").exists():
        return False
    folder = lib.resolve().parent
    return folder.parent != HOME.resolve() or complete(folder)


def complete(folder):
    """Whether a folder of ours still has every file, at its size."""
    try:
        sizes = json.loads((folder / "files.json").read_text())
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError):
        return False


def read_pins(variant):
    """Returns [(wheel file, SHA-256)] for this machine and TensorFlow's version."""
    machine = platform.machine()
    file = SCRIPTS / f"libtensorflow-{variant}-{machine}.sha256"
    if platform.system() != "Linux" or not file.exists():
        raise SetupError(
            f"no pinned {variant} build of libtensorflow for {platform.system()} {machine};"
            " install libtensorflow 2.18 yourself and set LIBTENSORFLOW to its prefix")
    pins = [tuple(reversed(line.split())) for line in file.read_text().splitlines() if line]
    return pins, pins[0][0].split("-")[1]


def fetch(name, digest):
    """Returns the wheel's path once its content has the digest."""
    path = WHEELS / name
    for _ in range(TRIES):
        if not path.exists():
            say(f"downloading {name}")
            download(name)
        if not path.exists():
            raise SetupError(f"pip gave another file than {name}; see {WHEELS}")
        if sha256(path) == digest:
            return path
        path.unlink()
        say(f"{path} was broken or incomplete (its SHA-256 is not {digest}): removed")
    raise SetupError(f"{name} arrived broken {TRIES} times; put a good one into {WHEELS} (SHA-256 {digest})")


def download(name):
    """Fetches one wheel by pip, for the wheel's own Python and platform."""
    project, version, python, abi, tags = name[: -len(".whl")].split("-")
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps",
               "--no-cache-dir", "--only-binary=:all:", "--implementation", "cp" if abi != "none" else "py",
               "--python-version", re.sub(r"\D", "", python), "--abi", abi, "--dest", str(WHEELS)]
    for tag in tags.split("."):
        command += ["--platform", tag]
    command.append(f"{project}=={version}")
    if not sys.stderr.isatty():
        command.append("-qq")  # else pip shows how far it is
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SetupError(
            f"{done.stderr.strip()}\ncannot download {name}.\n"
            f"Without network: fetch that file from https://pypi.org/project/{project.replace('_', '-')}/{version}/#files"
            f" on another machine,\nput it into {WHEELS}/ and run this again;"
            " or set LIBTENSORFLOW to the prefix of an installed libtensorflow 2.18.")


def unpack(wheels, folder):
    """Unpacks what KEEP names and renames it into place as a whole."""
    temp = Path(tempfile.mkdtemp(prefix="tmp-", dir=HOME))
    sizes = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or not KEEP.fullmatch(entry.filename):
                    continue
                target = Path(archive.extract(entry, temp))
                target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)
                sizes[entry.filename] = entry.file_size
    for name, target in LINKS.items():
        (temp / "tensorflow" / name).symlink_to(target)
    (temp / "files.json").write_text(json.dumps(sizes, indent=1))
    temp.chmod(0o755)
    temp.rename(folder)


def link(path, target):
    """Points the symbolic link at target in one step."""
    temp = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        temp.unlink()
    temp.symlink_to(target)
    temp.replace(path)


def sha256(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(path):
    """Lets one set-up at a time into .tensorflow/."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (SetupError, OSError, zipfile.BadZipFile) as error:
        say(f"make setup: {error}")
        sys.exit(4)
    except KeyboardInterrupt:
        sys.exit(130)
