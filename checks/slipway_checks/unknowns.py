"""What a later version, or an earlier one, might say to today's services: each unknown is said once, between real ones."""

import contextlib
import urllib.parse

from . import fixtures, invariants
from .between import Between, Rule, asks, asks_otherwise, refuses, says
from .developer import Developer
from .platform import Platform, free_port
from .publisher import Publish
from .visitor import Visitor

APP = "notes"
FILE = "notes.bin"
# Who answers others; the gateway is asked by the world alone.
CALLEES = ("registry", "signing", "catalog", "upload", "download")
MORE = {"of_a_later_version": {"a": [1, None]}}
# Answers that say, in one way or another, that this is not known; none of them is the release's fault.
NOT_UNDERSTOOD = [
    *((400, code) for code in ("parameter_unknown", "json_invalid")),
    *((404, code) for code in ("not_found", None)),
    *((405, "method_not_allowed"), (409, "of_a_later_version"), (422, "of_a_later_version")),
]
GOES_ON_WITHIN = 60


def injected(check):
    unknowns = Unknowns(check)
    unknowns.fields()
    unknowns.answers_of_signing()
    unknowns.answers_of_catalog()
    unknowns.answers_of_download()
    unknowns.words_of_a_package()
    unknowns.rows()
    unknowns.visibility()
    unknowns.scopes_and_roles()
    unknowns.states()
    unknowns.endpoints()
    unknowns.instances()
    unknowns.conclude()


class Unknowns:
    def __init__(self, check):
        self.check = check
        self.rules = []
        self.said = 0
        self.platform = Platform(check, "unknowns")
        self.platform.init()
        self.between = [self.stand_before(service) for service in CALLEES]
        self.platform.start()
        self.developer = Developer(self.platform)
        self.visitor = Visitor(self.platform)
        self.ledger = invariants.Ledger()
        self.developer.make_app(APP)

    def stand_before(self, service):
        target = f"127.0.0.1:{free_port()}"
        between = Between(self.platform.data / "secrets", service, target, self.rules)
        settings = {"LISTEN": target, "ADVERTISE": between.address}
        self.platform.settings |= {f"SLIPWAY_{service.upper()}__HTTP__{name}": value for name, value in settings.items()}
        if service == "registry":
            self.platform.registry, self.platform.registry_listens = between.address, target
        return between

    # How it is said

    @contextlib.contextmanager
    def rule(self, *arguments, **more):
        """A rule for the time of the block, in which it has to be met."""
        rule = Rule(*arguments, **more)
        self.rules.append(rule)
        try:
            yield rule
        finally:
            rule.end()
        self.met(rule)

    def met(self, *rules):
        for rule in rules:
            rule.end()
            self.check.expect(rule.hits, f"nobody asked {rule.callee} for {rule.method} {rule.path}")
            self.said += 1

    def told(self, service, words):
        """That it was passed over stands in the log, at WARN."""
        log = self.platform.one(service).log
        there = lambda: any(" WARN " in line and words in line for line in log.read_text(errors="replace").splitlines())  # noqa: E731
        self.check.until(10, there, f"{service} warns: {words}")

    def publish(self, version, developer=None):
        publish = Publish(developer or self.developer, APP, version, FILE, fixtures.made(self.check.random), pace=0)
        publish.start()
        publication = publish.finish()
        self.visitor.prove(publication)
        self.ledger.acknowledge(publication)
        return publication

    def put(self, version, filename=FILE, developer=None, **query):
        """A publish that does not wait for more than the bytes."""
        query = {"version": version, "channel": "stable", "platform": "linux"} | query
        content = fixtures.made(self.check.random)
        answer = (developer or self.developer).put(APP, filename, content, query, {"Prefer": "wait=0"})
        self.check.expect(answer.status in (200, 201, 202), f"put of {version}: {answer}")
        return answer.json()["package"]["id"]

    def go_on(self, versions):
        """What has waited is published, once nobody is in its way."""
        for version in versions:
            self.developer.until_published(APP, version, GOES_ON_WITHIN)

    # What is said

    def fields(self):
        """A field more in every object of every document, and a parameter more in every query, on the whole of a journey."""
        everywhere = [
            Rule("*", "*", "/internal/", asks(add_fields)),
            Rule("*", "*", "/internal/", says(add_fields)),
            Rule("*", "GET", "/internal/", asks_otherwise(more_parameters), when=lambda call: "/staged/" not in call.path),
        ]
        self.rules += everywhere
        token = self.developer.make_token("fields", ["read", "upload", "release"])
        developer = Developer(self.platform, token)
        kept, yanked = self.publish("1.0.0", developer), self.publish("1.1.0", developer)
        path = f"/api/v1/apps/{APP}/releases/{yanked.version}/yank"
        self.done("POST", path, {"reason": "x"})
        del self.ledger.acknowledged[yanked.path]
        self.check.equal(self.visitor.latest(APP, "linux")[0], kept.path, "latest")
        draft = developer.put(APP, "draft.bin", fixtures.made(self.check.random), {"version": "1.2.0"}).json()
        self.done("DELETE", f"/api/v1/apps/{APP}/packages/{draft['package']['id']}")
        self.done("GET", f"/api/v1/apps/{APP}/releases/1.0.0/downloads")
        self.done("GET", "/api/v1/storage")
        for service in ("upload", "download"):
            self.told(service, "a later version")
        self.met(*everywhere)

    def done(self, method, path, value=None, status=(200, 201, 204)):
        return self.developer.expect(self.developer.call(method, path, value), status, f"{method} {path}")

    def refused_by(self, callee, method, path, first, version_of):
        """One version for each answer that is not understood; all wait, none fails, and all go on."""
        rules = {}
        for number, answer in enumerate(NOT_UNDERSTOOD):
            version = f"{first}.{number}.0"
            rules[version] = Rule(callee, method, path, refuses(*answer), when=is_about(version, version_of))
        self.rules += rules.values()
        packages = {version: self.put(version) for version in rules}
        self.check.until(30, lambda: all(rule.hits for rule in rules.values()), f"all were asked of {callee}")
        for version, package in packages.items():
            shown = self.done("GET", f"/api/v1/apps/{APP}/packages/{package}").json()
            waits = shown["state"] in ("stored", "signing", "verifying")
            self.check.expect(waits and shown["reason"], f"{version} after {callee} did not understand: {shown}")
        self.met(*rules.values())
        self.go_on(rules)

    def answers_of_signing(self):
        self.refused_by("signing", "POST", "/internal/signatures", 2, of_document)
        with self.rule("signing", "POST", "/internal/keys", refuses(422, "of_a_later_version")) as rule:
            self.done("POST", "/api/v1/apps", {"slug": "other", "name": "Other"})
            self.check.until(10, lambda: rule.hits, "signing is asked for a key")
        key = lambda: self.visitor.get("/keys/other/minisign.pub").status == 200  # noqa: E731
        self.check.until(GOES_ON_WITHIN, key, "the key of another app")

    def answers_of_catalog(self):
        self.refused_by("catalog", "POST", "/internal/packages", 3, of_document)
        self.told("upload", "not known here")

    def answers_of_download(self):
        self.refused_by("download", "GET", "/internal/staged/", 4, of_path)

    def words_of_a_package(self):
        """At the catalog they wait; from it they are kept, and offered to nobody."""
        for number, field in enumerate(("kind", "platform")):
            version = f"5.{number}.0"
            change = asks(lambda document, field=field: document.update({field: "holo"}))
            with self.rule("catalog", "POST", "/internal/packages", change, when=is_about(version, of_document)) as rule:
                package = self.put(version)
                self.check.until(10, lambda rule=rule: rule.hits > 1, f"a delivery of an unknown {field} is tried again")
                shown = self.done("GET", f"/api/v1/apps/{APP}/packages/{package}").json()
                self.check.equal(shown["state"], "stored", f"state of a package of an unknown {field}")
                self.check.expect("holo" in shown["reason"], f"reason of a package of an unknown {field}: {shown['reason']}")
            self.go_on([version])
            self.told("catalog", "holo")
        before = self.visitor.latest(APP, "linux")[0]
        # An architecture is known by its name, whatever it is, unless it is no name at all.
        for number, (field, word) in enumerate((("kind", "holo"), ("platform", "holo"), ("arch", "two of them"))):
            version = f"6.{number}.0"
            change = says(changed_rows(of_version(version), in_packages({field: word})))
            with self.rule("catalog", "GET", "/internal/changes", change, when=by("download")):
                publication = self.publish(version)
                self.check.equal(self.visitor.latest(APP, "linux")[0], before, f"latest beside an unknown {field}")
                page = self.visitor.fetch(f"/a/{APP}").body
                self.check.expect(publication.path.encode() not in page, f"a file of an unknown {field} is on the page")
            self.told("download", word)

    def rows(self):
        """A type of row more, and one in another shape: what comes after them is taken."""
        strangers = [{"type": "mirror", "of": {"a": 1}}, {"type": "app", "slug": {"of": "a"}}, {"type": "package", "id": 7}]
        with self.rule("catalog", "GET", "/internal/changes", says(with_rows(strangers))):
            self.publish("7.0.0")
            self.publish("7.1.0")
        unreadable = says(changed_rows(of_version("7.2.0"), lambda row: row.update(visibility={"percent": 5})))
        with self.rule("catalog", "GET", "/internal/changes", unreadable):
            self.put("7.2.0")
            self.publish("7.3.0")
        self.check.equal(self.visitor.get(f"/d/{APP}/7.2.0/{FILE}").status, 404, "a release in another shape")

    def visibility(self):
        hidden = says(changed_rows(of_version("8.0.0"), unless_staged))
        with self.rule("catalog", "GET", "/internal/changes", hidden, when=by("download")):
            self.put("8.0.0")
            self.developer.until_state(APP, "8.0.0", "published", GOES_ON_WITHIN)
            after = self.publish("8.1.0")
        self.check.equal(self.visitor.get(f"/d/{APP}/8.0.0/{FILE}").status, 404, "a release of an unknown visibility")
        self.check.equal(self.visitor.latest(APP, "linux")[0], after.path, "latest beside it")
        # It stays hidden until it changes: what is published has to be served again in the end.
        self.done("POST", f"/api/v1/apps/{APP}/releases/8.0.0/yank", {"reason": "x"})
        self.check.equal(self.visitor.get(f"/d/{APP}/8.0.0/{FILE}").status, 410, "it once it is yanked")

    def scopes_and_roles(self):
        """Unknown ones permit nothing, and take nothing from those that are known."""
        cases = {
            "mirror alone": ({"scopes": ["mirror"]}, 403),
            "mirror too": ({"scopes": ["upload", "mirror"]}, 200),
            "a role alone": ({"scopes": [], "role": "owner"}, 403),
            "a role too": ({"scopes": ["upload"], "role": "owner"}, 200),
            "another shape": ({"scopes": {"upload": True}}, 403),
            "another limit": ({"expires_at": {"uses": 3}}, 403),
        }
        for number, (name, (change, status)) in enumerate(cases.items()):
            rule = says(changed_rows(of_token(name), lambda row, change=change: row["grant"].update(change)))
            with self.rule("catalog", "GET", "/internal/changes", rule, when=by("upload")):
                developer = Developer(self.platform, self.developer.make_token(name, ["upload"]))
                content, query = fixtures.made(self.check.random), {"version": f"9.{number}.0", "platform": "linux"}
                answer = developer.put(APP, FILE, content, query)
                seen = 200 if answer.status == 201 else answer.status
                self.check.equal(seen, status, f"an upload by a token with {name} ({answer})")
                if status == 200:
                    published = developer.put(APP, FILE, content, query | {"channel": "stable"})
                    self.check.equal(published.status, 403, f"a release by a token with {name} ({published})")

    def states(self):
        """Of a release: it is not where it was to be, as far as upload knows."""
        rested = says(lambda document: document.get("release") and document["release"].update(state="resting"))
        with self.rule("catalog", "GET", "/internal/packages/", rested):
            query = {"version": "10.0.0", "channel": "stable", "platform": "linux"}
            answer = self.developer.put(APP, FILE, fixtures.made(self.check.random), query, {"Prefer": "wait=2"})
            self.check.equal(answer.status, 202, f"a release in an unknown state ({answer})")
        self.go_on(["10.0.0"])

    def endpoints(self):
        """An older neighbour does not have them."""
        missing = refuses(404, "not_found")
        with self.rule("catalog", "GET", "/internal/channels/", missing):
            package = self.put("11.0.0", channel="mine")
        state = lambda: self.done("GET", f"/api/v1/apps/{APP}/packages/{package}").json()["state"]  # noqa: E731
        self.check.until(GOES_ON_WITHIN, lambda: state() == "draft", "a draft of the package whose channel is not there")
        with self.rule("catalog", "POST", "/internal/removals", missing):
            answer = self.developer.call("DELETE", f"/api/v1/apps/{APP}/packages/{package}")
            self.check.equal(answer.status, 503, f"a removal that the catalog does not know ({answer})")
        self.done("DELETE", f"/api/v1/apps/{APP}/packages/{package}")
        with self.rule("upload", "GET", "/internal/storage", missing):
            self.check.equal(self.done("GET", "/api/v1/storage").json()["disk"], None, "the disk that upload does not tell")
        with self.rule("download", "GET", "/internal/downloads/", missing):
            self.done("GET", f"/api/v1/apps/{APP}/releases/1.0.0/downloads", status=503)

    def instances(self):
        """One in an unknown state, and one of an unknown service, are sent nothing."""
        address = f"127.0.0.1:{free_port()}"
        environment = {"SLIPWAY_DOWNLOAD__HTTP__LISTEN": address, "SLIPWAY_DOWNLOAD__HTTP__ADVERTISE": address}
        stranger = {"service": "mirror", "instance": "01890000-0000-7000-8000-000000000000", "addr": address}
        stranger |= {"state": "RESTING", "version": "9", "started_at": 0}

        def change(document):
            for record in document.get("instances", []):
                if record["addr"] == address:
                    record["state"] = "WARMING"
            document.get("instances", []).append(stranger)

        with self.rule("registry", "GET", "/internal/instances", says(change)):
            second = self.platform.start_one("download", environment=environment)
            for _ in range(20):
                self.check.equal(self.visitor.get(f"/a/{APP}").status, 200, "the page beside an instance in an unknown state")
            numbers = self.platform.metrics(second)
            served = {name for name, value in numbers.items() if name.startswith("slipway_http_requests") and 'route="/a/' in name and value}
            self.check.equal(served, set(), "what an instance in an unknown state was asked for")
            self.told("gateway", "in a state that is not known here")
        self.platform.stop("download")

    def conclude(self):
        held = invariants.assert_all(self.platform, self.developer, self.ledger)
        failed = [release["version"] for release in self.developer.releases(APP) if release["state"] == "failed"]
        self.check.equal(failed, [], "releases that failed")
        self.check.figure("unknowns said", f"{self.said}, none final, {held}")
        self.platform.end()
        for between in self.between:
            between.close()


# What the rules change


def add_fields(value):
    if isinstance(value, dict):
        for inner in value.values():
            add_fields(inner)
        value |= MORE
    elif isinstance(value, list):
        for inner in value:
            add_fields(inner)


def more_parameters(call):
    call.path += ("&" if "?" in call.path else "?") + "of_a_later_version=1"


def of_document(call):
    return (call.document() or {}).get("version")


def of_path(call):
    parts = urllib.parse.unquote(call.path).split("/")
    return parts[5] if call.path.startswith("/internal/staged/d/") else None


def is_about(version, version_of):
    return lambda call: version_of(call) == version


def by(caller):
    return lambda call: call.caller == caller


def of_version(version):
    return lambda row: row["type"] == "release" and row["version"] == version


def of_token(name):
    return lambda row: row["type"] == "token" and row["grant"]["name"] == name


def changed_rows(chosen, change):
    def changed(page):
        for row in page["changes"]:
            if chosen(row):
                change(row)

    return changed


def in_packages(fields):
    def change(row):
        for package in row["packages"]:
            package.update(fields)

    return change


def unless_staged(row):
    if row["visibility"] != "staged":
        row["visibility"] = "half"


def with_rows(strangers):
    def change(page):
        if page["changes"]:
            first = page["changes"][0]["seq"]
            page["changes"][:0] = [{"seq": first} | stranger for stranger in strangers]

    return change
