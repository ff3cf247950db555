#!/usr/bin/env python3
"""Checks who imports whom, by the table in scripts/imports.txt and `go list`.

Each room may import, besides the standard library, what its line names; and a
pure room must not reach TensorFlow or C code by any path, in its tests
neither. Every wrong import is printed; exit 1 if there is one.
"""
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
MODULE = "slimfit/"
C_MODULES = ("github.com/wamuir/graft", "github.com/galeone/", "github.com/NVIDIA/go-nvml")


def main():
    rooms = read_table(SCRIPTS / "imports.txt")
    imports = dict(line.split(":") for line in go_list("-f", '{{.ImportPath}}:{{join .Imports " "}}', "./..."))
    faults = []
    for path, names in imports.items():
        room = path.removeprefix(MODULE)
        if room not in rooms:
            faults.append(f"{room} has no line in scripts/imports.txt: add one that says what it may import")
            continue
        faults += [f"{room} imports {name}: not in its line of scripts/imports.txt"
                   for name in names.split() if not permitted(name, rooms[room])]
    pure = [path for path in imports if "tensorflow" not in rooms.get(path.removeprefix(MODULE), [])]
    if impure(pure, rooms):
        for path in pure:
            faults += [f"{path.removeprefix(MODULE)} reaches {dep}, so it needs TensorFlow or C code to build"
                       for dep in impure([path], rooms)]
    print("\n".join(faults + [f"check-imports: {len(imports)} packages, {len(faults)} faults"]))
    return 1 if faults else 0


def read_table(file):
    """Reads `room: import ...` lines; # starts a comment."""
    lines = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return {room: names.split() for room, names in (line.split(":") for line in lines if line)}


def permitted(name, allowed):
    """Whether a line allows the import: the room itself, or the module it is in."""
    if not name.startswith(MODULE):
        return "." not in name.split("/")[0] or any((name + "/").startswith(entry + "/") for entry in allowed)
    return name.removeprefix(MODULE) in allowed or "pure" in allowed


def impure(paths, rooms):
    """Returns what the packages and their tests must not reach, but do."""
    deps = [dep.split()[0] for dep in go_list("-deps", "-test", *paths)]
    return sorted({module for module in C_MODULES if any(dep.startswith(module) for dep in deps)}
                  | {dep for dep in deps if "tensorflow" in rooms.get(dep.removeprefix(MODULE), [])})


def go_list(*args):
    return subprocess.run(["go", "list", *args], check=True, stdout=subprocess.PIPE, text=True,
                          cwd=SCRIPTS.parent).stdout.splitlines()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError:
        sys.exit("check-imports: go list failed, see above")
