"""Debian's own `minisign` has the last word on every signature."""

import pathlib
import re
import subprocess
import tempfile


def accepts(content, signature, public_key):
    """Whether `minisign -Vm` accepts these bytes; all three are given as bytes of files."""
    with tempfile.TemporaryDirectory(prefix="slipway-minisign-") as folder:
        folder = pathlib.Path(folder)
        (folder / "file").write_bytes(content)
        (folder / "file.minisig").write_bytes(signature)
        (folder / "key.pub").write_bytes(public_key)
        return accepts_files(folder / "file", folder / "file.minisig", folder / "key.pub")


def accepts_files(path, signature, public_key):
    command = ["minisign", "-V", "-q", "-m", path, "-x", signature, "-p", public_key]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def trusted_comment(signature):
    """The fields of the trusted comment: `timestamp`, `file`, `version`, `app`, `sha256`, and `size` since 0.5.0."""
    line = re.search(rb"^trusted comment: (.*)$", signature, re.MULTILINE).group(1).decode()
    return dict(field.split(":", 1) for field in line.split("\t"))


def flipped(content, place=None, bit=0):
    """The same bytes with one bit of the byte at `place` (the middle one by default) turned."""
    changed = bytearray(content)
    changed[len(changed) // 2 if place is None else place] ^= 1 << bit
    return bytes(changed)
