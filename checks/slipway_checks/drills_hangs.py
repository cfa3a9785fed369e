"""Drills with processes that are stopped: they take connections and say nothing, which is worse than being dead."""

import signal
import threading
import time

from . import Developer, Platform, fixtures, invariants, web
from .platform import SERVICES, answers_ready
from .publisher import Publish

APP = "notes"
FILE = "notes.bin"
PAIRS = {"upload": 2, "catalog": 2, "signing": 2, "download": 2}
READY_WITHIN = 10
# What an answer may take while an instance hangs: a second until another is asked, or four until it is said that all hang,
# and what a busy machine adds.
ANSWERED_WITHIN = 8
# A start beside somebody who hangs: two seconds for whom it would follow, and the process's own start.
STARTED_WITHIN = 10


def hangs(check):
    drill = Drill(check)
    short = {"alone": ("catalog",), "one of two": ("catalog", "download"), "at the start of the others": ("catalog",)}
    every = {
        "alone": SERVICES,
        "one of two": tuple(PAIRS),
        "at the start of the others": tuple(service for service in SERVICES if service != "gateway"),
    }
    for how, services in (every if check.long else short).items():
        for service in services:
            drill.stop(service, how)
    drill.found_without_registry()
    drill.conclude()


class Drill:
    """A platform with two of each, a user who downloads all the time, and a publish in each drill."""

    def __init__(self, check):
        self.check = check
        self.seconds = 0
        self.platform = Platform(check, "hangs").start(instances=PAIRS)
        self.developer = Developer(self.platform)
        self.developer.make_app(APP)
        self.ledger = invariants.Ledger()
        self.published = self.developer.publish(APP, "1.0.0", FILE, fixtures.made(check.random), platform="linux")
        self.ledger.acknowledge(self.published)
        self.drills = 0
        self.longest = {"download": 0.0, "read of the API": 0.0, "readiness afterwards": 0.0}

    def stop(self, service, how):
        """Stops instances of `service`, looks what others see meanwhile, lets them go on, and looks that all does."""
        self.drills += 1
        # For whom all have stopped, long enough to be told so.
        self.seconds = self.check.count(short=6 if how == "alone" else 3, long=20)
        there = self.platform.instances[service]
        stopped = there[:1] if how == "one of two" else list(there)
        what = f"{service} stopped, {how}"
        for instance in stopped:
            instance.signal(signal.SIGSTOP)
        body = fixtures.made(self.check.random)
        publish = Publish(self.developer, APP, f"2.{self.drills}.0", FILE, body)
        users = [
            User(self.platform, self.published.path, None),
            User(self.platform, f"/api/v1/apps/{APP}/releases/1.0.0", self.developer.token),
        ]
        try:
            publish.start()
            if how == "at the start of the others":
                self.restart_others(service)
            for user in users:
                user.start()
            time.sleep(self.seconds)
        finally:
            for instance in stopped:
                instance.signal(signal.SIGCONT)
        for user in users:
            user.end()
        self.look(service, how, what, users)
        began = time.monotonic()
        ready = lambda: all(answers_ready(instance.admin) for instance in self.platform.all())  # noqa: E731
        self.check.until(READY_WITHIN, ready, f"everybody ready after {what}")
        self.note("readiness afterwards", time.monotonic() - began)
        self.ledger.acknowledge(publish.finish())
        after = fixtures.made(self.check.random)
        self.ledger.acknowledge(
            self.developer.publish(APP, f"3.{self.drills}.0", FILE, after, platform="linux")
        )
        self.check.say(f"{what}: {', '.join(str(user) for user in users)}")

    def restart_others(self, service):
        """kill -9 of everybody else and a start beside those who hang: each has to be ready all the same."""
        others = [instance for instance in self.platform.all() if instance.service != service]
        for instance in others:
            self.platform.kill(instance.service, instance)
        began = time.monotonic()
        begun = [self.platform.begin(instance.service) for instance in others]
        for one in begun:
            self.platform.adopt(*one)
        took = time.monotonic() - began
        self.check.expect(took < STARTED_WITHIN, f"with {service} stopped the others took {took:.1f} s to start")
        self.check.say(f"{len(others)} processes ready {took:.1f} s after their start beside a stopped {service}")

    def found_without_registry(self):
        """The registry hangs. An instance at an address that nobody knows is found all the same, and soon is all there is."""
        platform, registry = self.platform, self.platform.one("registry")
        before = list(platform.instances["download"])
        registry.signal(signal.SIGSTOP)
        try:
            new = platform.start_one("download")
            known = {instance.addr for instance in before}
            self.check.expect(new.addr not in known, "the new instance has an address of its own")
            for instance in before:
                platform.kill("download", instance)
            served = lambda: web.request(platform.gateway, "GET", self.published.path).status == 200  # noqa: E731
            began = time.monotonic()
            self.check.until(READY_WITHIN, served, "a download by an instance that no registry lists")
            took = time.monotonic() - began
        finally:
            registry.signal(signal.SIGCONT)
        self.check.figure("found without a registry after", f"{took:.1f} s")
        platform.start_one("download")

    def look(self, service, how, what, users):
        """What was right while it lasted: nobody waited long, and who was not concerned was served."""
        downloads, reads = users
        self.note("download", downloads.longest)
        self.note("read of the API", reads.longest)
        all_gone = how != "one of two"
        concerned = {"download": downloads, "catalog": reads}.get(service)
        for user in users:
            if service == "gateway":
                continue
            self.check.expect(user.longest < ANSWERED_WITHIN, f"{what}: an answer took {user.longest:.1f} s")
            if not (all_gone and user is concerned):
                self.check.expect(not user.refused, f"{what}: {user.path} was refused: {user.refused[:3]}")

    def note(self, name, seconds):
        self.longest[name] = max(self.longest[name], seconds)

    def conclude(self):
        check = self.check
        check.figure("stopped for some seconds", f"{self.drills} times up to {check.count(short=6, long=20)} s, nobody restarted by hand")
        for name, seconds in self.longest.items():
            check.figure(f"longest {name}", f"{seconds:.1f} s")
        check.figure("after the stops", invariants.assert_all(self.platform, self.developer, self.ledger))
        check.figure("lost to stops", f"0 of {len(self.ledger.acknowledged)}")
        self.platform.end()


class User(threading.Thread):
    """Asks for one address all the time, and notes what is not 200 and how long an answer took at most."""

    def __init__(self, platform, path, token):
        super().__init__(daemon=True)
        self.address, self.path, self.token = platform.gateway, path, token
        self.asked = 0
        self.refused = []
        self.longest = 0.0
        self.over = threading.Event()

    def run(self):
        while not self.over.is_set():
            began = time.monotonic()
            try:
                answer = web.request(self.address, "GET", self.path, token=self.token, timeout=60)
                seen = None if answer.status == 200 else answer.status
            except web.BROKEN as error:
                seen = repr(error)
            self.asked += 1
            self.longest = max(self.longest, time.monotonic() - began)
            if seen is not None:
                self.refused.append(seen)
            self.over.wait(0.02)

    def end(self):
        self.over.set()
        self.join(70)

    def __str__(self):
        return f"{self.asked - len(self.refused)} of {self.asked} answered, {self.longest:.1f} s at most"
