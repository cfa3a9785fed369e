"""The commands of the README: what it tells a person to type is what the checks run."""

import re

from .check import ROOT

BLOCK = re.compile(r"<!-- journey -->\s*```sh\n(.*?)```\s*<!-- /journey -->", re.DOTALL)


def commands(check, readme=ROOT / "README.md"):
    """The shell script between `<!-- journey -->` and `<!-- /journey -->`, exactly as a person would paste it.

    It is written for an empty folder that holds a clone, after `cargo build --release`, and is run by `set -eu`.
    """
    check.expect(readme.exists(), f"{readme} is missing")
    blocks = BLOCK.findall(readme.read_text())
    check.equal(len(blocks), 1, f"marked blocks in {readme}")
    return blocks[0]
