"""Programs of earlier releases: built from the commits that `deploy/releases` names, and kept in `target/releases`.

    python3 -c "from slipway_checks import releases; releases.main()" [--debug] VERSION SERVICE…     builds what is missing

They are built from a worktree into the same target folder as today's, so that of the dependencies nothing is compiled
twice. What today's build had put at the same names is put back.
"""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys

from .check import ROOT, SKIPPED, Skipped

KEPT = ROOT / "target" / "releases"
NEVER_FETCHED = "its commit is not in this clone: git fetch --unshallow, or --tags, brings it"


def commit_of(version):
    for line in (ROOT / "deploy" / "releases").read_text().splitlines():
        if line.split()[:1] == [version]:
            return line.split()[1]
    raise KeyError(f"deploy/releases does not know {version}")


def program(version, service):
    """The built program of one service, which takes the options of `slipway run SERVICE`; None when it was not built."""
    path = KEPT / version / f"slipway-{service}"
    return path if path.exists() and built(version).get(service, "").startswith(commit_of(version)) else None


def built(version):
    """Which services are there: name to commit and profile."""
    path = KEPT / version / "built.json"
    return json.loads(path.read_text()) if path.exists() else {}


def build(version, services, profile="release"):
    """Builds those of `services` that are missing, and says how many those were."""
    commit = commit_of(version)
    kept = built(version)
    missing = [service for service in services if kept.get(service) != f"{commit} {profile}"]
    if not missing:
        return 0
    with worktree(version, commit) as source, names_kept(profile, missing) as programs:
        packages = [argument for service in missing for argument in ("--package", f"slipway-{service}")]
        command = ["cargo", "build", "--locked", "--quiet", *packages, *(["--release"] if profile == "release" else [])]
        subprocess.run(command, cwd=source, env=os.environ | {"CARGO_TARGET_DIR": str(ROOT / "target")}, check=True)
        for service in missing:
            shutil.copy2(programs / f"slipway-{service}", KEPT / version)
    kept |= {service: f"{commit} {profile}" for service in missing}
    (KEPT / version / "built.json").write_text(json.dumps(kept, indent=2))
    return len(missing)


@contextlib.contextmanager
def worktree(version, commit):
    """The sources of a commit, always at the same place: what was compiled of them stays good."""
    git = ["git", "-C", str(ROOT)]
    if subprocess.run([*git, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False).returncode:
        raise Skipped(f"{version} cannot be built: {NEVER_FETCHED}")
    source = KEPT / version / "source"
    shutil.rmtree(source, ignore_errors=True)
    # Forced: a target folder that was removed has left its worktree registered.
    subprocess.run([*git, "worktree", "add", "--quiet", "--force", "--detach", source, commit], check=True)
    try:
        yield source
    finally:
        subprocess.run([*git, "worktree", "remove", "--force", source], check=True)


@contextlib.contextmanager
def names_kept(profile, services):
    """Lets a build write where today's programs are, and puts those back: nobody may take an old program for today's."""
    folder = ROOT / "target" / profile
    todays = {folder / f"slipway-{service}": folder / f"slipway-{service}.today" for service in services}
    for path, aside in todays.items():
        with contextlib.suppress(FileNotFoundError):
            path.rename(aside)
    try:
        yield folder
    finally:
        for path, aside in todays.items():
            path.unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                aside.rename(path)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--debug", action="store_true", help="as `cargo build` does, for work on a check")
    arguments.add_argument("version")
    arguments.add_argument("services", nargs="+", metavar="SERVICE")
    given = arguments.parse_args()
    try:
        count = build(given.version, given.services, "debug" if given.debug else "release")
    except Skipped as skipped:
        print(f"skipped: {skipped}")
        sys.exit(SKIPPED)
    print(f"{given.version}: {count} built, {len(given.services) - count} there already")


if __name__ == "__main__":
    main()
