#!/usr/bin/env python3
"""Reads `go test -json` and prints what matters: a line a package, what failed, what was skipped.

    go test -json ./... | scripts/check_tests.py [--strict]

With --strict a skip that scripts/skips.txt does not expect is a failure. Exit 1
if a test failed, did not build, or was skipped so.
"""
import json
import shutil
import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
MODULE = "slimfit/"


def main():
    strict = "--strict" in sys.argv
    output, skipped, failed, passed = {}, [], 0, 0
    for line in sys.stdin:
        try:
            event = json.loads(line)
        except ValueError:
            print(line, end="")
            continue
        package = event.get("Package", event.get("ImportPath", "")).removeprefix(MODULE)
        key = package, event.get("Test", "")
        action = event["Action"]
        if action in ("output", "build-output"):
            output.setdefault(key, []).append(event["Output"])
        elif action in ("fail", "build-fail"):
            failed += 1
            print("".join(output.pop(key, [])), end="", flush=True)
        elif action == "skip" and key[1]:
            skipped.append((package, key[1], reason(output.pop(key, []))))
        elif action == "pass":
            output.pop(key, None)
            if not key[1]:
                passed += 1
                print(f"ok  {package}  {event['Elapsed']:.1f} s", flush=True)
    surprises = 0
    for package, test, why in skipped:
        expected = any(words in why and not have(need) for need, words in read_expected())
        surprises += strict and not expected
        print(f"{'UNEXPECTED SKIP' if strict and not expected else 'skipped'}: {package} {test}: {why}")
    if surprises:
        print(f"{surprises} skips that scripts/skips.txt does not expect")
    if not passed:
        print("no package passed")
    return 1 if failed or surprises or not passed else 0


def reason(lines):
    """What the test said when it skipped, without its place."""
    said = [line.strip() for line in lines if not line.lstrip().startswith(("=== ", "--- "))]
    return " ".join(said).split(": ", 1)[-1] or "no reason given"


def read_expected():
    """Reads `NEED: words of the reason` lines; # starts a comment."""
    lines = (line.split("#")[0].strip() for line in (SCRIPTS / "skips.txt").read_text().splitlines())
    return [tuple(word.strip() for word in line.split(":", 1)) for line in lines if line]


def have(need):
    """Whether a command, or a path in the repository, is here."""
    return need != "-" and (shutil.which(need) is not None or "/" in need and (SCRIPTS.parent / need).exists())


if __name__ == "__main__":
    sys.exit(main())
