#!/usr/bin/env python3
"""Counts the lines of Go longer than 140 characters, but in tables, and fails where there are more than LIMIT.

A table is a line that begins an item of a list ({...}, "key": ..., Name: ...) or is text in backquotes. LIMIT only falls; --list prints the lines.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, LIMIT = 140, 26
TABLE = re.compile(r'''^\s*(\{|&?[\w.]*\{|["'`].*["'`]: |[A-Z]\w*: |//go:|// https?:)''')


def main():
    files = subprocess.run(["git", "ls-files", "*.go"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    long = []
    for file in files:
        path = ROOT / file
        if path.exists():
            long += [f"{file}:{number}: {len(line)}" for number, line in enumerate(path.read_text().splitlines(), 1)
                     if len(line) > WIDTH and not TABLE.match(line)]
    if "--list" in sys.argv or len(long) > LIMIT:
        print("\n".join(long))
    print(f"check-lines: {len(long)} lines of more than {WIDTH} characters outside tables, at most {LIMIT}")
    return 1 if len(long) > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
