"""The frame around a check: arguments, a folder of its own, a seed, figures, a time limit and the closing line."""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

from . import leaks

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SKIPPED = 77


class Failed(Exception):
    """What the check looked for does not hold; the words say what was seen and what was wanted."""


class Skipped(Exception):
    """The check cannot run here; the words say why."""


class Check:
    """One run of one check.

    `folder` is its own and goes away when it passes; `random` is seeded with the printed seed; everything that a
    process of the platform prints is under `folder/logs`, which is searched for secrets at the end of every check.
    `postgres` is the server that the services have their databases on, None for SQLite.
    """

    def __init__(self, name, long, seed, postgres=None):
        self.name = name
        self.long = long
        self.postgres = postgres
        self.seed = seed
        self.random = random.Random(seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"slipway-{name}-", dir=os.environ.get("SLIPWAY_CHECKS_TMP")))
        self.logs = self.folder / "logs"
        self.logs.mkdir()
        self.platforms = []
        self.figures = []
        self.started_at = time.monotonic()

    def count(self, short, long):
        """The number of repetitions: `short` by default, `long` with `--long`."""
        return long if self.long else short

    def figure(self, name, value):
        """Prints what was measured; the closing line repeats it."""
        self.figures.append(f"{name} {value}")
        self.say(f"{name}: {value}")

    def say(self, words):
        print(f"[{time.monotonic() - self.started_at:7.2f}s] {words}", flush=True)

    def expect(self, holds, words):
        if not holds:
            raise Failed(words)

    def equal(self, seen, wanted, what):
        if seen != wanted:
            raise Failed(f"{what}: got {shortened(seen)}, wanted {shortened(wanted)}")

    def skip(self, why):
        raise Skipped(why)

    def need(self, *programs):
        """Skips the check when a program that it drives is not installed."""
        for program in programs:
            if shutil.which(program) is None:
                self.skip(f"`{program}` is not installed")

    def until(self, seconds, look, what):
        """Calls `look` until it returns something true and returns that; fails after `seconds`, naming `what`."""
        deadline = time.monotonic() + seconds
        pause = 0.005
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed(f"{what}: not within {seconds} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)


def shortened(value):
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}… ({len(text)} characters)"


def run(body, short_limit=600, long_limit=6 * 3600):
    """Runs `body(check)` as the whole of this executable and ends the process with the check's exit code.

    The limits, in seconds, are what a check may take before it counts as hanging.
    """
    name = pathlib.Path(sys.argv[0]).name
    arguments = argparse.ArgumentParser(prog=name, description=sys.modules["__main__"].__doc__)
    arguments.add_argument("--long", action="store_true", help="full counts instead of short ones")
    arguments.add_argument("--seed", type=int, help="repeats the choices of an earlier run")
    arguments.add_argument("--keep", action="store_true", help="keeps the folder of a run that passed")
    arguments.add_argument("--postgres", metavar="URL", help="a server for the services' databases, as postgres://USER@HOST:PORT; they stay there [default: SQLite]")
    given = arguments.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)

    check = Check(name, given.long, seed, given.postgres)
    limit = long_limit if given.long else short_limit
    interrupted_by(signal.SIGALRM, f"took longer than {limit} s")
    interrupted_by(signal.SIGTERM, "told to end")
    signal.alarm(limit)
    print(f"{name}: seed {seed}, {'full' if given.long else 'short'} counts", flush=True)
    sys.exit(conclude(check, body, given.keep))


def interrupted_by(number, words):
    def interrupt(_number, _frame):
        raise Failed(words)

    signal.signal(number, interrupt)


def conclude(check, body, keep):
    code, reason = attempt(check, body)
    signal.alarm(0)
    for platform in check.platforms:
        platform.end()
    if code == 0:
        code, reason = attempt(check, no_secret_in_logs)
    seconds = f"{time.monotonic() - check.started_at:.0f} s"
    if code == SKIPPED:
        print(f"skipped: {reason}", flush=True)
    elif code == 0:
        print(f"passed {check.name}: {'; '.join(check.figures)} ({seconds})", flush=True)
    else:
        print(f"failed {check.name}: {reason} (seed {check.seed}, {seconds}; logs in {check.logs})", flush=True)
    if code != 1 and not keep:
        shutil.rmtree(check.folder, ignore_errors=True)
    return code


def attempt(check, body):
    try:
        body(check)
    except Skipped as skipped:
        return SKIPPED, str(skipped)
    except Failed as failed:
        own = [frame.lineno for frame in traceback.extract_tb(failed.__traceback__) if frame.filename.endswith(check.name)]
        return 1, f"{failed} [line {own[-1] if own else '?'}]"
    except KeyboardInterrupt:
        return 1, "interrupted"
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the processes are to be ended and the line printed
        traceback.print_exc(file=sys.stdout)
        return 1, f"the check itself broke: {error!r}"
    return 0, ""


def no_secret_in_logs(check):
    """Every check ends with it: neither a token nor a key is anywhere in what the processes printed."""
    secrets = {}
    for platform in check.platforms:
        secrets |= platform.secrets()
    found = leaks.search(check.logs, secrets)
    check.expect(not found, "a secret is in a log: " + "; ".join(found))
    if check.platforms:
        check.figure("secrets in logs", f"0 of {len(secrets)}")
