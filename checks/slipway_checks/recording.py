"""A run of the platform under `strace`: every change to its folder, when it was synced, and what its clients knew then."""

import bisect
import collections
import functools
import os
import pathlib
import re
import shlex
import subprocess

from .check import Failed
from .disk import Disk

WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "truncate", "ftruncate")
SYNCS = ("fsync", "fdatasync", "sync", "syncfs")
NAMES = ("open", "openat", "creat", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat")
# These change files as well, and are not followed: there must be none.
UNFOLLOWED = ("mmap", "fallocate", "copy_file_range", "sendfile", "splice", "openat2", "symlink", "symlinkat", "io_uring_setup")
TRACED = (*WRITES, *SYNCS, *NAMES, *UNFOLLOWED, "lseek")

LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
UNFINISHED = " <unfinished ...>"
DONE = re.compile(r"(?P<arguments>.*)\) += (?P<result>\d+|\?)(?:<.*>)?(?: \(.*\))?")
# With `-xx` every byte of a string or path is spelled, so nothing in it is mistaken for a part of the line.
SPELLED = r"((?:\\x[0-9a-f]{2})*)"
DESCRIPTOR = re.compile(rf"(?P<number>\d+)<{SPELLED}>")
CONTENT = re.compile(rf'"{SPELLED}"(\.\.\.)?')
# A path is relative to the descriptor before it, or to the working folder, which is not under the root.
NAMED = re.compile(rf'(?:(?:AT_FDCWD|\d+)<{SPELLED}>(?:\(deleted\))?, )?"{SPELLED}"')
# SQLite's index of its WAL, shared memory, which it makes anew after a crash.
UNTRUSTED = "-shm"
LONGEST = 1 << 20
MARK = "mark "


class Recording:
    """A shell under `strace`: what runs in it is recorded in `trace`, and what it prints goes to `log`.

    `mark()` puts a moment of the caller's into the record. The tracer stops a process at both ends of each call, so what
    had returned before the mark stands before it there.
    """

    def __init__(self, trace, log, environment):
        options = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", str(LONGEST), "-e", "signal=none", "-e", f"trace={','.join(TRACED)}"]
        self.log = log
        # A session of its own, so that all of it can be ended at once.
        self.process = subprocess.Popen(
            ["strace", *options, "-o", trace, "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            text=True,
            bufsize=1,
        )

    def begin(self, *command, end=" &"):
        """Starts a program."""
        self.process.stdin.write(f"{shlex.join(map(str, command))} >>{self.log} 2>&1 </dev/null{end}\n")

    def run(self, *command):
        """Runs a program to its end; it has to end well. `wait` waits for what was begun."""
        self.begin(*command, end=" || exit 1")
        self.echo("ran")

    def mark(self, name):
        self.echo(f"{MARK}{name}")

    def echo(self, words):
        self.process.stdin.write(f"echo {shlex.quote(words)}\n")
        if self.process.stdout.readline() != f"{words}\n":
            raise Failed(f"a program ended badly before {words!r}: see {self.log}")

    def finish(self, seconds):
        """Waits until everything under the tracer has ended."""
        self.process.stdin.close()
        self.process.wait(seconds)
        self.process.stdout.close()


class Record:
    """What a trace says of the folder `root`, which was there, empty and durable before it.

    `disk` is the tree under it; `marks` are (name, moment); a moment is the number of a line. `counts` has every call that
    changed or synced something, by name, and `bytes` that were written.
    """

    def __init__(self, root, trace):
        self.root = str(root)
        self.disk = Disk()
        self.marks = []
        self.counts = collections.Counter()
        self.syncs = []
        # Where the next `write` goes, by descriptor and node: no two processes write to one file in this way at a time.
        self.places = {}
        self.removed = {}
        # What was written to by a process that ended before its call had returned.
        self.unsure = set()
        relevant = (spell(self.root.encode()), spell(MARK.encode()), " sync")
        begun = {}
        with trace.open() as lines:
            for self.moment, line in enumerate(lines):
                found = LINE.match(line)
                if found and found["resumed"]:
                    start, name, before = begun.pop(found["thread"], (0, None, ""))
                    if name:
                        self.call(name, start, before + found["rest"])
                elif found and any(word in line for word in relevant):
                    if found["rest"].endswith(UNFINISHED):
                        begun[found["thread"]] = (self.moment, found["name"], found["rest"].removesuffix(UNFINISHED))
                    else:
                        self.call(found["name"], self.moment, found["rest"])

    def call(self, name, begun, text):
        """One call that succeeded. Of one in whose midst the process ended nobody knows whether it did."""
        done = DONE.fullmatch(text)
        if not done:
            return
        arguments = done["arguments"]
        try:
            if done["result"] == "?":
                named = NAMED.findall(arguments) if name in NAMES else [("", found) for _, found in DESCRIPTOR.findall(arguments)]
                self.unsure |= {self.path(*found) for found in named}
                return
            result = int(done["result"])
            if name in NAMES:
                self.take_names(name, begun, arguments, result)
            elif name in SYNCS:
                self.take_sync(name, begun, arguments)
            elif name == "lseek":
                self.places[self.descriptor(arguments)] = result
            elif name in WRITES:
                self.take_write(name, begun, arguments, result)
            elif self.is_file(arguments) and not self.is_harmless(name, arguments):
                raise KeyError(name)
        except KeyError as error:
            raise Failed(f"line {self.moment + 1} of the record is not understood ({error}): {name}({told(text)[:300]}") from None

    def changes(self):
        """The moments at which something was changed or synced."""
        written = {write.done for node in self.disk.nodes for write in node.writes}
        return written | {naming.done for naming in self.disk.namings} | set(self.syncs)

    def marks_by(self, moment):
        """How many marks had been made at `moment`."""
        return bisect.bisect_right(self.marks, moment, key=lambda mark: mark[1])

    def differences(self):
        """The files that hold something else than the record says, so that it has missed a change."""
        unsure = {pathlib.Path(self.root, *path) for path in self.unsure if path}
        wanted = {path: node for names, node in self.disk.files() if (path := pathlib.Path(self.root, *names)) not in unsure}
        found = {path for path in pathlib.Path(self.root).rglob("*") if path.is_file()} - unsure
        there = [path for path in wanted.keys() & found if not path.name.endswith(UNTRUSTED)]
        differing = [path for path in there if path.read_bytes() != wanted[path].content()]
        return sorted(str(path) for path in [*differing, *(wanted.keys() ^ found)])

    # Names

    def take_names(self, name, begun, arguments, result):
        paths = [self.path(*found) for found in NAMED.findall(arguments)]
        if not any(path is not None for path in paths):
            return
        if name in ("open", "openat", "creat"):
            self.take_open(begun, paths[0], arguments, result)
            return
        self.counts["names"] += 1
        if name in ("mkdir", "mkdirat"):
            self.disk.make(begun, self.moment, paths[0], is_folder=True)
        elif name in ("unlink", "unlinkat", "rmdir"):
            self.removed[paths[0]] = self.disk.find(paths[0])
            self.disk.name(begun, self.moment, (paths[0], None))
        elif name in ("link", "linkat"):
            self.disk.name(begun, self.moment, (paths[1], self.disk.find(paths[0])))
        elif "RENAME_EXCHANGE" in arguments:
            raise KeyError("RENAME_EXCHANGE")
        else:
            self.removed[paths[1]] = self.disk.find(paths[1])
            self.disk.name(begun, self.moment, (paths[1], self.disk.find(paths[0])), (paths[0], None))

    def take_open(self, begun, path, arguments, result):
        flags = arguments.rpartition('"')[2]
        if any(flag in flags for flag in ("O_TMPFILE", "O_SYNC", "O_DSYNC")):
            raise KeyError(flags)
        node = self.disk.find(path)
        if node is None:
            self.counts["names"] += 1
            node = self.disk.make(begun, self.moment, path)
        elif "O_TRUNC" in flags:
            self.disk.truncate(node, begun, self.moment, 0)
        self.places[result, node] = None if "O_APPEND" in flags else 0

    def path(self, base, spelled):
        """The parts of a path below the root, None for one that is elsewhere."""
        base, path = os.fsdecode(plain(base)), os.fsdecode(plain(spelled))
        whole = path if path.startswith("/") else f"{base}/{path}"
        if whole != self.root and not whole.startswith(f"{self.root}/"):
            return None
        return tuple(part for part in whole.removeprefix(self.root).split("/") if part not in ("", "."))

    # Bytes

    def is_file(self, arguments):
        return any(self.path("", found) is not None for _, found in DESCRIPTOR.findall(arguments))

    def is_harmless(self, name, arguments):
        """Private or read-only memory."""
        shared = "MAP_SHARED" in arguments and "PROT_WRITE" in arguments
        return name == "mmap" and (not shared or plain(DESCRIPTOR.search(arguments)[2]).endswith(UNTRUSTED.encode()))

    def descriptor(self, arguments):
        """(number, node) of a call's first argument. Raises `KeyError` for what is not a file below the root."""
        found = DESCRIPTOR.match(arguments)
        path = self.path("", found[2])
        node = self.removed.get(path) if arguments.startswith("(deleted)", found.end()) else self.disk.find(path)
        if node is None:
            raise KeyError(path)
        return int(found["number"]), node

    def take_sync(self, name, begun, arguments):
        self.counts["syncs"] += 1
        self.syncs.append(self.moment)
        if name in ("sync", "syncfs"):
            self.disk.sync_all(begun, self.moment)
        else:
            self.descriptor(arguments)[1].syncs.append((begun, self.moment))

    def take_write(self, name, begun, arguments, result):
        if name == "truncate":
            number, node = None, self.disk.find(self.path("", NAMED.match(arguments)[2]))
        elif self.is_file(arguments):
            number, node = self.descriptor(arguments)
        else:
            return self.take_mark(arguments)
        self.counts["writes"] += 1
        if name in ("truncate", "ftruncate"):
            return self.disk.truncate(node, begun, self.moment, int(arguments.rpartition(", ")[2]))
        parts = CONTENT.findall(arguments)
        if any(cut for _, cut in parts):
            raise KeyError("a write that is longer than the record shows")
        self.counts["bytes"] += result
        content = b"".join(plain(part) for part, _ in parts)[:result]
        return self.disk.write(node, begun, self.moment, self.offset(name, number, node, arguments, result), content)

    def take_mark(self, arguments):
        found = DESCRIPTOR.match(arguments), CONTENT.search(arguments)
        if all(found) and plain(found[0][2]).startswith(b"pipe:") and plain(found[1][1]).startswith(MARK.encode()):
            self.marks.append((plain(found[1][1]).decode().removeprefix(MARK).strip(), self.moment))

    def offset(self, name, number, node, arguments, count):
        if name.startswith("p"):
            # pwritev2 has flags behind it.
            return int(re.findall(r", (\d+)", arguments)[-1])
        place = self.places[number, node]
        if place is None:
            return node.size
        self.places[number, node] = place + count
        return place


def spell(content):
    return "".join(f"\\x{byte:02x}" for byte in content)


@functools.lru_cache(maxsize=4096)
def plain(spelled):
    """The bytes that `strace -xx` spells."""
    return bytes.fromhex(spelled.replace("\\x", ""))


def told(text):
    """A line of the record for people."""
    return re.sub(rf"{SPELLED}", lambda found: plain(found[0]).decode(errors="replace"), text)
