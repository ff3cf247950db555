"""Peak memory of a process and all that it starts."""
import threading
import time
from pathlib import Path


class Peak:
    """Samples the sum of the proportional set sizes of a process tree until stopped.

    Proportional: a page that n processes share counts 1/n for each, so that a
    library mapped by all counts once.
    """

    def __init__(self, pid, interval=0.25):
        self.pid, self.interval, self.bytes = pid, interval, 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def sample(self):
        while not self.stop.wait(self.interval):
            self.bytes = max(self.bytes, sum(pss(p) for p in tree(self.pid)))

    def done(self):
        """Ends the sampling and returns the peak, in bytes."""
        self.stop.set()
        self.thread.join()
        return self.bytes


def tree(root):
    """The process and its descendants."""
    children = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue  # it has ended
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def pss(pid):
    """Bytes, 0 if the process has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
