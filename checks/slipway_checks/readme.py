"""The blocks of the README, as they stand there, and that both languages have the same."""

import os
import re
import subprocess

from . import fixtures, whole
from .check import ROOT
from .developer import Developer
from .journey import ADDRESS, Journey
from .platform import BINARIES, Platform
from .visitor import Visitor

BLOCK = re.compile(r"<!-- ([a-z-]+) -->\s*```sh\n(.*?)```\s*<!-- /\1 -->", re.DOTALL)
LONGEST = 80
LANGUAGES = ("README.md", "README.zh-CN.md")


def blocks(name):
    """The marked blocks of a document, by their names."""
    return dict(BLOCK.findall((ROOT / name).read_text()))


def figures(name):
    """The numbers of each row that names a check."""
    rows = [line for line in (ROOT / name).read_text().splitlines() if "`checks/" in line]
    return [sorted(re.findall(r"\d+(?:[.,]\d+)*", row)) for row in rows]


def same_in_both_languages(check):
    english, chinese = (blocks(name) for name in LANGUAGES)
    check.equal(chinese, english, "blocks of README.zh-CN.md")
    for name in LANGUAGES:
        text = (ROOT / name).read_text()
        check.expect(len(text.splitlines()) <= LONGEST, f"{name} has {len(text.splitlines())} lines")
        for target in re.findall(r"\]\((?!http)([^)#]+)", text):
            check.expect((ROOT / target).exists(), f"{name} leads to {target}, which is not there")
    numbers = [re.findall(r"`(checks/[^`]+)`", (ROOT / name).read_text()) for name in LANGUAGES]
    check.equal(numbers[1], numbers[0], "checks that README.zh-CN.md names")
    check.equal(figures(LANGUAGES[1]), figures(LANGUAGES[0]), "numbers of README.zh-CN.md")
    for told in numbers[0]:
        check.expect((ROOT / told.split()[0]).exists(), f"{told} is not there")
    check.figure("blocks, the same in both languages", len(english))


def run_block(check, platform, folder, text):
    """Runs a block as somebody would paste it, with `slipway` on the path and the platform at another port."""
    script = "set -eu\n" + text.replace(ADDRESS, platform.gateway)
    environment = os.environ | {"PATH": f"{BINARIES}:{os.environ['PATH']}", "XDG_CONFIG_HOME": str(folder / "config")}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False)
    check.equal(done.returncode, 0, f"exit code of a block ({done.stdout[-500:]} {done.stderr[-1500:]})")
    return done.stdout


def readme_words(check):
    """Every block of the README, in one folder, as somebody would paste them one after the other."""
    same_in_both_languages(check)
    platform = Platform(check, "readme-data").start()
    developer, visitor = Developer(platform), Visitor(platform)
    folder = check.folder / "readme"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "admin-token").write_text(platform.admin_token() + "\n")
    small = whole.packages(check)
    for name, kind in (("notes.deb", "deb"), ("notes.rpm", "rpm"), ("Notes.msi", "msi"), ("Notes.dmg", "dmg")):
        (folder / name).write_bytes(small[kind][1])
    apk = fixtures.real(check, "settings-1.apk").read_bytes()
    (folder / "notes.apk").write_bytes(apk)
    found = blocks(LANGUAGES[0])
    run_block(check, platform, folder, "\n".join(Journey(check).steps))
    run_block(check, platform, folder, found["publish"])
    check.equal((folder / "downloaded.apk").read_bytes() == apk, True, "what curl downloaded is what was published")
    check.equal((folder / "proven.apk").read_bytes() == apk, True, "what the command downloaded is what was published")
    location, _ = visitor.latest("notes", "android")
    check.expect("/9.1.0/" in location, f"after the roll-back latest leads to {location}")
    released = {release["version"]: release["state"] for release in developer.releases("notes")}
    check.equal((released["9.1.0"], released.get("9.2.0", "deleted")), ("published", "deleted"), "states of the releases")
    answer = visitor.get("/d/notes/9.2.0/notes.deb")
    check.equal(answer.status, 410, "a file of the release that was deleted")
    # These two are what the check of the containers runs.
    check.equal(found["containers"].splitlines(), ["docker compose up --detach", "docker compose exec -T catalog cat /data/admin-token"], "the block of containers")
    check.figure("blocks that ran", len(found))
