"""Instances of two versions side by side: one service of an earlier release among today's, or the other way round."""

import time

from . import fixtures
from .journeys import APP, FILE, Journeys
from .platform import SERVICES
from .publisher import Publish

# There is one of each: it has the address that everybody is given.
ALONE = ("registry", "gateway")
# Seconds that a publish takes on a machine with other things to do: a kill comes at any moment of it.
PUBLISH = 0.6


class Neighbours(Journeys):
    """Instances of `service` in two versions, `first` and `second`, among everybody else, who is of `others`. None is today's."""

    def __init__(self, check, service, first, second, others=None):
        self.service = service
        self.first, self.second, self.others = first, second, others
        versions = dict.fromkeys(SERVICES, others) | {service: first}
        name = "-".join([service, *(version or "today" for version in (first, second, others))])
        super().__init__(check, name, versions)
        self.running = {first: self.platform.one(service)}
        # A catalog or upload of before 0.5.0 that a later one joins on SQLite finds no rows, once for each connection, or
        # fails: it has to be ended before, as deploy/README.md says. Who does not end it tries again.
        self.is_joined = bool(service in ("catalog", "upload") and first)

    def run(self, kills):
        """The one, both, the other alone, and the one again, which finds what the other has written."""
        self.developer.make_app(APP)
        self.journey()
        if self.service in ALONE:
            kills = 0
            self.take_over(self.second)
            self.journey()
            self.take_over(self.first)
        else:
            self.start(self.second)
            self.journey()
            for number in range(kills):
                self.kill((self.first, self.second)[number % 2], f"0.{number + 1}.0")
            self.signed_again()
            self.stop(self.first)
            self.journey()
            self.signed_again()
            self.start(self.first)
            self.stop(self.second)
        self.journey()
        held = self.conclude()
        first, second, others = (version or "today's" for version in (self.first, self.second, self.others))
        words = f"{self.service} of {first}, then {second}, among {others}"
        self.check.figure(words, f"{self.journeys} journeys ({self.tries} tries of {2 * self.journeys} publishes), {kills} kills, {held}")
        self.platform.end()

    def makers(self):
        return self.running if self.service == "signing" else [self.others]

    def signed_again(self):
        """Whoever of signing is there gives the bytes of before, also when its database has lost them."""
        for version, instance in self.running.items() if self.service == "signing" else ():
            self.signatures.given_again(instance)
            if version is None:
                self.signatures.made_again(instance)

    # Who is there

    def start(self, version):
        self.running[version] = self.platform.start_one(self.service, version=version)

    def stop(self, version):
        """SIGTERM; it leaves with 0."""
        instance = self.running.pop(version)
        self.platform.instances[self.service].remove(instance)
        self.check.equal(instance.stop(), 0, f"exit code of {self.service} of {version or 'today'} after SIGTERM")

    def take_over(self, version):
        """The one that has the address gives it to the other."""
        for other in list(self.running):
            self.stop(other)
        self.start(version)
        self.platform.wait_ready()

    def kill(self, version, release):
        """kill -9 in the middle of a publish, and the same program again."""
        publish = Publish(self.developer, APP, release, FILE, fixtures.made(self.check.random, 512 * 1024), again=self.again)
        self.poller.watch(publish.publication.path)
        publish.start()
        publish.body_begun.wait(30)
        # The moment of a kill is what varies, so it is a time.
        time.sleep(self.check.random.uniform(0, PUBLISH))
        self.platform.kill(self.service, self.running[version])
        self.start(version)
        self.ledger.acknowledge(publish.finish())
