"""Drafts: nothing that nobody named gets into a release, and no draft keeps a version from anybody for ever."""

import concurrent.futures
import hashlib
import os

from . import fixtures, tus, web
from .developer import Developer
from .visitor import Visitor

APP = "drafts"
RELEASES = f"/api/v1/apps/{APP}/releases"
AT_ONCE = 8


def drafts(check, platform, admin):
    """All of it, in an app of its own."""
    admin.make_app(APP)
    scene = Scene(check, platform, admin)
    for part in (
        a_matrix_is_released_by_its_files,
        nothing_is_slipped_in,
        a_file_is_replaced_by_its_token_alone,
        no_draft_blocks_a_version,
        a_package_is_deleted,
        a_failed_release_takes_the_same_bytes_alone,
    ):
        part(scene)


class Scene:
    def __init__(self, check, platform, admin):
        self.check, self.platform, self.admin = check, platform, admin
        # One that publishes, one that may only upload.
        self.publisher = self.token("drafts-publisher", "upload", "release")
        self.stranger = self.token("drafts-stranger", "upload")

    def token(self, name, *scopes):
        """A developer with a new token of the app, when upload knows it."""
        developer = Developer(self.platform, self.admin.make_token(name, [*scopes, "read"], app=APP))
        unknown = f"/api/v1/apps/{APP}/packages/none"
        self.check.until(10, lambda: developer.call("GET", unknown).status == 404, f"upload knows {name}")
        return developer

    def put(self, developer, version, filename, body, status, what, channel=None):
        query = {"version": version, "platform": "linux"} | ({"channel": channel} if channel else {})
        answer = developer.put(APP, filename, body, query)
        return developer.expect(answer, status, what)

    def refused(self, answer, status, code, what):
        self.check.equal((answer.status, answer.code), (status, code), f"{what} ({answer})")
        return answer.json()

    def publish(self, developer, version, **more):
        return developer.call("POST", RELEASES, {"version": version, "channel": "stable", **more})

    def package(self, id):
        return f"/api/v1/apps/{APP}/packages/{id}"

    def names(self, release):
        return [package["filename"] for package in release["packages"]]

    def downloads(self, version, filename):
        return Visitor(self.platform).get(f"/d/{APP}/{version}/{filename}")

    def made(self):
        return fixtures.made(self.check.random)


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def a_matrix_is_released_by_its_files(scene):
    """A token per job of a matrix; another one releases what it was told of them."""
    jobs = ["linux", "macos", "windows"]
    bodies = {f"{job}.bin": scene.made() for job in jobs}
    tokens = {f"{job}.bin": scene.token(f"drafts-{job}", "upload") for job in jobs}
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sent = [pool.submit(scene.put, tokens[name], "1.0.0", name, bodies[name], 201, f"a job puts {name}") for name in bodies]
        for one in sent:
            one.result()
    releaser = scene.token("drafts-releaser", "release")
    mixed = scene.refused(scene.publish(releaser, "1.0.0"), 409, "draft_mixed", "the release of a draft of others")
    wanted = [(name, sha256(body), f"drafts-{name.removesuffix('.bin')}") for name, body in sorted(bodies.items())]
    seen = [(file["filename"], file["sha256"], file["token"]) for file in mixed["files"]]
    scene.check.equal(seen, wanted, "what the refusal lists")
    answer = scene.publish(releaser, "1.0.0", files=mixed["files"])
    release = releaser.expect(answer, 201, "its list, sent back").json()
    scene.check.equal(scene.names(release), sorted(bodies), "what was released")
    for name, body in bodies.items():
        scene.check.equal(scene.downloads("1.0.0", name).sha256, sha256(body), f"the download of {name}")
    scene.check.figure("jobs of a matrix", len(jobs))


def nothing_is_slipped_in(scene):
    """A token that may only upload puts a file into what another publishes, by PUT and by tus."""
    evil = scene.made()
    for version, send in (("2.0.0", by_put), ("2.1.0", by_tus)):
        scene.put(scene.stranger, version, "evil.bin", evil, 201, "a file is slipped in")
        good = scene.made()
        package, listed, words = send(scene, version, good)
        scene.check.expect("evil.bin" in words and "files" in words, f"the words do not say what to do: {words}")
        shown = scene.publisher.call("GET", scene.package(package)).json()
        scene.check.equal((shown["state"], shown["reason"]), ("draft", words), "the package that was sent")
        wrong = [{"filename": "notes.bin", "sha256": sha256(evil)}]
        scene.refused(scene.publish(scene.publisher, version, files=wrong), 409, "draft_differs", "a digest that is not there")
        mine = [file for file in listed if file["token"] == "drafts-publisher"]
        answer = scene.publish(scene.publisher, version, files=mine)
        release = scene.publisher.expect(answer, 201, "what is meant, named").json()
        scene.check.equal(scene.names(release), ["notes.bin"], f"the files of {version}")
        scene.check.equal(scene.downloads(version, "evil.bin").status, 404, "what was slipped in")
        scene.check.equal(scene.downloads(version, "notes.bin").sha256, sha256(good), "what was meant")


def by_put(scene, version, body):
    """One-call publish; returns the package's id, the list and the words of the refusal."""
    query = {"version": version, "channel": "stable", "platform": "linux"}
    answer = scene.publisher.put(APP, "notes.bin", body, query)
    mixed = scene.refused(answer, 409, "draft_mixed", "one-call publish of a mixed draft")
    draft = scene.admin.release(APP, version)
    package = next(package for package in draft["packages"] if package["filename"] == "notes.bin")
    return package["id"], mixed["files"], mixed["detail"]


def by_tus(scene, version, body):
    token, address = scene.publisher.token, scene.publisher.address
    made = tus.create(address, token, APP, len(body), body, filename="notes.bin", version=version, channel="stable", platform="linux")
    scene.publisher.expect(made, 201, "an upload in pieces")
    path = tus.path_of(made)

    def refused():
        answer = web.request(address, "GET", path, token=token).json()
        return answer if answer.get("refused") else None

    told = scene.check.until(10, refused, "the upload tells its refusal")
    scene.check.equal(told["refused"]["code"], "draft_mixed", "the refusal of the upload")
    return told["package"]["id"], told["refused"]["members"]["files"], told["reason"]


def a_file_is_replaced_by_its_token_alone(scene):
    first, second = scene.made(), scene.made()
    put = scene.put(scene.publisher, "3.0.0", "notes.bin", first, 201, "a draft").json()
    answer = scene.put(scene.publisher, "3.0.0", "notes.bin", second, 200, "other bytes of the same token").json()
    scene.check.equal(answer["replaced"], sha256(first), "what was replaced")
    gone = lambda: scene.publisher.call("GET", scene.package(put["package"]["id"])).status == 410  # noqa: E731
    scene.check.until(10, gone, "what was replaced is gone")
    answer = scene.stranger.put(APP, "notes.bin", scene.made(), {"version": "3.0.0"})
    words = scene.refused(answer, 409, "version_exists", "other bytes of another token")["detail"]
    scene.check.expect("drafts-publisher" in words, f"it is not said whose it is: {words}")

    # At once, and beside the release: one of them, and nothing of it afterwards.
    for number in range(scene.check.count(3, 20)):
        version = f"3.{number + 1}.0"
        bodies = [scene.made() for _ in range(AT_ONCE)]
        scene.put(scene.publisher, version, "notes.bin", bodies[0], 201, "a draft")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            puts = [pool.submit(scene.publisher.put, APP, "notes.bin", body, {"version": version, "platform": "linux"}) for body in bodies[1:]]
            released = pool.submit(scene.publish, scene.publisher, version)
            statuses = [put.result().status for put in puts]
            release = scene.publisher.expect(released.result(), 201, "the release beside it").json()
        scene.check.expect(set(statuses) <= {200, 409, 410}, f"answers to other bytes at once: {statuses}")
        scene.check.equal(scene.names(release), ["notes.bin"], "the files of the release")
        digest = release["packages"][0]["sha256"]
        scene.check.expect(digest in map(sha256, bodies), "the release holds none of the bytes")
        scene.check.equal(scene.downloads(version, "notes.bin").sha256, digest, "the download")
        after = scene.admin.release(APP, version)
        scene.check.equal(after["packages"][0]["sha256"], digest, "the release afterwards")
    scene.check.figure("replaced beside a release", scene.check.count(3, 20))


def no_draft_blocks_a_version(scene):
    """Also in another spelling; and what is released is not deleted."""
    scene.put(scene.stranger, "4.0", "notes.bin", scene.made(), 201, "a draft that stands in the way")
    good = scene.made()
    for spelling in ("4.0", "4.0.0"):
        answer = scene.publisher.put(APP, "notes.bin", good, {"version": spelling, "channel": "stable", "platform": "linux"})
        scene.refused(answer, 409, "version_exists", f"{spelling} beside a stranger's draft")
    other = scene.token("drafts-other", "upload")
    scene.refused(other.call("DELETE", f"{RELEASES}/4.0"), 403, "scope_missing", "a stranger deletes a draft")
    scene.publisher.expect(scene.publisher.call("DELETE", f"{RELEASES}/4.0"), 204, "the draft is deleted")
    scene.publisher.expect(scene.publisher.call("DELETE", f"{RELEASES}/4.0"), 204, "the same again changes nothing")
    scene.put(scene.publisher, "4.0.0", "notes.bin", good, 201, "the version is free", channel="stable")
    words = scene.refused(scene.publisher.call("DELETE", f"{RELEASES}/4.0.0"), 403, "scope_missing", "a release is deleted by an admin alone")
    scene.check.expect("yank" in words["detail"], f"the way is not told: {words}")
    # One's own draft is respelt, and deleted without the scope release.
    scene.put(scene.stranger, "4.1", "notes.bin", scene.made(), 201, "a draft")
    scene.put(scene.stranger, "4.1.0", "more.bin", scene.made(), 201, "the same draft")
    scene.stranger.expect(scene.stranger.call("DELETE", f"{RELEASES}/4.1"), 204, "one's own draft is deleted")


def a_package_is_deleted(scene):
    """By its token or by who may release; and not before the catalog has agreed."""
    ids = {}
    for name in ("first.bin", "second.bin"):
        put = scene.put(scene.stranger, "5.0.0", name, scene.made(), 201, f"a draft with {name}")
        ids[name] = put.json()["package"]["id"]
    first, second = scene.package(ids["first.bin"]), scene.package(ids["second.bin"])
    other = scene.token("drafts-neighbour", "upload")
    scene.refused(other.call("DELETE", first), 403, "scope_missing", "a stranger deletes a package")
    scene.platform.kill("catalog")
    away = scene.stranger.call("DELETE", first)
    scene.refused(away, 503, "catalog_unavailable", "a package is deleted without the catalog")
    scene.check.expect("retry-after" in away.headers, f"it is not said when to come back: {away}")
    scene.check.equal(scene.stranger.call("GET", first).status, 200, "the package that was not deleted")
    scene.platform.start_one("catalog")
    deleted = lambda: scene.stranger.call("DELETE", first).status == 204  # noqa: E731
    scene.check.until(10, deleted, "it is deleted when the catalog is back")
    scene.stranger.expect(scene.stranger.call("DELETE", first), 204, "the same again")
    scene.refused(scene.stranger.call("GET", first), 410, "package_gone", "what was deleted")
    draft = scene.admin.release(APP, "5.0.0")
    scene.check.equal(scene.names(draft), ["second.bin"], "what is left of the draft")
    scene.publisher.expect(scene.publisher.call("DELETE", second), 204, "the last one, by who may release")
    scene.refused(scene.publisher.call("GET", f"{RELEASES}/5.0.0"), 404, "release_unknown", "the empty draft")
    put = scene.put(scene.publisher, "5.0.0", "first.bin", scene.made(), 201, "the version is free", channel="stable")
    published = scene.publisher.call("DELETE", scene.package(put.json()["package"]["id"]))
    scene.refused(published, 409, "release_not_draft", "what is released is not deleted")


def a_failed_release_takes_the_same_bytes_alone(scene):
    """It fails because its bytes are not in the store what they were."""
    body, more = scene.made(), scene.made()
    scene.put(scene.publisher, "6.0.0", "notes.bin", body, 201, "a draft")
    blob = scene.platform.blob(sha256(body))
    overwrite(blob, bytes([body[0] ^ 1]) + body[1:])
    scene.refused(scene.publish(scene.publisher, "6.0.0"), 422, "release_failed", "a release of other bytes than were sent")
    overwrite(blob, body)
    for name in ("notes.bin", "more.bin"):
        answer = scene.publisher.put(APP, name, more, {"version": "6.0.0", "platform": "linux"})
        words = scene.refused(answer, 409, "version_exists", f"{name} after the failure")["detail"]
        scene.check.expect("higher" in words, f"the way is not told: {words}")
    late = scene.token("drafts-late", "upload")
    scene.refused(late.call("DELETE", f"{RELEASES}/6.0.0"), 403, "scope_missing", "who may only upload deletes no failed release")
    scene.put(scene.publisher, "6.0.0", "notes.bin", body, 200, "the same bytes again", channel="stable")
    scene.check.equal(scene.downloads("6.0.0", "notes.bin").sha256, sha256(body), "the download")


def overwrite(path, body):
    """Writes into the file that is there, whatever its mode says."""
    mode = path.stat().st_mode
    os.chmod(path, 0o600)
    path.write_bytes(body)
    os.chmod(path, mode)
