#!/usr/bin/env python3
"""The service `download` of a Slipway platform, in Python's standard library alone: it takes the place of the platform's own.

It follows the catalog's feed into a copy of its own, shows the catalog what is being verified, and serves what is published
at `/d` and `/keys` with everybody else gone. No block of a file leaves before it was found right. It has no pages, knows no
synonyms of platforms, and counts downloads in memory.
"""

import base64
import collections
import contextlib
import email.utils
import hashlib
import json
import pathlib
import re
import sqlite3
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from slipway_instance import AWAY, Instance, arguments, for_the_gateway  # noqa: E402 - it lies beside this folder

BLOCK = 1 << 20
NEVER = 2**63 - 1
SAFE = {"Cache-Control": "public, max-age=300", "Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}
TYPES = {
    "apk": "application/vnd.android.package-archive", "deb": "application/vnd.debian.binary-package", "rpm": "application/x-rpm",
    "appimage": "application/vnd.appimage", "msi": "application/x-msi", "exe": "application/vnd.microsoft.portable-executable",
    "dmg": "application/x-apple-diskimage", "zip": "application/zip", "tar.gz": "application/gzip",
}
# What is given to who names no architecture, and which kind before which.
USUAL = ["universal", "x86_64", "aarch64", "armv7", "x86"]
EASE = ["apk", "appimage", "msi", "dmg", "deb", "exe", "pkg", "rpm", "msix", "tar.gz", "zip"]


class Copy:
    """What the catalog says, as rows in a file of this instance. A page and the position behind it are one transaction."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, check_same_thread=False)
        self.database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                                    "CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, row TEXT NOT NULL)")
        self.rows = {key: json.loads(row) for key, row in self.database.execute("SELECT key, row FROM rows")}
        self.position = self.rows.pop("position", {"epoch": "", "applied": 0, "whole_at": 0, "head": 0, "mark": ""})

    def is_whole(self):
        """Whether it is the whole state of some moment, which a copy that has just begun is not."""
        return self.position["epoch"] != "" and self.position["applied"] >= self.position["whole_at"]

    def apply(self, told, position, anew):
        """Writes rows over those of before, or, `anew`, in the place of all."""
        written = [(key, json.dumps(row)) for key, row in (told | {"position": position}).items()]
        with self.database:
            if anew:
                self.database.execute("DELETE FROM rows")
            self.database.executemany("REPLACE INTO rows VALUES (?, ?)", written)
        self.rows, self.position = (told if anew else self.rows | told), position

    def release(self, app, version):
        return self.rows.get(f"release {app} {version}", {"visibility": None, "packages": []})


def by_key(changes):
    """The rows that are kept. Those of tokens and packages are upload's, and other types are of a later catalog."""
    apps = {f"app {row['slug']}": row for row in changes if row["type"] == "app"}
    return apps | {f"release {row['app']} {row['version']}": row for row in changes if row["type"] == "release"}


def losses(old, new):
    """What the rows `new` would undo of the rows `old` that nobody asked to undo."""
    undone = {key: undoes(row, new.get(key)) for key, row in old.items()}
    return [{"app": key.split(" ")[1], "subject": key.split(" ")[-1], "what": what} for key, what in undone.items() if what]


def undoes(old, new):
    if old["type"] == "app":
        if old.get("deleted") and not (new and new.get("deleted")):
            return "deletion_lifted"
        return "key_changed" if old["public_key"] and (not new or new["public_key"] != old["public_key"]) else None
    before, now = old["visibility"], new and new["visibility"]
    if before in ("staged", "hidden") or now == "deleted":
        return None
    if now != before and (before, now) != ("published", "yanked"):
        return "release_lost" if before == "published" else "restriction_lifted"
    files = [{(file["filename"], file["sha256"]) for file in row["packages"]} for row in (old, new)]
    return None if files[0] <= files[1] and set(new["channels"]) <= set(old["channels"]) else "files_changed"


class Follower:
    """Keeps the copy up to date. Asking with `after=N` says that N is applied, by this instance."""

    def __init__(self, copy, instance):
        self.copy, self.instance, self.began = copy, instance, time.monotonic()
        self.held, self.opening, self.is_current, self.report = None, False, False, {"epoch": None, "from": ""}

    def is_usable(self):
        """Up to date once; or whole, when the catalog says nothing for two seconds."""
        return self.is_current or (self.copy.is_whole() and time.monotonic() - self.began > 2)

    def run(self):
        while True:
            try:
                self.step()
            except (*AWAY, KeyError, sqlite3.Error) as error:
                print(f"the catalog's changes were not taken: {error!r}", flush=True)
                time.sleep(0.5)

    def ask(self, position, wait, more=""):
        """One page of the feed, of whichever catalog answers."""
        path = f"/internal/changes?epoch={position['epoch']}&after={position['applied']}&wait={wait}{more}"
        for instance, address in self.instance.find("catalog").items():
            with contextlib.suppress(*AWAY):
                status, page = self.instance.call("catalog", address, instance, "GET", path, timeout=wait + 10)
                if status == 200:
                    return page
        raise ConnectionError("no catalog answers")

    def step(self):
        position, held = self.copy.position, f"&held={self.held}" if self.held else ""
        wait = 30 if self.is_current or self.held else 1 if self.opening else 0
        mark = urllib.parse.quote(position["mark"])
        page = self.ask(position, wait, f"&follower={self.instance.id}&head={position['head']}&mark={mark}{held}")
        self.opening = page.get("opening", False)
        if page["epoch"] == position["epoch"] or not position["epoch"]:
            # A copy that grows page by page is whole when it has once reached the head.
            moved = position_of(page, position["applied"]) | ({"whole_at": position["whole_at"]} if self.copy.is_whole() else {})
            if moved != position:
                self.copy.apply(by_key(page["changes"]), moved, anew=False)
            self.stands(page)
        elif self.held != page["epoch"]:
            self.compare(position, page)

    def compare(self, position, page):
        """Another epoch than our copy's is taken when it undoes nothing, or when somebody has said so."""
        changes, told = page["changes"], position_of(page, 0)
        while told["applied"] < page["head"]:
            more = self.ask(told, 0)
            if more["epoch"] != page["epoch"] or not more["changes"]:
                raise ValueError("the catalog's epoch changed once more")
            changes, told = changes + more["changes"], position_of(more, 0)
        lost = losses(self.copy.rows, by_key(changes))
        given_up = not self.copy.is_whole() or position["epoch"] in page.get("replaces", [])
        if given_up or not (lost or page.get("held")):
            if self.copy.is_whole() and not page.get("held"):
                told["whole_at"] = told["applied"]  # a whole copy that gives way vouches for what follows it
            self.copy.apply(by_key(changes), told, anew=True)
            return self.stands(page)
        self.held = page["epoch"]
        self.report = {"epoch": self.held, "from": position["epoch"], "losses": lost[:1000], "count": len(lost)}
        return print(f"the catalog's database would undo {len(lost)} things: the copy stays as it is", flush=True)

    def stands(self, page):
        whole = self.copy.is_whole()
        self.held = page["epoch"] if page.get("held") else None
        self.report = {"epoch": None, "from": page["epoch"] if whole else "", "losses": [], "count": 0}
        self.is_current = self.is_current or (whole and self.copy.position["applied"] >= page["head"])


def position_of(page, before):
    applied = page["changes"][-1]["seq"] if page["changes"] else before
    whole_at = NEVER if page.get("held") or page.get("opening") else page["head"]  # else it may be an older copy itself
    return {"epoch": page["epoch"], "applied": applied, "whole_at": whole_at, "head": page["head"], "mark": page.get("mark", "")}


class Damage(Exception):
    """The bytes in the store are not those that were released."""


class Store:
    """`blobs/sha256/ab/abcd…` and beside each file `….blocks`, the SHA-256 of every 1 MiB. Nothing is believed unread."""

    def __init__(self, folder):
        self.folder, self.lists = folder, {}

    def path(self, digest):
        return self.folder / "sha256" / digest[:2] / digest

    def open(self, file):
        """The file and the digests of its blocks: the list, if its own digest is what the catalog says; else the file is
        hashed whole, once."""
        opened, place = self.path(file["sha256"]).open("rb"), (file["sha256"], file.get("blocks"))
        if opened.seek(0, 2) != file["size"]:
            raise Damage("it has another size")
        if place not in self.lists:
            beside = pathlib.Path(f"{self.path(file['sha256'])}.blocks")
            found = beside.read_bytes() if file.get("blocks") and beside.exists() else b""
            if hashlib.sha256(found).hexdigest() != file.get("blocks"):
                whole, found = hashlib.sha256(), b""
                opened.seek(0)
                while block := opened.read(BLOCK):
                    whole.update(block)
                    found += hashlib.sha256(block).digest()
                if whole.hexdigest() != file["sha256"]:
                    raise Damage("its bytes have another digest")
            if len(self.lists) >= 1000:
                self.lists.clear()
            self.lists[place] = found
        return opened, self.lists[place]

    def read(self, opened, blocks, first, end):
        """The bytes from `first` up to `end`, each block of them checked before a byte of it is given."""
        for number in range(first // BLOCK, -(-end // BLOCK)):
            opened.seek(number * BLOCK)
            block = opened.read(BLOCK)
            if hashlib.sha256(block).digest() != blocks[32 * number : 32 * number + 32]:
                raise Damage(f"its block {number} has other bytes")
            yield block[max(0, first - number * BLOCK) : end - number * BLOCK]


def permits(caller, path):
    asked = ("/internal/staged/", "/internal/held", "/internal/blobs/", "/internal/downloads/")
    return for_the_gateway(caller, path) or (caller == "catalog" and path.startswith(asked))


class Download:
    def __init__(self, options):
        self.store, self.counts, self.damaged = Store(options.data / "blobs"), collections.Counter(), set()
        self.instance = Instance(options, "download", self.answer, permits, lambda: self.follower.is_usable())
        self.copy = Copy(options.data / "download" / f"{self.instance.name}-python.sqlite3")
        self.follower = Follower(self.copy, self.instance)

    def run(self):
        threading.Thread(target=self.instance.watch, args=("catalog",), daemon=True).start()
        threading.Thread(target=self.follower.run, daemon=True).start()
        self.instance.run()

    def answer(self, request):
        if request.command not in ("GET", "HEAD"):
            return request.problem(405, "method_not_allowed", "this is only read", {"Allow": "GET, HEAD"})
        parts, shown = [urllib.parse.unquote(part) for part in request.place.split("/")[1:]], ("published",)
        if parts[:2] == ["internal", "staged"]:
            parts, shown = parts[2:], ("published", "staged")
        match parts:
            case ["internal", "held"]:
                return request.reply(200, self.follower.report)
            case ["internal", "blobs", digest] if re.fullmatch("[0-9a-f]{64}", digest):
                return self.reread(request, digest)
            case ["internal", "downloads", app, version]:
                return self.tell_counts(request, app, version)
            case ["keys", app, "minisign.pub"]:
                return self.app(request, app) and self.key(request, app)
            case ["d", app, "latest", platform]:
                return self.app(request, app) and self.latest(request, shown, app, platform)
            case ["d", app, version, filename]:
                return self.app(request, app) and self.file(request, shown, (app, re.sub("^[vV]", "", version)), filename)
        return request.problem(404, "not_found", "there is nothing at this address: check its spelling")

    def app(self, request, slug):
        """Whether there is such an app; else that was answered."""
        app = self.copy.rows.get(f"app {slug}")
        if app and not app.get("deleted"):
            return True
        status, code = (410, "deleted") if app else (404, "app_unknown")
        return request.problem(status, code, "this app was deleted by its publisher" if app else "there is no app of this name here")

    def key(self, request, app):
        key = self.copy.rows[f"app {app}"]["public_key"]
        if key is None:
            return request.problem(404, "key_unknown", "the key of this app is still being made: ask again in a moment")
        return request.reply(200, key.encode(), SAFE, "text/plain; charset=utf-8")

    def file(self, request, shown, place, filename):
        release = self.copy.release(*place)
        if release["visibility"] == "yanked":
            return request.problem(410, "yanked", f"version {place[1]} was withdrawn by its publisher: {release['reason']}")
        if release["visibility"] == "deleted" and release["published_at"] is not None:
            return request.problem(410, "deleted", f"version {place[1]} was deleted by its publisher")
        if release["visibility"] not in shown:
            return request.problem(404, "release_unknown", "there is no such release of this app")
        for file in release["packages"]:
            if filename == f"{file['filename']}.minisig":
                return request.reply(200, file["signature"].encode(), SAFE | modified(release), "text/plain; charset=utf-8")
            if filename == file["filename"]:
                return self.send(request, file, release)
        return request.problem(404, "not_found", "this release has no file of that name")

    def send(self, request, file, release):
        """The bytes, whole or in part (RFC 9110, 13 and 14)."""
        etag, size, dated, asked = f'"{file["sha256"]}"', file["size"], modified(release), request.headers
        digest = base64.b64encode(bytes.fromhex(file["sha256"])).decode()
        headers = SAFE | dated | {
            "Content-Type": TYPES.get(file["kind"], "application/octet-stream"), "ETag": etag, "Accept-Ranges": "bytes",
            "Repr-Digest": f"sha-256=:{digest}:", "Content-Disposition": attachment(file["filename"]),
        }
        if not names(asked.get("if-match", "*"), etag):
            return request.problem(412, "precondition_failed", "the file here is another than the one that was asked for")
        if names(asked.get("if-none-match", "").replace("W/", ""), etag):
            return request.begin(304, headers)
        status, part = 200, (0, size)
        exactly = asked.get("if-range", etag) in (etag, dated.get("Last-Modified"))
        wanted = re.fullmatch(r"(?i:bytes)=(\d*)-(\d*)", asked.get("range", "")) if exactly and request.command == "GET" else None
        if wanted and (selected := select(*wanted.groups(), size)):
            status, part = 206, selected
            if part[0] >= part[1]:
                unsatisfied = {"Content-Range": f"bytes */{size}"}
                return request.problem(416, "range_not_satisfiable", f"the file has {size} bytes, and none is in the range", unsatisfied)
            headers["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{size}"
        return self.send_part(request, file, release, status, headers | {"Content-Length": part[1] - part[0]}, part)

    def send_part(self, request, file, release, status, headers, part):
        began = False
        try:
            opened, blocks = self.store.open(file)
            with opened:
                pieces = self.store.read(opened, blocks, *part)
                piece = next(pieces, b"")
                began = True
                request.begin(status, headers)
                while piece and request.command == "GET":
                    request.wfile.write(piece)
                    piece = next(pieces, b"")
            self.damaged.discard(file["sha256"])
            if request.command == "GET" and part == (0, file["size"]) and not request.path.startswith("/internal/"):
                self.counts[(release["app"], release["version"], file["filename"])] += 1
        except (Damage, FileNotFoundError, IsADirectoryError) as error:
            self.damaged.add(file["sha256"])
            print(f"{file['sha256']} is damaged in the store: {error}", flush=True)
            request.close_connection = True  # before a wrong byte
            if not began:
                code = "file_missing" if isinstance(error, FileNotFoundError) else "damaged"
                request.problem(500, code, "the bytes in the store are not those that were released")

    def reread(self, request, digest):
        """What lies under a digest, read anew: the catalog asks before it gives a release up for its bytes."""
        try:
            with self.store.path(digest).open("rb") as opened:
                found = hashlib.file_digest(opened, "sha256").hexdigest()
                request.reply(200, {"sha256": found, "size": opened.tell()})
        except FileNotFoundError:
            request.reply(200, {"sha256": None, "size": 0})

    def tell_counts(self, request, app, version):
        files = self.copy.release(app, version)["packages"]
        items = [{"filename": file["filename"], "downloads": self.counts[(app, version, file["filename"])]} for file in files]
        request.reply(200, {"items": items, "damaged": [file["filename"] for file in files if file["sha256"] in self.damaged]})

    def latest(self, request, shown, app, platform):
        """302 to the best file of the highest release in the channel that has one for the machine."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query))
        channel, arch, kind = query.get("channel", "stable"), query.get("arch"), query.get("kind")
        rows = [row for key, row in self.copy.rows.items() if key.startswith(f"release {app} ")]
        rows = [row for row in rows if row["visibility"] in shown and channel in row["channels"]]
        for row in sorted(rows, key=lambda row: order(row["version"]), reverse=True):
            ranked = [(rank, file["filename"]) for file in row["packages"] if (rank := fit(file, platform, arch, kind))]
            if ranked:
                path = "/".join(urllib.parse.quote(part, safe="") for part in (app, row["version"], min(ranked)[1]))
                return request.reply(302, b"", {"Location": f"/d/{path}", "Cache-Control": "no-cache"})
        return request.problem(404, "no_package", f"no published release in the channel {channel} has a package that fits")


def fit(file, platform, arch, kind):
    """How well a file fits, the smallest is the one to give; None for what is not for this machine, or of use to nobody alone."""
    is_part = file["kind"] == "aab" or file["facts"].get("split") or re.search(r"\.src\.rpm$|\.(orig|debian)\.tar\.", file["filename"])
    archs = [arch, "universal"] if arch else USUAL
    if is_part or file["platform"] not in (platform, "any") or kind not in (None, file["kind"]) or file["arch"] not in archs:
        return None
    ease = EASE.index(file["kind"]) if file["kind"] in EASE else len(EASE)
    return file["platform"] != platform, archs.index(file["arch"]), ease


def order(version):
    """Semantic Versioning 2.0.0, part 11, with missing numbers 0; where that finds no difference the build decides."""
    (version, _, build), identifiers = version.partition("+"), re.compile(r"[^.]+").findall
    numbers, _, pre = version.partition("-")
    pre, build = ([(not part.isdigit(), int(part) if part.isdigit() else part) for part in identifiers(text)] for text in (pre, build))
    return [int(part) for part in (numbers.split(".") + ["0"] * 3)[:4]], not pre, pre, build


def modified(release):
    """`Last-Modified`; a date to come is none."""
    at = release["published_at"]
    return {"Last-Modified": email.utils.formatdate(at // 1000, usegmt=True)} if at is not None and at <= time.time() * 1000 else {}


def names(tags, etag):
    """Whether a list of entity tags holds ours or is `*`; ours is made of hexadecimal digits."""
    return any(tag.strip() in (etag, "*") for tag in tags.split(","))


def select(first, last, size):
    """The part of a file that a range names, cut to the file: empty when none of its bytes is in it, None when it is no range."""
    if not first:
        return (max(0, size - int(last)), size) if last else None
    return None if last and int(last) < int(first) else (int(first), min(size, int(last) + 1 if last else size))


def attachment(filename):
    plain = re.sub(r'[^ -~]|["\\%]', "_", filename)
    exact = "" if plain == filename else f"; filename*=UTF-8''{urllib.parse.quote(filename, safe='!#$&+-.^_`|~')}"
    return f'attachment; filename="{plain}"{exact}'


if __name__ == "__main__":
    Download(arguments(__doc__.splitlines()[0]).parse_args()).run()
