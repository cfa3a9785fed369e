"""What was made is removed: each act, and what `latest`, page, API, feed and disk say of it afterwards."""

import hashlib
import json
import shutil
import sqlite3
import urllib.parse

from . import fixtures, internal, web
from .developer import Developer
from .platform import Platform
from .visitor import Visitor

APP = "notes"
FILE = "notes.bin"
SETTINGS = {
    # Swept at once; what is in the trash stays there, to be looked at.
    "SLIPWAY_UPLOAD__STORE__SWEEP_SECONDS": "1",
    "SLIPWAY_UPLOAD__SWEEP__YOUNG_SECONDS": "0",
    "SLIPWAY_UPLOAD__SWEEP__FOLDERS": "256",
}
BECAUSE = {"reason": "it loses notes"}


def removal(check):
    acts = Acts(check)
    acts.yank_and_unyank()
    acts.delete_release()
    acts.shared_bytes_stay()
    acts.drafts_and_packages()
    acts.channels()
    acts.apps()
    acts.quotas()
    acts.after_kills()
    if not check.postgres:
        acts.an_older_database_is_held()
        acts.a_new_epoch_keeps_tombstones()
    acts.near_the_reserve()
    check.figure("acts of removal", f"{acts.done}, each beside what latest, page, API, feed and disk say")


class Acts:
    def __init__(self, check):
        self.check = check
        self.platform = Platform(check, "removal", settings=dict(SETTINGS)).start()
        self.admin = Developer(self.platform)
        self.visitor = Visitor(self.platform)
        self.ci = Developer(self.platform, self.admin.make_token("ci", ["read", "upload", "release"]))
        self.done = 0
        self.admin.make_app(APP)
        self.publish("1.0.0")

    def publish(self, version, app=APP, content=None):
        content = content or fixtures.made(self.check.random)
        return self.admin.publish(app, version, FILE, content, platform="linux")

    def act(self, method, path, status, value=None, code=None, by=None):
        """One act, and what it is answered; the same again where it is a deletion that was done."""
        answer = (by or self.admin).call(method, path, value)
        self.check.equal((answer.status, answer.code), (status, code), f"{method} {path} ({answer})")
        if method == "DELETE" and status == 204:
            again = self.admin.call(method, path)
            self.check.equal(again.status, 204, f"{method} {path} again ({again})")
        self.done += 1
        return answer

    # What everybody says

    def says(self, publication, latest, file, api, feed, disk=None):
        """`latest` is the version that it leads to, or its status; `file` the status and code of file and signature."""
        app, version = publication.app, publication.version
        answer = self.visitor.get(f"/d/{app}/latest/linux")
        there = answer.headers.get("location", "").split("/")[3:4]
        self.check.equal(there[0] if there else answer.status, latest, f"latest of {app}")
        page = self.visitor.get(f"/a/{app}")
        offered = publication.path.encode() in page.body
        self.check.equal(offered, latest == version, f"{version} on the page of {app}")
        for path in (publication.path, publication.path + ".minisig"):
            answer = self.visitor.get(path)
            self.check.equal((answer.status, answer.code), file, path)
        if file[0] == 200:
            self.visitor.prove(publication)
        answer = self.admin.call("GET", f"/api/v1/apps/{app}/releases/{version}")
        said = answer.json()["state"] if answer.status == 200 else answer.code
        self.check.equal(said, api, f"the API of {app} {version}")
        self.check.equal(self.feed(app, version), feed, f"the feed of {app} {version}")
        if disk:
            self.on_disk(publication.sha256, disk)

    def feed(self, app, version):
        path = "/internal/changes?epoch=&after=0"
        page = internal.call(self.platform, "download", self.platform.one("catalog"), "GET", path).json()
        rows = [row for row in page["changes"] if row["type"] == "release"]
        said = [row["visibility"] for row in rows if (row["app"], row["version"]) == (app, version)]
        return said[0] if said else None

    def on_disk(self, sha256, where):
        place = self.platform.blob(sha256)
        trash = self.platform.blobs() / "trash" / sha256[:2] / sha256
        wanted = {"place": (True, False), "trash": (False, True)}[where]
        look = lambda: (place.exists(), trash.exists()) == wanted  # noqa: E731 - called at once
        self.check.until(20, look, f"{sha256} in the {where}")

    # The acts

    def yank_and_unyank(self):
        two = self.two = self.publish("2.0.0")
        path = f"/api/v1/apps/{APP}/releases/2.0.0"
        self.says(two, "2.0.0", (200, None), "published", "published", "place")
        self.act("POST", f"{path}/unyank", 409, BECAUSE, "release_not_yanked")
        self.act("POST", f"{path}/yank", 200, BECAUSE)
        self.says(two, "1.0.0", (410, "yanked"), "yanked", "yanked", "place")
        self.act("POST", f"{path}/unyank", 422, {"reason": " "}, "reason_missing")
        self.act("POST", f"{path}/unyank", 200, BECAUSE)
        self.says(two, "2.0.0", (200, None), "published", "published", "place")
        self.act("PATCH", path, 200, {"notes": "Written afterwards."})
        page = self.visitor.get(f"/a/{APP}")
        self.check.expect(b"Written afterwards." in page.body, "the page does not show the new notes")
        self.act("PATCH", f"/api/v1/apps/{APP}", 200, {"name": "Renamed afterwards"})
        page = self.visitor.get(f"/a/{APP}")
        self.check.expect(b"Renamed afterwards" in page.body, "the page does not show the new name")
        audit = self.admin.call("GET", "/api/v1/audit?limit=200").json()["items"]
        told = [entry["reason"] for entry in audit if entry["action"] in ("release.yank", "release.unyank")]
        self.check.equal(told, [BECAUSE["reason"]] * 2, "reasons in the audit")

    def delete_release(self):
        two, path = self.two, f"/api/v1/apps/{APP}/releases/2.0.0"
        self.act("DELETE", path, 403, code="scope_missing", by=self.ci)
        self.says(two, "2.0.0", (200, None), "published", "published", "place")
        self.act("DELETE", path, 204)
        self.says(two, "1.0.0", (410, "deleted"), "deleted", "deleted", "trash")
        self.stays_taken(APP, "2.0.0")

    def stays_taken(self, app, version):
        answer = self.admin.put(app, FILE, b"other bytes", {"version": version, "channel": "stable", "platform": "linux"})
        self.check.equal((answer.status, answer.code), (409, "release_deleted"), f"{app} {version} again ({answer})")
        self.check.expect("higher" in answer.json()["detail"], f"the way is not told: {answer}")

    def shared_bytes_stay(self):
        content = fixtures.made(self.check.random)
        kept, gone = self.publish("1.1.0", content=content), self.publish("1.2.0", content=content)
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/1.2.0", 204)
        self.says(gone, "1.1.0", (410, "deleted"), "deleted", "deleted")
        # Another deletion is swept: this one's bytes would be gone by then.
        other = self.publish("1.3.0")
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/1.3.0", 204)
        self.on_disk(other.sha256, "trash")
        self.says(kept, "1.1.0", (200, None), "published", "published", "place")

    def drafts_and_packages(self):
        for query, path in [
            ({"version": "3.0.0", "platform": "linux"}, f"/api/v1/apps/{APP}/releases/3.0.0"),
            ({"platform": "linux"}, None),
        ]:
            content = fixtures.made(self.check.random)
            stored = self.ci.put(APP, FILE, content, query)
            self.ci.expect(stored, 201, "put a package")
            path = path or f"/api/v1/apps/{APP}/packages/{stored.json()['package']['id']}"
            self.act("DELETE", path, 204, by=self.ci)
            self.on_disk(hashlib.sha256(content).hexdigest(), "trash")
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/3.0.0", 204, by=self.ci)
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/3.3.3", 404, code="release_unknown", by=self.ci)
        # The version of a draft is free again.
        self.publish("3.0.0")
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/3.0.0", 204)

    def channels(self):
        path = f"/api/v1/apps/{APP}/channels/beta"
        self.act("DELETE", path, 404, code="channel_unknown")
        self.act("PUT", path, 200, {"version": "1.1.0"})
        refused = self.act("DELETE", path, 409, code="channel_not_empty", by=self.ci)
        self.check.equal(refused.json()["versions"], ["1.1.0"], "what is in the channel")
        self.act("POST", f"/api/v1/apps/{APP}/releases/1.1.0/yank", 200, BECAUSE)
        self.act("DELETE", path, 204, by=self.ci)
        self.act("POST", f"/api/v1/apps/{APP}/releases/1.1.0/unyank", 200, BECAUSE)
        names = [channel["channel"] for channel in self.admin.call("GET", f"/api/v1/apps/{APP}/channels").json()["items"]]
        self.check.equal(names, ["stable"], "channels")

    def apps(self):
        self.admin.make_app("typo")
        released = self.typo = self.publish("1.0.0", "typo")
        self.act("DELETE", "/api/v1/apps/typo", 422, code="confirmation_missing")
        self.act("DELETE", "/api/v1/apps/typo?confirm=notes", 422, code="confirmation_missing")
        self.act("DELETE", "/api/v1/apps/typo?confirm=typo", 403, code="scope_missing", by=self.ci)
        self.says(released, "1.0.0", (200, None), "published", "published", "place")
        self.act("DELETE", "/api/v1/apps/typo?confirm=typo", 204)
        self.is_gone("typo", released)
        self.on_disk(released.sha256, "trash")
        listed = [app["slug"] for app in self.admin.apps()]
        self.check.equal(listed, [APP], "apps that are listed")

    def is_gone(self, app, released):
        for path in (f"/a/{app}", f"/d/{app}/latest/linux", released.path, released.path + ".minisig", f"/keys/{app}/minisign.pub"):
            answer = self.visitor.get(path)
            self.check.equal((answer.status, answer.code), (410, "deleted"), path)
        for path in (f"/api/v1/apps/{app}", f"/api/v1/apps/{app}/releases/{released.version}"):
            answer = self.admin.call("GET", path)
            self.check.equal((answer.status, answer.code), (410, "app_deleted"), path)
        answer = self.admin.put(app, FILE, b"more", {"platform": "linux"})
        self.check.equal((answer.status, answer.code), (410, "app_deleted"), f"PUT to {app}")
        answer = self.admin.call("POST", "/api/v1/apps", {"slug": app, "name": app})
        self.check.equal((answer.status, answer.code), (409, "app_deleted"), f"POST of the slug {app}")
        self.check.equal(self.feed(app, released.version), "deleted", f"the feed of {app}")

    def quotas(self):
        self.admin.make_app("small")
        one = fixtures.made(self.check.random, 10_000)
        size = len(one)
        limits = {"bytes": 2 * size, "drafts": 1, "releases": 1}
        self.act("PATCH", "/api/v1/apps/small", 200, {"quota": limits})
        own = Developer(self.platform, self.admin.make_token("own", ["admin"], app="small"))
        self.act("PATCH", "/api/v1/apps/small", 403, {"quota": None}, "token_of_another_app", by=own)
        released = self.publish("1.0.0", "small", one)
        for version, channel, length, what in [
            ("2.0.0", None, size + 1, "bytes"),
            ("2.0.0", "stable", 10, "releases"),
        ]:
            query = {"version": version, "platform": "linux"} | ({"channel": channel} if channel else {})
            self.exceeded("small", query, length, what)
        self.ci.expect(self.ci.put("small", FILE, b"draft", {"version": "2.0.0", "platform": "linux"}), 201, "one draft")
        self.exceeded("small", {"version": "3.0.0", "platform": "linux"}, 10, "drafts")
        self.act("POST", "/api/v1/apps/small/releases", 403, {"version": "2.0.0", "channel": "stable"}, "quota_exceeded", by=self.ci)
        again = self.admin.put("small", FILE, one, {"version": "1.0.0", "channel": "stable", "platform": "linux"})
        self.check.equal(again.status, 200, f"a retry of what is there ({again})")
        storage = self.admin.call("GET", "/api/v1/storage").json()
        [small] = [item for item in storage["items"] if item["app"] == "small"]
        wanted = {"bytes": size + 5, "releases": 1, "drafts": 1, "draft_bytes": 5, "quota": limits}
        self.check.equal({name: small[name] for name in wanted}, wanted, "what the storage says of the app")
        files = [file for file in (self.platform.blobs() / "trash").rglob("*") if file.is_file()]
        self.check.equal(storage["freeable"]["trash"], sum(file.stat().st_size for file in files), "bytes in the trash")
        self.act("DELETE", "/api/v1/apps/small/releases/1.0.0", 204)
        self.says(released, 404, (410, "deleted"), "deleted", "deleted", "trash")
        self.act("POST", "/api/v1/apps/small/releases", 201, {"version": "2.0.0", "channel": "stable"}, by=self.ci)

    def exceeded(self, app, query, length, what):
        """Refused before the body is read: most of it is never sent."""
        path = f"/api/v1/apps/{app}/packages/{FILE}?" + urllib.parse.urlencode(query)
        answer = web.request(self.platform.gateway, "PUT", path, bytes(length), None, self.admin.token)
        self.check.equal((answer.status, answer.code), (403, "quota_exceeded"), f"PUT of {length} bytes ({answer})")
        self.check.equal(answer.json()["quota"], what, "what was exceeded")
        self.check.equal(self.platform.staged(), [], "files in staging")
        self.done += 1

    def after_kills(self):
        for service in ("catalog", "download", "upload", "gateway"):
            self.platform.restart(service)
        self.platform.wait_ready()
        self.tombstones_are_there()

    def tombstones_are_there(self):
        self.says(self.two, "1.1.0", (410, "deleted"), "deleted", "deleted")
        self.stays_taken(APP, "2.0.0")
        self.is_gone("typo", self.typo)

    # Databases

    def save(self, name):
        """A copy of the catalog's database, taken while nobody writes to it."""
        self.platform.stop("catalog")
        copy = self.check.folder / name
        copy.mkdir()
        for file in (self.platform.data / "catalog").glob("catalog.db*"):
            shutil.copy2(file, copy)
        return copy

    def put_back(self, copy):
        if self.platform.instances["catalog"]:
            self.platform.stop("catalog")
        for file in (self.platform.data / "catalog").glob("catalog.db*"):
            file.unlink()
        for file in copy.iterdir():
            shutil.copy2(file, self.platform.data / "catalog")
        self.platform.start_one("catalog")

    def held(self, wanted):
        def look():
            answer = self.admin.call("GET", "/api/v1/restore")
            restore = answer.json() if answer.status == 200 else {}
            return restore if restore.get("held") == wanted else None

        return self.check.until(20, look, f"held is {wanted}")

    def an_older_database_is_held(self):
        older = self.save("older")
        self.undo(older)
        self.platform.start_one("catalog")
        newest = self.save("newest")
        self.put_back(older)
        self.held(True)
        wanted = {(APP, "2.0.0", "deletion_lifted"), ("typo", "typo", "deletion_lifted")}

        def told():
            losses = self.admin.call("GET", "/api/v1/restore").json().get("losses", [])
            return wanted <= {(loss["app"], loss["subject"], loss["what"]) for loss in losses}

        self.check.until(20, told, f"losses {wanted}")
        for path in (self.two.path, self.typo.path):
            answer = self.visitor.get(path)
            self.check.equal((answer.status, answer.code), (410, "deleted"), f"{path} while an older database is held")
        self.act("DELETE", f"/api/v1/apps/{APP}/releases/1.0.0", 503, code="restore_held")
        self.put_back(newest)
        self.held(False)
        self.tombstones_are_there()

    def undo(self, copy):
        """Makes a copy what it would be without its deletions and since an earlier start: an older copy."""
        with sqlite3.connect(copy / "catalog.db") as database:
            database.execute("UPDATE releases SET state = 'published' WHERE state = 'deleted'")
            database.execute("UPDATE apps SET deleted_at = NULL")
            database.execute("DELETE FROM starts WHERE number > 1")
        database.close()

    def a_new_epoch_keeps_tombstones(self):
        copy = self.save("before a token")
        self.platform.start_one("catalog")
        self.admin.make_token("forgotten", ["read"])
        self.put_back(copy)
        restore = self.held(True)
        answer = self.admin.call("POST", "/api/v1/restore/accept", {"epoch": restore["epoch"]})
        self.admin.expect(answer, 200, f"accept the older database {json.dumps(restore)}")
        self.held(False)
        self.tombstones_are_there()
        self.publish("4.0.0")

    def near_the_reserve(self):
        upload = self.platform.restart("upload", environment={"SLIPWAY_UPLOAD__STORE__WARN_BYTES": str(1 << 60)})
        self.check.equal(self.platform.metrics(upload)["slipway_storage_near_reserve"], 1, "the metric")
        told = lambda: "nears its reserve" in upload.log.read_text()  # noqa: E731 - called at once
        self.check.until(20, told, "the log line")
        notices = self.check.until(20, lambda: self.admin.call("GET", "/api/v1/storage").json()["notices"], "the notice")
        self.check.expect(notices[0].startswith("disk_near_reserve: "), f"{notices}")
        # It is a warning: what comes is taken.
        self.publish("5.0.0")
