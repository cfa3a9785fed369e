"""Drills with clocks that are an hour off: of a whole platform, of signing alone, and what such a clock has left behind."""

import pathlib
import time

from . import Developer, Platform, fixtures, invariants
from .drills_kills import edit
from .platform import SERVICES

APP = "notes"
FILE = "notes.bin"
HOUR = 3600
GOES_ON_WITHIN = 30
LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


def clocks(check):
    drill = Drill(check)
    drill.rows_left_behind()
    for hours in (-1, 1):
        drill.signing_alone(hours)
    for hours in check.count(short=(1,), long=(1, -1, 1)):
        drill.everybody(hours)
    drill.conclude()


def off_by(hours):
    """The environment of a process whose clock is `hours` off. What measures durations is not."""
    return {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME": f"{hours * HOUR:+d}",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


class Drill:
    def __init__(self, check):
        self.check = check
        self.platform = Platform(check, "clocks").start()
        self.developer = Developer(self.platform)
        self.developer.make_app(APP)
        self.ledger = invariants.Ledger()
        self.number = 0
        self.drills = 0
        self.longest = 0.0
        self.publish()

    def publish(self, headers=None):
        """One publish; its answer is returned. What it acknowledged is noted."""
        self.number += 1
        content = fixtures.made(self.check.random)
        self.version = f"1.{self.number}.0"
        query = {"version": self.version, "channel": "stable", "platform": "linux"}
        answer = self.developer.put(APP, FILE, content, query, headers)
        self.developer.expect(answer, (200, 201, 202), f"publish {self.version}")
        return answer

    def reason(self):
        """Why the last publish is not further, or nothing."""
        answer = self.developer.call("GET", f"/api/v1/apps/{APP}/releases/{self.version}")
        return (answer.json()["reason"] or "") if answer.status == 200 else ""

    def goes_on(self, what):
        """The last publish comes out by itself."""
        began = time.monotonic()
        release = self.developer.until_published(APP, self.version, GOES_ON_WITHIN)
        took = time.monotonic() - began
        self.longest = max(self.longest, took)
        self.drills += 1
        package = release["packages"][0]
        self.check.say(f"{what}: {self.version} published after {took:.1f} s")
        return package

    def rows_left_behind(self):
        """A release and a delivery wait; then their leases and pauses end in an hour, as a clock that was ahead leaves them,
        and whoever held them is gone."""
        ahead = int((time.time() + HOUR) * 1000)
        self.platform.kill("signing")
        self.publish({"Prefer": "wait=0"})
        self.check.until(10, lambda: "signing" in self.reason(), "the release waits for signing")
        self.platform.kill("catalog")
        left = edit(self.platform, "catalog", f"UPDATE jobs SET next_at = {ahead}, lease_owner = 'gone/0', lease_until = {ahead}")
        self.check.expect(left > 0, "no job was left behind")
        first = self.version
        self.publish({"Prefer": "wait=0"})
        self.platform.kill("upload")
        left = edit(self.platform, "upload", f"UPDATE outbox SET next_at = {ahead}, lease_owner = 'gone', lease_until = {ahead}")
        self.check.expect(left > 0, "no delivery was left behind")
        for service in ("signing", "catalog", "upload"):
            self.platform.start_one(service)
        self.goes_on("leases and pauses of an hour, of upload")
        self.version = first
        self.goes_on("leases and pauses of an hour, of the catalog")

    def signing_alone(self, hours):
        """Signing's clock is wrong and the others' are right: it waits and says so, and goes on when it is set right."""
        self.platform.restart("signing", environment=off_by(hours))
        self.publish({"Prefer": "wait=0"})
        says = lambda: "clock" in self.reason()  # noqa: E731
        self.check.until(15, says, f"the release says that signing's clock is {hours:+d} h off")
        self.platform.restart("signing")
        self.goes_on(f"signing alone {hours:+d} h")

    def everybody(self, hours):
        """The machine's clock is wrong for a while, and releases are published by it; then it is set right."""
        self.restart_all(off_by(hours))
        self.publish({"Prefer": "wait=0"})
        self.goes_on(f"everybody {hours:+d} h")
        self.platform.kill("signing")
        self.publish({"Prefer": "wait=0"})
        self.restart_all(None)
        self.goes_on(f"everybody right again after {hours:+d} h")

    def restart_all(self, environment):
        for instance in list(self.platform.all()):
            self.platform.kill(instance.service, instance)
        begun = [self.platform.begin(service, environment=environment) for service in SERVICES]
        for one in begun:
            self.platform.adopt(*one)
        self.platform.wait_ready()

    def conclude(self):
        check = self.check
        check.figure("clocks an hour off", f"{self.drills} releases went on by themselves, after {self.longest:.1f} s at most")
        check.figure("after the clocks", invariants.assert_all(self.platform, self.developer, self.ledger))
        self.platform.end()
