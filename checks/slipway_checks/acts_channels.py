"""What is in a channel is moved: each act, and what `latest`, page, API and feed say afterwards."""

from . import fixtures, internal, tus
from .check import ROOT
from .developer import Developer
from .platform import Platform
from .visitor import Visitor

APP = "notes"
FILE = "notes.bin"
STABLE = f"/api/v1/apps/{APP}/channels/stable"
RELEASES = f"/api/v1/apps/{APP}/releases"
CODES = ("left_channel", "signer_changed", "package_name_changed", "version_code_not_higher", "version_contradicts")
HISTORY = ROOT / "checks" / "history"


def channels(check):
    acts = Acts(check)
    acts.roll_back()
    acts.old_pipeline()
    acts.come_back()
    acts.backport()
    acts.on_its_way()
    acts.spelling()
    acts.history()
    acts.strict()
    check.figure("acts of channels", f"{acts.done}, each beside what latest, page, API and feed say")


def codes(document):
    """The warnings of channels and history; what the bytes alone tell is not in question here."""
    said = [warning.split(":")[0] for warning in document["warnings"]]
    return [code for code in said if code in CODES]


class Acts:
    def __init__(self, check):
        self.check = check
        self.platform = Platform(check).start()
        self.admin = Developer(self.platform)
        self.visitor = Visitor(self.platform)
        self.bytes = {}
        self.done = 0
        self.admin.make_app(APP)
        for version in ("1.0.0", "2.0.0", "2.1.0"):
            self.publish(version)

    def put(self, version, channel="stable", headers=None, **query):
        content = self.bytes.setdefault(version, fixtures.made(self.check.random))
        query = {"version": version, "channel": channel, "platform": "linux"} | query
        return self.admin.put(APP, FILE, content, query, headers)

    def publish(self, version, **query):
        self.check.equal(self.put(version, **query).status, 201, f"publish {version}")

    def act(self, method, path, status, value, code=None, headers=None):
        answer = self.admin.call(method, path, value, headers)
        self.check.equal((answer.status, answer.code), (status, code), f"{method} {path} {value} ({answer})")
        self.done += 1
        return answer.json()

    # What everybody says

    def says(self, latest, **channels):
        """`latest` is the version that it leads to; `channels` are those of each version, as v1_0_0="stable"."""
        location, _ = self.visitor.latest(APP, "linux")
        self.check.equal(location.split("/")[3], latest, "latest")
        page = self.visitor.get(f"/a/{APP}").body
        self.check.expect(f"/d/{APP}/{latest}/{FILE}".encode() in page, f"{latest} is not on the page")
        listed = self.admin.call("GET", f"/api/v1/apps/{APP}/channels").json()["items"]
        served = {channel["channel"]: channel["version"] for channel in listed}
        self.check.equal(served["stable"], latest, "what the API says of stable")
        told = self.feed()
        for name, wanted in channels.items():
            version = name.removeprefix("v").replace("_", ".")
            wanted = wanted.split()
            self.check.equal(self.admin.release(APP, version)["channels"], wanted, f"the API of {version}")
            self.check.equal(told[version]["channels"], wanted, f"the feed of {version}")
            # What left is neither yanked nor gone.
            self.check.equal(self.visitor.get(f"/d/{APP}/{version}/{FILE}").status, 200, f"the address of {version}")

    def feed(self):
        path = "/internal/changes?epoch=&after=0"
        page = internal.call(self.platform, "download", self.platform.one("catalog"), "GET", path).json()
        return {row["version"]: row for row in page["changes"] if row["type"] == "release" and row["app"] == APP}

    # The acts

    def roll_back(self):
        self.says("2.1.0", v1_0_0="stable", v2_0_0="stable", v2_1_0="stable")
        refused = self.act("PUT", STABLE, 409, {"version": "1.0.0"}, "channel_newer")
        self.check.equal(refused["newer"], ["2.1.0", "2.0.0"], "what is newer")
        self.says("2.1.0", v1_0_0="stable", v2_1_0="stable")
        body, key = {"version": "1.0.0", "rollback": True}, {"Idempotency-Key": "back"}
        answer = self.act("PUT", STABLE, 200, body, headers=key)
        self.check.equal(answer["left"], ["2.1.0", "2.0.0"], "what left")
        self.says("1.0.0", v1_0_0="stable", v2_0_0="", v2_1_0="")
        self.check.equal(self.act("PUT", STABLE, 200, body, headers=key), answer, "the same again")

    def old_pipeline(self):
        """Every way to publish 2.0.0 once more."""
        answer = self.put("2.0.0")
        self.check.equal((answer.status, codes(answer.json()["release"])), (200, ["left_channel"]), f"PUT again: {answer}")
        body = {"version": "2.0.0", "channel": "stable"}
        self.check.equal(codes(self.act("POST", RELEASES, 200, body)), ["left_channel"], "POST releases again")
        content, fields = self.bytes["2.0.0"], body | {"filename": FILE, "platform": "linux"}
        made = tus.create(self.admin.address, self.admin.token, APP, len(content), content, **fields)
        self.check.equal(made.status, 201, f"tus again: {made}")
        release = lambda: self.admin.call("GET", tus.path_of(made)).json()["release"]  # noqa: E731 - called at once
        self.check.until(20, lambda: release() and codes(release()), "what became of the upload in pieces")
        self.check.equal(codes(release()), ["left_channel"], "tus again")
        self.done += 3
        self.says("1.0.0", v1_0_0="stable", v2_0_0="")

    def come_back(self):
        self.act("PUT", STABLE, 200, {"version": "2.0.0"})
        self.says("2.0.0", v2_0_0="stable", v2_1_0="")
        self.check.equal(codes(self.admin.release(APP, "2.0.0")), [], "no warning any more")
        self.act("POST", f"{STABLE}/releases", 200, {"version": "2.1.0"})
        self.says("2.1.0", v2_0_0="stable", v2_1_0="stable")

    def backport(self):
        self.publish("1.0.1", channel="beta")
        answer = self.act("POST", f"{STABLE}/releases", 200, {"version": "1.0.1"})
        self.check.equal((answer["version"], answer["added"]), ("2.1.0", "1.0.1"), f"a backport: {answer}")
        self.says("2.1.0", v1_0_1="beta stable")
        yank = f"{RELEASES}/2.1.0/yank"
        self.act("POST", yank, 200, {"reason": "it loses notes"})
        self.says("2.0.0", v2_0_0="stable")

    def on_its_way(self):
        """What was acknowledged as waiting for signing before a roll-back is published, and moves nothing."""
        self.platform.kill("signing")
        answer = self.put("3.0.0", headers={"Prefer": "wait=1"})
        self.check.equal(answer.status, 202, f"3.0.0 without signing: {answer}")
        answer = self.act("PUT", STABLE, 200, {"version": "2.0.0", "rollback": True})
        self.check.expect("3.0.0" in answer["left"], f"what is on its way leaves too: {answer}")
        self.platform.start_one("signing")
        release = self.admin.until_published(APP, "3.0.0", 60)
        self.check.equal((release["channels"], codes(release)), ([], ["left_channel"]), f"3.0.0: {release}")
        self.says("2.0.0", v2_0_0="stable", v3_0_0="")

    def spelling(self):
        for channel, status, code in (("stabel", 404, "channel_unknown"), ("Stable", 422, "channel_invalid")):
            answer = self.put("4.0.0", channel=channel)
            self.check.equal((answer.status, answer.code), (status, code), f"the channel {channel} ({answer})")
            self.act("PUT", f"/api/v1/apps/{APP}/channels/{channel}", status, {"version": "1.0.0"}, code)
        self.check.expect("stable" in self.put("4.0.0", channel="stabel").json()["detail"], "the nearest is not named")
        self.check.equal(self.admin.call("GET", f"{RELEASES}/4.0.0").status, 404, "nothing is kept of a wrong channel")
        self.publish("4.0.0", channel="nightly", create="channel")
        self.act("PUT", f"/api/v1/apps/{APP}/channels/edge", 200, {"version": "1.0.0", "create": "channel"})
        self.says("2.0.0", v1_0_0="edge stable", v4_0_0="nightly")

    def history(self):
        """Four versions of an APK, three of which are odd beside those before them."""
        self.admin.make_app("diary")
        expected = {
            "1": [],
            "2": ["version_code_not_higher"],
            "3": ["signer_changed"],
            "4": ["package_name_changed"],
        }
        for number, wanted in expected.items():
            answer = self.admin.put("diary", "diary.apk", self.apk(number), {"channel": "stable"})
            self.check.equal(answer.status, 201, f"{number}.0: {answer}")
            for document in (answer.json()["package"], answer.json()["release"], self.admin.release("diary", f"{number}.0")):
                self.check.equal(codes(document), wanted, f"{number}.0")
            self.done += 1
        answer = self.admin.put("diary", "diary.apk", self.apk("1"), {"version": "9.0"})
        self.check.expect("version_contradicts" in codes(answer.json()["package"]), f"9.0: {answer}")

    def strict(self):
        self.admin.make_app("strict")
        odd = {"channel": "stable", "strict": "true"}
        self.check.equal(self.admin.put("strict", "a.apk", self.apk("1"), {"channel": "stable"}).status, 201, "the first")
        for number, code in (("2", "version_code_not_higher"), ("3", "signer_changed"), ("4", "package_name_changed")):
            answer = self.admin.put("strict", "a.apk", self.apk(number), odd)
            self.check.equal((answer.status, answer.code), (422, "strict_refused"), f"strict {number}: {answer}")
            self.check.expect(code in answer.json()["detail"], f"strict {number} names {code}: {answer}")
            missing = self.admin.call("GET", f"/api/v1/apps/strict/releases/{number}.0")
            self.check.equal(missing.status, 404, f"nothing is kept of strict {number}")
            self.done += 1
        answer = self.admin.put("strict", "a.apk", self.apk("1"), odd | {"version": "7.0"})
        self.check.equal((answer.status, answer.code), (422, "strict_refused"), f"a contradiction: {answer}")
        self.check.expect("version_contradicts" in answer.json()["detail"], f"a contradiction: {answer}")
        self.done += 1

    def apk(self, number):
        return (HISTORY / f"{number}.apk").read_bytes()
