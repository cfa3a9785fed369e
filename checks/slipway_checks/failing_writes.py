"""Chosen writes of release binaries that fail, before or after they lasted: by a library loaded before libc (failing_writes.c).

A tracer can keep a call from being made, or end the process after it. That a write lasts and yet says that it failed, as
a disk or a network file system may have it, only somebody in its place can say.
"""

import dataclasses
import mmap
import pathlib
import re
import struct
import subprocess

from . import web

SOURCE = pathlib.Path(__file__).with_suffix(".c")
# writes, at, times, after, failed
CONTROL = struct.Struct("5Q")
# Ids, digests, and what `tempfile` makes up.
MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|(?<=/\.new-)\w{6}")


@dataclasses.dataclass(frozen=True)
class Write:
    """One write: the call, and the path below the data folder."""

    call: str
    path: str

    def __str__(self):
        """What a try that is made again has too."""
        path = re.sub(r"/[0-9a-f]{2}(?=/|$)", "/..", MADE_UP.sub("*", self.path))
        return f"{self.call} {path}"


class FailingWrites:
    """The writes of `services`. `settings` is the environment that their processes start in."""

    def __init__(self, check, data, services):
        self.folder = check.folder / "failing-writes"
        self.folder.mkdir()
        library = self.folder / "failing_writes.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE], check=True, timeout=60)
        self.control = {}
        for service in services:
            path = self.folder / service
            path.write_bytes(bytes(CONTROL.size))
            with path.open("r+b") as file:
                self.control[service] = mmap.mmap(file.fileno(), CONTROL.size)
        self.settings = {
            "LD_PRELOAD": str(library),
            "FAILING_WRITES": str(self.folder),
            "FAILING_WRITES_BELOW": f"{data}/",
        }

    def begun(self, service):
        """How many writes there were."""
        return CONTROL.unpack(self.control[service])[0]

    def arm(self, service, place, after, times):
        """Lets the `place`th write from now fail, and with `times=2` the next at the same place too."""
        at = self.begun(service) + place
        # The number comes last: from then on it holds.
        self.control[service][16:40] = struct.pack("3Q", times, after, 0)
        self.control[service][8:16] = struct.pack("Q", at)

    def disarm(self, service):
        """How often it failed."""
        self.control[service][8:16] = bytes(8)
        return CONTROL.unpack(self.control[service])[4]

    def since(self, service, number):
        """The writes after the `number`th, in their order, and which of them failed: (write, whether it did)."""
        lines = (self.folder / f"{service}.log").read_text().splitlines()
        found = []
        for line in lines:
            place, fault, call, path = line.split(" ", 3)
            if int(place) > number:
                found.append((Write(call, path), fault != "0"))
        return found


def answers(developer, slug):
    """Whether the app is there now; a try that failed may have made it."""
    try:
        return developer.call("POST", "/api/v1/apps", {"slug": slug, "name": slug}).status in (201, 409)
    except web.BROKEN:
        return False
