#!/usr/bin/env python3
"""Fills the generated parts of README.md: the quickstart's report and the table of keys.

Run it after `make run` and a change of either; a test compares the keys with the program.
"""
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "runs/quickstart/report"
FIGURE = ROOT / "experiments/quickstart.svg"


def slimfit(*args):
    return subprocess.run([ROOT / "bin/slimfit", *args], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def fill(text, begin, end, content):
    """Replaces what stands between the two marker lines."""
    head, rest = text.split(begin + "\n", 1)
    _, tail = rest.split(end, 1)
    return f"{head}{begin}\n{content}\n{end}{tail}"


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    report = slimfit("report", "runs/quickstart").split("\nWhat each network costs")[0].rstrip()
    shutil.copy(REPORT / "figures/accuracy.svg", FIGURE)
    sample = f"```text\n{report}\n```\n\n![Validation accuracy against the number of filters, one curve a kernel size](experiments/{FIGURE.name})"
    text = fill(text, "<!-- report: slimfit report runs/quickstart -->", "<!-- end of report -->", sample)
    text = fill(text, "<!-- keys: slimfit schema --format markdown -->", "<!-- end of keys -->", slimfit("schema", "--format", "markdown").rstrip())
    readme.write_text(text)


main()
