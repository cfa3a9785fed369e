"""Hostile ZIP archives, written byte by byte: what no ordinary tool would make.

Each holds an `AndroidManifest.xml`, as a package would, and one thing that an unpacker must not be fooled by.
"""

import io
import struct
import zipfile
import zlib

MANIFEST = ("AndroidManifest.xml", b"<manifest/>")


# Each trick and the rule that refuses it.
RULES = {
    "bomb": "bomb",
    "overlap": "overlap",
    "duplicate": "duplicate",
    "climbing": "climbing",
    "absolute": "climbing",
    "count": "count",
}


def hostile():
    """Name of the trick to the archive's bytes."""
    return {
        "bomb": bomb(),
        "overlap": overlapping(),
        "duplicate": raw([MANIFEST, ("classes.dex", b"one"), ("classes.dex", b"two")]),
        "climbing": raw([MANIFEST, ("../../etc/cron.d/owned", b"* * * * *")]),
        "absolute": raw([MANIFEST, ("/etc/cron.d/owned", b"* * * * *")]),
        "count": miscounted(),
    }


def parts(content):
    """Where a package's reader looks (start and end): all of it, its directory, the manifest, the table of resources."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        read = [archive.getinfo(name) for name in ("AndroidManifest.xml", "resources.arsc")]
        entries = [(entry.header_offset, entry.header_offset + 30 + entry.compress_size) for entry in read]
        return [(0, len(content)), (archive.start_dir, len(content)), *entries]


def bomb():
    """A megabyte that becomes a gigabyte."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*MANIFEST)
            with archive.open("assets/zeros", "w") as entry:
                for _ in range(1024):
                    entry.write(bytes(1024 * 1024))
        return file.getvalue()


def raw(entries):
    """An archive of stored entries under exactly these names."""
    body, directory = b"", b""
    for name, content in entries:
        directory += central(name, content, offset=len(body))
        body += local(name, content)
    return body + directory + end(len(entries), len(directory), len(body))


def many(count):
    """A harmless archive of `count` empty entries, to be read for long."""
    names = [f"assets/{number:06}" for number in range(count)]
    locals_ = [local(name, b"") for name in names]
    size = len(locals_[0])
    directory = b"".join(central(name, b"", offset=number * size) for number, name in enumerate(names))
    # The 16-bit count of the last record is not enough, so the 64-bit one says it (APPNOTE.TXT 4.3.14).
    start, length = size * count, len(directory)
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, start + length, 1)
    return b"".join(locals_) + directory + record + locator + end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def overlapping():
    """Two entries of the directory that share the same bytes of the file: small on disk, large unpacked."""
    content = bytes(range(256)) * 64
    manifest = local(*MANIFEST)
    body = manifest + local("assets/a", content)
    directory = central(*MANIFEST, offset=0)
    directory += b"".join(central(f"assets/{letter}", content, offset=len(manifest)) for letter in "abcdefgh")
    return body + directory + end(9, len(directory), len(body))


def miscounted():
    """A 64-bit directory that claims a thousand million entries in a hundred bytes."""
    body, directory = local(*MANIFEST), central(*MANIFEST, offset=0)
    start, size = len(body), len(directory)
    count = 10**9
    record = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<IIQI", 0x07064B50, 0, start + size, 1)
    return body + directory + record + locator + end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


def local(name, content):
    size = len(content)
    head = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0x21, zlib.crc32(content), size, size, len(name), 0)
    return head + name.encode() + content


def central(name, content, offset):
    size = len(content)
    return struct.pack(
        "<IHHHHHHIIIHHHHHII",
        *(0x02014B50, 20, 20, 0, 0, 0, 0x21, zlib.crc32(content), size, size, len(name), 0, 0, 0, 0, 0, offset),
    ) + name.encode()


def end(count, size, offset):
    return struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, size, offset, 0)
