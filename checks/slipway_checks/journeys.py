"""The journey of a developer and a user on a platform of several versions: publish, latest, verify, yank, revoke."""

from . import fixtures, invariants
from .developer import Developer
from .platform import Platform
from .poller import Poller
from .publisher import Publish
from .signatures import Signatures
from .visitor import Visitor

APP = "notes"
FILE = "notes.bin"
# Seconds until a follower has heard of a change after a neighbour has taken its poll and died or hung: the time-out of a call.
HEARD_WITHIN = 70


class Journeys:
    """A platform whose services are of `versions` (None is today's), and everybody who uses it."""

    def __init__(self, check, name, versions):
        self.check = check
        self.platform = Platform(check, name).start(versions=versions)
        self.developer = Developer(self.platform)
        self.visitor = Visitor(self.platform)
        self.signatures = Signatures(self.platform)
        self.ledger = invariants.Ledger()
        self.poller = Poller(self.platform, self.ledger)
        self.poller.start()
        self.journeys = 0
        self.is_joined = False
        self.tries = 0

    @property
    def again(self):
        """The statuses after which a publish is tried again."""
        return (404, 422, 500, 502, 503, 504) if self.is_joined else (502, 503, 504)

    def makers(self):
        """Of which versions the signing services are now."""
        raise NotImplementedError

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
        self.signatures.note(publication, signature, set(self.makers()))
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

    def conclude(self):
        """Whether all that was acknowledged is there, and nothing was served without proof; in words, how much was looked at."""
        held = invariants.assert_all(self.platform, self.developer, self.ledger)
        self.poller.end()
        self.check.expect(not self.poller.unproven, f"served without a valid signature: {self.poller.unproven}")
        failed = [release for release in self.developer.releases(APP) if release["state"] == "failed"]
        self.check.equal(failed, [], "releases that failed")
        return held
