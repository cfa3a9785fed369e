"""Instances of two versions side by side: one service of an earlier release among today's, or the other way round."""

import time

from . import fixtures, invariants
from .developer import Developer
from .platform import SERVICES, Platform
from .poller import Poller
from .publisher import Publish
from .signatures import Signatures
from .visitor import Visitor

APP = "notes"
FILE = "notes.bin"
# There is one of each: it has the address that everybody is given.
ALONE = ("registry", "gateway")
# Seconds that a publish takes on a machine with other things to do: a kill comes at any moment of it.
PUBLISH = 0.6
# Seconds until a follower has heard of a change after a neighbour has taken its poll and died or hung: the time-out of a call.
HEARD_WITHIN = 70


class Neighbours:
    """Instances of `service` in two versions, `first` and `second`, among everybody else, who is of `others`. None is today's."""

    def __init__(self, check, service, first, second, others=None):
        self.check = check
        self.service = service
        self.first, self.second, self.others = first, second, others
        versions = dict.fromkeys(SERVICES, others) | {service: first}
        name = "-".join([service, *(version or "today" for version in (first, second, others))])
        self.platform = Platform(check, name).start(versions=versions)
        self.running = {first: self.platform.one(service)}
        self.developer = Developer(self.platform)
        self.visitor = Visitor(self.platform)
        self.signatures = Signatures(self.platform)
        self.ledger = invariants.Ledger()
        self.poller = Poller(self.platform, self.ledger)
        self.poller.start()
        self.journeys = 0
        # A catalog or upload of before 0.5.0 that a later one joins on SQLite finds no rows, once for each connection, or
        # fails: it has to be ended before, as deploy/README.md says. Who does not end it tries again.
        self.is_joined = service in ("catalog", "upload") and first
        self.again = (404, 422, 500, 502, 503, 504) if self.is_joined else (502, 503, 504)
        self.tries = 0

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
        self.conclude(kills)

    def conclude(self, kills):
        held = invariants.assert_all(self.platform, self.developer, self.ledger)
        self.poller.end()
        self.check.expect(not self.poller.unproven, f"served without a valid signature: {self.poller.unproven}")
        failed = [release for release in self.developer.releases(APP) if release["state"] == "failed"]
        self.check.equal(failed, [], "releases that failed")
        first, second, others = (version or "today's" for version in (self.first, self.second, self.others))
        words = f"{self.service} of {first}, then {second}, among {others}"
        self.check.figure(words, f"{self.journeys} journeys ({self.tries} tries of {2 * self.journeys} publishes), {kills} kills, {held}")
        self.platform.end()

    # What is done

    def journey(self):
        """Publish, latest, verify, yank, revoke, by a token of its own."""
        self.journeys += 1
        name = f"ci {self.journeys}"
        ci = Developer(self.platform, self.developer.make_token(name, ["read", "upload", "release"]))
        self.poller.watch(f"/d/{APP}/{self.journeys}.0.0/{FILE}")
        kept = self.publish(ci, f"{self.journeys}.0.0")
        self.ledger.acknowledge(kept)
        yanked = self.publish(ci, f"{self.journeys}.1.0")
        self.leads_to(yanked)
        path = f"/api/v1/apps/{APP}/releases/{yanked.version}/yank"
        answer = self.asked(lambda: self.developer.call("POST", path, {"reason": "it loses notes"}))
        # Asked again, it may have been done before.
        done = answer.status == 200 or self.is_joined and answer.code == "release_not_published"
        self.check.expect(done, f"yank of {yanked.version} ({answer})")
        self.holds(answer, lambda: self.visitor.get(yanked.path).status == 410, f"{yanked.path} yanked")
        self.leads_to(kept)
        self.revoke(ci, name)

    def asked(self, ask):
        """What is answered at last."""
        answer = ask()
        for _ in range(9 if self.is_joined else 0):
            if answer.status not in (404, 500):
                break
            answer = ask()
        return answer

    def publish(self, developer, version):
        publish = Publish(developer, APP, version, FILE, fixtures.made(self.check.random, 200_000), pace=0, again=self.again)
        publish.start()
        publication = publish.finish()
        self.tries += publish.tries
        signature = self.visitor.prove(publication)
        makers = self.running if self.service == "signing" else [self.others]
        self.signatures.note(publication, signature, set(makers))
        return publication

    def leads_to(self, publication):
        location, body = self.visitor.latest(APP, "linux")
        self.check.equal(location, publication.path, "latest")
        self.check.equal(body.sha256, publication.sha256, f"SHA-256 of {location}")

    def revoke(self, ci, name):
        token = next(token["id"] for token in self.developer.every("/api/v1/tokens") if token["name"] == name)
        answer = self.asked(lambda: self.developer.call("DELETE", f"/api/v1/tokens/{token}"))
        self.check.expect(answer.status in (200, 204), f"revoke of {name}: {answer}")
        nothing = {"version": f"99.{self.journeys}.0", "platform": "linux"}
        self.holds(answer, lambda: ci.put(APP, FILE, b"nothing", nothing).status == 401, f"{name} revoked")

    def holds(self, answer, look, what):
        """From the answer on, but for those that it names: they will have heard of it."""
        pending = answer.json().get("pending") if answer.body else None
        if pending:
            self.check.say(f"{what}: waits for {pending}")
            self.check.until(HEARD_WITHIN, look, what)
        else:
            self.check.expect(look(), f"{what}: not from the answer on ({answer})")

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
