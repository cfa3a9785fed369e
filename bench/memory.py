"""Anonymous memory of processes while they work: what a large package must not raise."""

import pathlib
import re
import threading

# Short against the seconds that a large package takes, long against what reading a few files in /proc costs.
PAUSE = 0.02


class Watch:
    """Samples the anonymous memory of `instances` between `with` and its end; `peak` is service to bytes.

    A child (the inspection of a package) is counted on its own, as `<service> child`: it is another process.
    """

    def __init__(self, instances):
        self.pids = {instance.pid: instance.service for instance in instances}
        self.peak = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.sample, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def sample(self):
        while True:
            for pid, name in self.pids.items():
                self.note(name, pid)
                for child in children(pid):
                    self.note(f"{name} child", child)
            if self.over.wait(PAUSE):
                return

    def note(self, name, pid):
        self.peak[name] = max(self.peak.get(name, 0), anonymous(pid))


def anonymous(pid):
    """Bytes of anonymous memory that are resident (proc(5), RssAnon); 0 for a process that ended."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def children(pid):
    found = []
    try:
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in path.read_text().split()]
    except OSError:
        pass
    return found
