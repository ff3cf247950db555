#!/usr/bin/env python3
"""Fills the generated parts of the documents: the quickstart's report and picture in README.md, and
by `go test ./scripts/docs -update` the table of keys and the rooms.

Run it after `make run` and a change of one of them; tests compare keys and rooms with the program.
The picture needs chromium; without it the old one stays.
"""
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "runs/quickstart/report/report.html"
PICTURE = ROOT / "experiments/quickstart.png"
CHROMIUM = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,930", "--virtual-time-budget=4000"]


def slimfit(*args):
    return subprocess.run([ROOT / "bin/slimfit", *args], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def fill(text, begin, end, content):
    """Replaces what stands between the two marker lines."""
    head, rest = text.split(begin + "\n", 1)
    _, tail = rest.split(end, 1)
    return f"{head}{begin}\n{content}\n{end}{tail}"


def take_picture():
    program = shutil.which("chromium")
    if not program:
        print("no chromium: the picture stays as it is")
        return
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "page.png"
        subprocess.run([program, *CHROMIUM, f"--user-data-dir={folder}", f"--screenshot={shot}", PAGE.as_uri()], check=True, capture_output=True)
        subprocess.run(["go", "test", "./scripts/docs", "-run", "TestPicture", "-picture", f"{shot},{ROOT / PICTURE}"], cwd=ROOT, check=True)


def main():
    readme = ROOT / "README.md"
    report = slimfit("report", "runs/quickstart").split("\nWhat was done")[0].rstrip()
    readme.write_text(fill(readme.read_text(), "<!-- report: slimfit report runs/quickstart -->", "<!-- end of report -->", f"```text\n{report}\n```"))
    take_picture()
    subprocess.run(["go", "test", "./scripts/docs", "-update"], cwd=ROOT, check=True)


main()
