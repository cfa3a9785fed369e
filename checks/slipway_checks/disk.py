"""What a disk may hold after the power went: a tree of files, every change to it, and what of each had to be there.

The model, with its sources:

- A file's bytes and its size are there once `fsync` or `fdatasync` of that file has returned that began after they were
  written (POSIX, fsync). What was written since, or while it ran, may be there or not, sector by sector, in any order:
  "All File Systems Are Not Created Equal" (Pillai et al., OSDI 2014) found each of these on file systems in use.
- A name (of a new file or folder, of a renamed or linked one, or that it is gone) is there once `fsync` of its *folder*
  has returned. `fsync` of a new file does not promise its name, nor that of a folder the names above it (fsync(2)).
- A rename is one step: one of its two names is there, never both or none, the new one for sure once its folder was synced.
  It may be there before the bytes of what was renamed.
- Changes of names in one folder come to the disk in their order on journaling file systems, and in any order on others
  (btrfs, in the same paper); both are drawn. Nothing orders one folder after another.
- Writing to some bytes does not harm others of the same sector ("powersafe overwrite", sqlite.org/psow.html), a sector
  is 512 or 4096 bytes, and what was once synced stays readable. Permissions are not looked at.

Shared memory (`-shm` of SQLite) is written past all system calls; SQLite makes it anew from the WAL and trusts none of it.
"""

import dataclasses
import itertools
import os

# What was synced and nothing else; then what may be there besides.
LOST, NAMES, DATA, TORN = VARIANTS = ("only what was synced", "all names", "all bytes", "torn")
SECTORS = (512, 4096)


@dataclasses.dataclass(frozen=True)
class Write:
    """Bytes at a place of a file, or its new size where there are none. Moments are numbers of lines of the record."""

    begun: int
    done: int
    offset: int
    content: bytes | None


@dataclasses.dataclass(frozen=True)
class Naming:
    """One change of names: (folder, name, what it named before, what it names then); None for nothing."""

    begun: int
    done: int
    entries: tuple

    @property
    def folder(self):
        """The one whose sync keeps it: of a rename, that of the new name."""
        return self.entries[0][0]


class Node:
    """A file or a folder, whatever it is named now."""

    def __init__(self, is_folder):
        self.is_folder = is_folder
        self.names = {}
        self.writes = []
        self.size = 0
        self.syncs = []

    def content(self):
        """The bytes of a file with all that was written."""
        content = bytearray()
        for write in self.writes:
            apply(content, write.offset, write.content)
        return content

    def horizon(self, moment):
        """What was done before it is on the disk at `moment`."""
        return max((begun for begun, done in self.syncs if done <= moment), default=-1)


class Disk:
    """The tree under one durable folder, as a record changes it. Methods raise `KeyError` where the record does not fit."""

    def __init__(self):
        self.root = Node(is_folder=True)
        self.namings = []
        self.nodes = [self.root]

    # Recording

    def find(self, path):
        """The node that has this path (a tuple of names) now, None without one."""
        node = self.root
        for name in path:
            node = node.names.get(name)
            if node is None:
                return None
        return node

    def name(self, begun, done, *changes):
        """Names nodes, in one step: each of `changes` is a path and a node, or None."""
        entries = []
        for path, node in changes:
            folder = self.find(path[:-1])
            if folder is None:
                raise KeyError(path)
            entries.append((folder, path[-1], folder.names.get(path[-1]), node))
            rename(folder.names, *entries[-1][1:])
        self.namings.append(Naming(begun, done, tuple(entries)))

    def make(self, begun, done, path, is_folder=False):
        node = Node(is_folder)
        self.nodes.append(node)
        self.name(begun, done, (path, node))
        return node

    def write(self, node, begun, done, offset, content):
        node.writes.append(Write(begun, done, offset, content))
        node.size = max(node.size, offset + len(content))

    def truncate(self, node, begun, done, size):
        node.writes.append(Write(begun, done, size, None))
        node.size = size

    def sync_all(self, begun, done):
        for node in self.nodes:
            node.syncs.append((begun, done))

    def files(self, node=None, path=()):
        """(path, node) of every file."""
        for name, child in (node or self.root).names.items():
            if child.is_folder:
                yield from self.files(child, (*path, name))
            else:
                yield (*path, name), child

    # Rebuilding

    def rebuild(self, target, moment, variant, random):
        """Makes the tree in `target` as it may lie on the disk when the power goes at `moment`."""
        names = self.names_at(moment, variant, random)
        sector = random.choice(SECTORS)
        made = {}

        def place(node, path):
            if node in made:
                return os.link(made[node], path)
            made[node] = path
            if not node.is_folder:
                return path.write_bytes(bytes_at(node, moment, variant, random, sector))
            path.mkdir()
            for name, child in sorted(names.get(node, {}).items()):
                place(child, path / name)
            return None

        place(self.root, target)

    def names_at(self, moment, variant, random):
        """Folder to what it names."""
        synced = {node: node.horizon(moment) for node in self.nodes if node.is_folder}
        reached = self.drawn(synced, moment, random)
        # Journals keep the order of changes in a folder, others need not; folders do not wait for each other.
        in_order = random.random() < 0.5
        names = {}
        for naming in self.namings:
            kept = naming.done < synced[naming.folder]
            if naming.done <= moment and variant == NAMES:
                kept = True
            elif naming.done <= moment and variant == TORN and not kept:
                kept = naming.done <= reached[naming.folder] if in_order else random.random() < 0.5
            if kept:
                for folder, *change in naming.entries:
                    rename(names.setdefault(folder, {}), *change)
        return names

    def drawn(self, synced, moment, random):
        """Up to where each folder's changes are there, when they come to the disk in their order."""
        places = {folder: [horizon] for folder, horizon in synced.items()}
        for naming in self.namings:
            if synced[naming.folder] <= naming.done <= moment:
                places[naming.folder].append(naming.done)
        return {folder: random.choice(found) for folder, found in places.items()}


def rename(names, name, before, after):
    """One change to what a folder names. What is taken away is what was there: another's name stays."""
    if after is not None:
        names[name] = after
    elif names.get(name) is before:
        names.pop(name, None)


def bytes_at(node, moment, variant, random, sector):
    """A file's bytes as they may be at `moment`."""
    content = bytearray()
    horizon = node.horizon(moment)
    for write in node.writes:
        if write.done < horizon or (variant == DATA and write.done <= moment):
            apply(content, write.offset, write.content)
        elif variant == TORN and write.begun <= moment:
            for offset, piece in pieces(write, sector):
                if random.random() < 0.5:
                    apply(content, offset, piece)
    return content


def pieces(write, sector):
    """A write, cut where sectors begin."""
    if write.content is None:
        return [(write.offset, None)]
    end = write.offset + len(write.content)
    first = (write.offset // sector + 1) * sector
    edges = [write.offset, *range(first, end, sector), end]
    return [(low, write.content[low - write.offset : high - write.offset]) for low, high in itertools.pairwise(edges)]


def apply(content, offset, piece):
    """Puts a piece into its place; where it is None, the size is `offset` from now on. What is skipped is zeros."""
    end = offset if piece is None else offset + len(piece)
    content.extend(bytes(max(0, end - len(content))))
    if piece is None:
        del content[end:]
    else:
        content[offset:end] = piece
