"""Builds that are bad in one way: a program that starts the good one with a library before libc (bad_builds.c), or an image
with that library.

The program is called `slipway` and takes its arguments, so it is put in the place of a version as a bad build would be.
"""

import pathlib
import subprocess

from .platform import BINARIES

SOURCE = pathlib.Path(__file__).with_suffix(".c")
KINDS = {
    "500s": "failed",
    "unready": "not ready",
    "slow": "take",
    "wrong": "wrong bytes",
    "leaks": "grown",
    "crashes": "ended",
}
# Of download, whose answers are not in the clear.
KINDS_OF_DOWNLOAD = {
    "unread": "failed",
    "unready": "not ready",
    "crashes": "ended",
}


class BadBuilds:
    """Programs in folders of their own, made when they are asked for."""

    def __init__(self, check):
        self.folder = check.folder / "bad-builds"
        self.folder.mkdir()
        self.library = self.folder / "bad_builds.so"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", self.library, SOURCE, "-lpthread"]
        subprocess.run(command, check=True, timeout=60)

    def make_image(self, kind, image, name, seconds=60):
        """An image that is `image`, and bad."""
        how = f"ENV LD_PRELOAD=/{self.library.name} BAD_BUILD={kind} BAD_BUILD_SECONDS={seconds}"
        recipe = f"FROM {image}\nCOPY {self.library.name} /\n{how}\n"
        command = ["docker", "build", "--quiet", "--tag", name, "--file", "-", self.folder]
        subprocess.run(command, input=recipe.encode(), capture_output=True, check=True, timeout=120)

    def make(self, kind, seconds=60):
        """The path of a program; `seconds` until one that crashes does."""
        program = self.folder / kind / "slipway"
        program.parent.mkdir()
        start = f"exec env LD_PRELOAD={self.library} BAD_BUILD={kind} BAD_BUILD_SECONDS={seconds} {BINARIES / 'slipway'}"
        program.write_text(f'#!/bin/sh\n{start} "$@"\n')
        program.chmod(0o700)
        return program
