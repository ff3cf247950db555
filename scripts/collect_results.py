#!/usr/bin/env python3
"""Copies the small files of run folders, for the record: experiment, results and histories, no weights, checkpoints or logs.

    collect_results.py FROM TO      FROM holds run folders, as --out does

`slimfit report TO/<name>` reads the copy as it would the run folder.
"""
import shutil
import sys
from pathlib import Path

WANTED = ("experiment.yaml", "*/seed-*/result.json", "*/seed-*/history.csv")


def main(source, target):
    copied = 0
    for folder in sorted(p for p in Path(source).iterdir() if (p / "experiment.yaml").is_file()):
        for file in sorted(f for pattern in WANTED for f in folder.glob(pattern)):
            to = Path(target) / folder.name / file.relative_to(folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
            copied += 1
    print(f"{copied} files")


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
