#!/usr/bin/env python3
"""Counts the lines of Go longer than 140 characters, but in tables, and fails where there are more than LIMIT.

A table is a line that begins an item of a list ({...}, "key": ..., Name: ...). Text in backquotes, which cannot be broken, does not count.
LIMIT only falls; --list prints the lines.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH, LIMIT = 140, 0
TABLE = re.compile(r'''^\s*(\{|&?[\w.]*\{|["'`].*["'`]: |[A-Z]\w*: |//go:|// https?:)''')


def counted(source):
    """Yields the number and the length of each line, text in backquotes and tables left out."""
    quoted = False
    for number, line in enumerate(source.splitlines(), 1):
        parts = line.split("`")
        shown = "".join(part for i, part in enumerate(parts) if quoted == (i % 2 == 1))
        quoted ^= len(parts) % 2 == 0
        yield number, 0 if TABLE.match(line) else len(shown)


def main():
    files = subprocess.run(["git", "ls-files", "*.go"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    long = []
    for file in files:
        path = ROOT / file
        if path.exists():
            long += [f"{file}:{number}: {length}" for number, length in counted(path.read_text()) if length > WIDTH]
    if "--list" in sys.argv or len(long) > LIMIT:
        print("\n".join(long))
    print(f"check-lines: {len(long)} lines of more than {WIDTH} characters outside tables, at most {LIMIT}")
    return 1 if len(long) > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
