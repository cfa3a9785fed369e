"""An inspection caught in the act: upload's child that reads a package, stopped so that it can be looked at or killed."""

import contextlib
import os
import pathlib
import signal
import threading
import time

from . import archives
from .check import Failed

# An inspection lasts some 100 ms even of this package, so one may be over before it is seen.
TRIES = 20
ENTRIES = 150_000


class Sending(threading.Thread):
    """The upload of a package without a release, in the background; `answer` is there when it has ended."""

    def __init__(self, developer, app, version, content):
        super().__init__(daemon=True)
        self.arguments = (app, "many.zip", content, {"version": version, "platform": "linux"})
        self.developer = developer
        self.answer = None

    def run(self):
        self.answer = self.developer.put(*self.arguments)


class Caught:
    """A confined inspection that is stopped, with its package before it."""

    def __init__(self, pid, sending):
        self.pid = pid
        self.sending = sending

    def read(self, name):
        return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()

    def status(self):
        """Name to value of `/proc/PID/status`."""
        return status(self.pid)

    def end(self, *numbers):
        """Sends the signals, SIGKILL or SIGCONT last, and returns the answer to the upload."""
        for number in numbers:
            os.kill(self.pid, number)
        self.sending.join(90)
        if self.sending.answer is None:
            raise Failed("an upload got no answer after its inspection had been stopped")
        return self.sending.answer


@contextlib.contextmanager
def caught(developer, upload, app):
    """Uploads to `app` until an inspection of `upload` is stopped. Nobody else may upload meanwhile.

    It goes away at the end, when it is still there.
    """
    found = catch(developer, upload, app)
    try:
        yield found
    finally:
        if found.sending.is_alive():
            found.end(signal.SIGKILL)


def catch(developer, upload, app):
    content = archives.many(ENTRIES)
    for number in range(TRIES):
        sending = Sending(developer, app, f"7.{time.time_ns()}.{number}", content)
        sending.start()
        while sending.is_alive():
            for pid in children(upload.pid):
                if stop(pid):
                    return Caught(pid, sending)
    raise Failed(f"none of {TRIES} inspections was caught confined (the last upload: {sending.answer})")


def children(parent):
    """The inspections among the children of a process."""
    found = []
    for path in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in path.read_text().split()]
    return [pid for pid in found if b"\0inspect\0" in command_line(pid)]


def command_line(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def stop(pid):
    """Stops a process that has confined itself, and says whether it stands still now."""
    with contextlib.suppress(OSError):
        if status(pid).get("Seccomp") != "2":
            return False
        os.kill(pid, signal.SIGSTOP)
        while True:
            state = status(pid)["State"][0]
            if state in "TZX":
                return state == "T"
    return False


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
