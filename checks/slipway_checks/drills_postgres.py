"""Drills of a PostgreSQL server: stopped, killed, hanging, and with a table that somebody has locked.

Whoever needs it is told 503 within two seconds, and of a lock when the setting's time is over; what is published is downloaded on where download has a database of its
own; and everything goes on by itself when the server does.
"""

import contextlib
import time
from concurrent import futures

from . import drills_disk, fixtures, invariants
from .developer import Developer
from .drills_disk import APP, FILE
from .platform import Platform
from .postgres import Server

# Seconds, and what two processors shared by everybody need besides.
TOLD_WITHIN = 2 + 0.5
# A second instead of five.
SETTINGS = {f"SLIPWAY_{service}__DATABASE__LOCK_SECONDS": "1" for service in ("CATALOG", "UPLOAD")}


def away_and_locked(check):
    server = Server(check).start()
    before, check.postgres = check.postgres, server.url
    try:
        platform = Platform(check, "postgres-data", dict(SETTINGS)).start()
    finally:
        check.postgres = before
    try:
        drill(check, server, platform)
    finally:
        platform.end()
        with contextlib.suppress(ProcessLookupError):
            server.wake()
        server.stop()


def drill(check, server, platform):
    ledger = invariants.Ledger()
    drills_disk.first_release(platform)
    faults = {"killed": killed, "hanging": hanging, "locked": locked} | ({"stopped": stopped} if check.long else {})
    load = drills_disk.Load(platform, ledger, reads=(200, 503))
    load.start([])
    for name, fault in faults.items():
        slowest, longest = 0, 0
        for number in range(check.count(short=1, long=12)):
            with fault(server, platform):
                longest = max(longest, told(platform))
            version = f"7.{list(faults).index(name)}.{number}"
            slowest = max(slowest, drills_disk.goes_on(platform, ledger, version))
        check.figure(f"PostgreSQL {name}", f"503 within {longest:.1f} s, on again after {slowest:.1f} s")
    check.figure("answers of services on PostgreSQL", load.end())
    check.figure("lost to PostgreSQL", f"0 of {drills_disk.nothing_is_lost(platform, ledger)}")


def told(platform):
    """The longest that somebody who needs the database waited for 503, of three kinds of requests side by side."""
    check, developer = platform.check, Developer(platform)
    body = fixtures.made(check.random, 1024)

    def timed(ask):
        began = time.monotonic()
        answer = ask()
        return answer, time.monotonic() - began

    longest = 0
    for _ in range(check.count(short=1, long=5)):
        kinds = (
            lambda: developer.call("GET", f"/api/v1/apps/{APP}"),
            lambda: developer.call("POST", "/api/v1/tokens", {"name": "away", "scopes": ["read"]}),
            lambda: developer.put(APP, FILE, body, {"version": "9.9.9", "platform": "linux"}),
        )
        with futures.ThreadPoolExecutor(len(kinds)) as asking:
            for answer, seconds in asking.map(timed, kinds):
                check.equal(answer.status, 503, f"with PostgreSQL away ({answer})")
                check.expect("retry-after" in answer.headers, f"503 without `Retry-After` ({answer})")
                longest = max(longest, seconds)
    check.expect(longest <= TOLD_WITHIN, f"503 after {longest:.1f} s")
    return longest


@contextlib.contextmanager
def stopped(server, _platform):
    server.stop()
    yield
    server.start()


@contextlib.contextmanager
def killed(server, _platform):
    server.kill()
    yield
    server.start()


@contextlib.contextmanager
def hanging(server, _platform):
    server.hang()
    yield
    server.wake()


@contextlib.contextmanager
def locked(server, platform):
    """The tables that a request of any kind reads first."""
    sessions = []
    for service, table in (("catalog", "tokens"), ("upload", "copy_tokens")):
        name = platform.settings[f"SLIPWAY_{service.upper()}__DATABASE__URL"].rpartition("/")[2]
        sessions.append(server.session(name, f"BEGIN; LOCK TABLE {table}"))
    yield
    for session in sessions:
        session.kill()
        session.wait(10)
