"""The commands of the README: what it tells a person to type is what the checks run."""

import os
import pathlib
import re

from .check import ROOT

BLOCK = re.compile(r"<!-- journey -->\s*```sh\n(.*?)```\s*<!-- /journey -->", re.DOTALL)
README = pathlib.Path(os.environ.get("SLIPWAY_README", ROOT / "README.md"))
START = re.compile(r"cargo run --release( -- up)?|target/release/slipway up")
ADDRESS = "127.0.0.1:8080"
APP = "notes"


class Journey:
    """The shell script between `<!-- journey -->` and `<!-- /journey -->`, exactly as a person would paste it.

    It is written for an empty folder that holds a clone, after `cargo build --release`, is run by `set -eu`, publishes
    `notes.apk` as the app `notes`, and has one command a line. `start` is everything up to the readiness of the
    platform (its first line and what waits for it), `steps` the rest, which works as well against a platform that
    was started otherwise.
    """

    def __init__(self, check, readme=README):
        check.expect(readme.exists(), f"{readme} is missing")
        blocks = BLOCK.findall(readme.read_text())
        check.equal(len(blocks), 1, f"marked blocks in {readme}")
        commands = [line for line in re.sub(r"\\\n\s*", " ", blocks[0]).splitlines() if line.strip()]
        ready = next((number for number, line in enumerate(commands) if "readyz" in line), None)
        check.expect(ready is not None, f"no command of {readme} waits for /readyz")
        self.start = commands[: ready + 1]
        self.steps = commands[ready + 1 :]

    def publishing(self):
        """The steps from the upload on, and the variables set before it: what a second version needs."""
        upload = next(number for number, line in enumerate(self.steps) if "curl" in line and " -T " in line)
        variables = [line for line in self.steps[:upload] if re.match(r"(export )?[A-Z_]+=", line)]
        return variables + self.steps[upload:]


def script(commands, address, app=APP):
    """The commands as one script for the platform at `address` and the app `app`.

    Whatever starts the platform starts the built binary and listens at `address`: several checks may run at a time.
    """
    text = "\n".join(["set -eu", *commands]) + "\n"
    text = START.sub(f"target/release/slipway up --listen {address}", text)
    return re.sub(rf"\b{APP}\b", app, text.replace(ADDRESS, address))
