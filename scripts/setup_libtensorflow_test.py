"""Tests of setup_libtensorflow.py with small wheels of its own; no network."""
import io
import os
import platform
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

import setup_libtensorflow as setup

NAME = "tensorflow_cpu-2.18.1-cp311-cp311-manylinux_2_17_x86_64.whl"


def wheel():
    """A wheel's bytes: what has to be kept, and what has not."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2",
                     "tensorflow/include/tensorflow/c/c_api.h", "tensorflow/include/tensorflow/core/graph.h", "tensorflow/python/x.py"):
            archive.writestr(name, name)
    return data.getvalue()


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name, ".tensorflow")
        self.downloads = []  # what download() brings, one after the other
        for name, value in {"HOME": self.home, "WHEELS": self.home / "wheels", "SCRIPTS": Path(folder.name), "download": self.download}.items():
            patch = mock.patch.object(setup, name, value)
            patch.start()
            self.addCleanup(patch.stop)
        patch = mock.patch.dict(os.environ)
        patch.start()
        self.addCleanup(patch.stop)
        os.environ.pop("LIBTENSORFLOW", None)
        self.said = []
        patch = mock.patch.object(setup, "say", self.said.append)
        patch.start()
        self.addCleanup(patch.stop)
        good = Path(folder.name, "good")
        good.write_bytes(wheel())
        for variant in ("cpu", "gpu"):
            Path(folder.name, f"libtensorflow-{variant}-{platform.machine()}.sha256").write_text(f"{setup.sha256(good)}  {NAME}\n")

    def download(self, name):
        (self.home / "wheels" / name).write_bytes(self.downloads.pop(0))

    def lib(self, variant="cpu"):
        return self.home / f"{variant}-2.18.1/tensorflow"

    def test_keeps_what_is_needed(self):
        self.downloads = [wheel()]
        setup.main([])
        kept = {p.name for p in self.lib().rglob("*") if not p.is_dir()}
        self.assertEqual(kept, {"libtensorflow_cc.so.2", "libtensorflow_framework.so.2", "libtensorflow.so", "libtensorflow_framework.so", "c_api.h"})
        self.assertEqual((self.home / "lib/libtensorflow.so").read_text(), "tensorflow/libtensorflow_cc.so.2")
        self.assertEqual(list((self.home / "wheels").iterdir()), [])

    def test_second_call_does_nothing(self):
        self.downloads = [wheel()]
        setup.main([])
        said = len(self.said)
        setup.main([])
        self.assertEqual(len(self.said), said)

    def test_switches_and_stays(self):
        self.downloads = [wheel(), wheel()]
        setup.main([])
        setup.main(["gpu"])
        setup.main([])
        self.assertEqual((self.home / "lib").resolve(), self.lib("gpu").resolve())

    def test_broken_download_is_removed_named_and_repeated(self):
        self.downloads = [wheel()[:50], wheel()]
        setup.main([])
        self.assertTrue(any(NAME in s and "removed" in s for s in self.said), self.said)
        self.assertTrue(setup.in_use())

    def test_gives_up(self):
        self.downloads = [b"x"] * 3
        with self.assertRaisesRegex(setup.SetupError, "arrived broken 3 times"):
            setup.main([])
        self.assertEqual(list((self.home / "wheels").iterdir()), [])
        self.assertFalse(setup.in_use())

    def test_wheel_put_there_by_hand(self):
        (self.home / "wheels").mkdir(parents=True)
        (self.home / "wheels" / NAME).write_bytes(wheel())
        setup.main([])  # with no download to bring
        self.assertTrue(setup.in_use())

    def test_lost_file_and_killed_setup(self):
        self.downloads = [wheel(), wheel()]
        setup.main([])
        (self.home / "lib/libtensorflow_cc.so.2").write_text("cut")
        (self.home / "tmp-killed").mkdir()
        setup.main([])
        self.assertTrue(setup.in_use())
        self.assertFalse((self.home / "tmp-killed").exists())

    def test_installed_library(self):
        prefix = self.home.parent / "usr"
        for name in ("lib/libtensorflow.so", "include/tensorflow/c/c_api.h"):
            (prefix / name).parent.mkdir(parents=True)
            (prefix / name).touch()
        os.environ["LIBTENSORFLOW"] = str(prefix)
        setup.main([])
        self.assertEqual((self.home / "lib").resolve(), (prefix / "lib").resolve())
        os.environ["LIBTENSORFLOW"] = str(self.home.parent)
        with self.assertRaisesRegex(setup.SetupError, "libtensorflow.so is missing"):
            setup.main([])

    def test_other_machine(self):
        with mock.patch.object(platform, "machine", lambda: "riscv64"):
            with self.assertRaisesRegex(setup.SetupError, "no pinned cpu build .* riscv64"):
                setup.main([])


class OfflineTest(unittest.TestCase):
    def test_says_what_is_missing_and_where_to_put_it(self):
        with mock.patch.object(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, stderr="no route")):
            with self.assertRaises(setup.SetupError) as caught:
                setup.download(NAME)
        for part in ("no route", NAME, "https://pypi.org/project/tensorflow-cpu/2.18.1", str(setup.WHEELS), "LIBTENSORFLOW"):
            self.assertIn(part, str(caught.exception))


if __name__ == "__main__":
    sys.exit(unittest.main())
