"""Debs and rpms of a chosen version, and what Debian's and rpm's own tools say of two versions."""

import pathlib
import struct
import subprocess
import tempfile

# Of an rpm's header (rpm.org, "V4 Package format"): tags and types.
NAME, VERSION, RELEASE, EPOCH, SUMMARY, OS, ARCH = 1000, 1001, 1002, 1003, 1004, 1021, 1022
INT32, STRING, TRANSLATED = 4, 6, 9


def deb(folder, version):
    """A deb as `dpkg-deb` makes it."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        made = pathlib.Path(made)
        (made / "tree" / "DEBIAN").mkdir(parents=True)
        control = f"Package: notes\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: notes\n"
        (made / "tree" / "DEBIAN" / "control").write_text(control)
        command = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", made / "tree", made / "notes.deb"]
        subprocess.run(command, capture_output=True, check=True, timeout=60)
        return (made / "notes.deb").read_bytes()


def rpm(_folder, version):
    """An rpm without files, of which `rpm` reads the version that is wanted."""
    version, release = version.rsplit("-", 1)
    values = [
        (NAME, STRING, "notes"),
        (VERSION, STRING, version),
        (RELEASE, STRING, release),
        (SUMMARY, TRANSLATED, "notes"),
        (OS, STRING, "linux"),
        (ARCH, STRING, "noarch"),
    ]
    lead = b"\xed\xab\xee\xdb\x03\x00" + struct.pack(">HH66sHH16x", 0, 255, b"notes", 1, 5)
    main, payload = header(values), b"payload"
    signatures = header([(1000, INT32, len(main) + len(payload))])
    return lead + signatures + bytes(-len(signatures) % 8) + main + payload


def header(values):
    index, store = b"", b""
    for tag, kind, value in values:
        index += struct.pack(">IIII", tag, kind, len(store), 1)
        store += struct.pack(">I", value) if kind == INT32 else value.encode() + b"\0"
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(values), len(store)) + index + store


def dpkg_is_lower(one, other):
    return subprocess.run(["dpkg", "--compare-versions", one, "lt", other], check=False, timeout=60).returncode == 0


def rpm_is_lower(one, other):
    """By versions, then by releases, as rpm compares packages without epochs."""
    (version, release), (other_version, other_release) = one.rsplit("-", 1), other.rsplit("-", 1)
    lua = f'local v = rpm.vercmp("{version}", "{other_version}"); print(v ~= 0 and v or rpm.vercmp("{release}", "{other_release}"))'
    done = subprocess.run(["rpm", "--eval", f"%{{lua:{lua}}}"], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip() == "-1"
