"""Real packages, fetched by `./test` into `target/fixtures`, and made ones for everything that needs many."""

import hashlib
import os
import pathlib

from .check import ROOT

FOLDER = pathlib.Path(os.environ.get("SLIPWAY_FIXTURES", ROOT / "target" / "fixtures"))


def real(check, name):
    """A real APK: `settings-1.apk` and `settings-2.apk` are two versions of one app, `uiautomator2.apk` is large."""
    path = FOLDER / name
    if not path.exists():
        check.skip(f"{path} is missing; ./test fetches it")
    return path


def made(random, size=64 * 1024):
    """Bytes that no other package has and that no format claims."""
    return b"slipway check\n" + random.randbytes(size)


def sha256(path):
    """The SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
