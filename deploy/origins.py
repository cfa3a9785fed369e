"""Of each program: the last commit that changed what its image is made of."""

import dataclasses
import functools
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
# By what every image is made.
RECIPE = ("Dockerfile", ".dockerignore")
# What all programs share, and each has but a part in.
SHARED = ("Cargo.toml", "Cargo.lock")


@dataclasses.dataclass
class Sources:
    """What an image is made of: `places` are folders and files as git wants them, `packages` names of all that is compiled.

    A feature of a package that only another program asks for is in the bytes too, and no commit is found for it.
    """

    places: list
    packages: set

    def origin(self):
        """Its hash, and its time in seconds since 1970. Sources that differ from the commit are not what it names."""
        commit = "HEAD"
        while True:
            commit, *parents = git("log", "-1", "--format=%H %P", commit, "--", *self.places, *RECIPE, *SHARED).split()
            same = [parent for parent in parents if not self.differ(commit, parent)]
            if not same:
                break
            commit = same[0]
        changed = git("status", "--porcelain", "--", *self.places, *RECIPE) or self.part("HEAD") != self.part(None)
        return commit + ("-modified" if changed else ""), int(git("show", "--no-patch", "--format=%ct", commit))

    def differ(self, one, other):
        return git("diff", "--name-only", one, other, "--", *self.places, *RECIPE) or self.part(one) != self.part(other)

    def part(self, commit):
        """The part of this image in what all share; None is what lies here. Versions of programs are no part of others."""
        manifest, lock = shared(commit)
        workspace = manifest.get("workspace", {})
        asked = {name: how for name, how in workspace.get("dependencies", {}).items() if name in self.packages}
        common = {key: value for key, value in workspace.get("package", {}).items() if key != "version"}
        locked = [one for one in lock.get("package", []) if one["name"] in self.packages and "source" in one]
        return asked, common, manifest.get("profile"), locked


@functools.cache
def shared(commit):
    return [tomllib.loads(text_of(commit, name)) for name in SHARED]


def text_of(commit, name):
    if commit is None:
        return (ROOT / name).read_text()
    return git("show", f"{commit}:{name}") if git("ls-tree", commit, name) else ""


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
