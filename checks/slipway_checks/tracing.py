"""`strace` over a running process: which calls made things durable, in which order, and death at a chosen one."""

import os
import re
import signal
import subprocess
import threading

# One of these ends each step that a power cut could separate from the next.
DURABLE = ("fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat")

CALL = re.compile(r"^(?:\[pid +(?P<pid>\d+)\] )?(?P<name>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?:\[pid +(?P<pid>\d+)\] )?<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
UNFINISHED = " <unfinished ...>"


class Trace:
    """A tracer attached to a process until `detach()`; `calls` are the system calls that completed, in order.

    Each is (name, text), where the text shows the paths behind descriptors. With `kill_at=K` the process is killed
    right after the K-th durable call of any of its threads; `strace`'s own `when=` counts per thread and per call,
    which would miss most moments, so every durable call is held for some milliseconds at its end instead, and the
    process dies while the K-th is held.
    """

    def __init__(self, pid, calls=DURABLE, kill_at=None, hold_milliseconds=15):
        self.pid = pid
        self.kill_at = kill_at
        self.killed = False
        self.durable = 0
        self.calls = []
        self.pending = {}
        names = ",".join(calls)
        command = ["strace", "-f", "-y", "-s", "300", "-e", f"trace={names}", "-e", "signal=none", "-p", str(pid)]
        if kill_at is not None:
            command += ["-e", f"inject={','.join(DURABLE)}:delay_exit={hold_milliseconds * 1000}"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        self.attached = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.attached.wait(10)

    def read(self):
        for line in self.process.stderr:
            if "attached" in line:
                self.attached.set()
            else:
                self.take(line.rstrip("\n"))

    def take(self, line):
        resumed = RESUMED.match(line)
        if resumed:
            begun = self.pending.pop((resumed["pid"], resumed["name"]), "")
            return self.completed(resumed["name"], begun + resumed["rest"])
        call = CALL.match(line)
        if call and line.endswith(UNFINISHED):
            self.pending[call["pid"], call["name"]] = call["rest"].removesuffix(UNFINISHED)
        elif call:
            self.completed(call["name"], call["rest"])
        return None

    def completed(self, name, text):
        if "= -1 " in text or "= ?" in text:
            return
        self.calls.append((name, text))
        if name not in DURABLE:
            return
        self.durable += 1
        if self.durable == self.kill_at:
            os.kill(self.pid, signal.SIGKILL)
            self.killed = True

    def detach(self):
        """Ends the tracer and reads what it still had to say. The process goes on, if it lives."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.reader.join(10)
        return self

    def index(self, wanted, pattern, after=-1):
        """The place of the first call after `after` that is one of `wanted` and whose text matches; None without one."""
        for place, (name, text) in enumerate(self.calls):
            if place > after and name in wanted and re.search(pattern, text):
                return place
        return None
