"""What must hold after any crash, once everything runs again."""

import collections
import hashlib

from . import minisign, web
from .check import Failed
from .visitor import Visitor

SETTLED_WITHIN = 30
# Bytes of a block, and how the name of a list of them ends.
BLOCK = 1024 * 1024
BLOCKS = ".blocks"


class Ledger:
    """What a check saw with its own eyes: acknowledged releases, and every byte string and signature of a version."""

    def __init__(self):
        self.acknowledged = {}
        self.bodies = collections.defaultdict(set)
        self.signatures = collections.defaultdict(set)

    def acknowledge(self, publication):
        self.acknowledged[publication.path] = publication

    def saw(self, path, sha256, signature):
        self.bodies[path].add(sha256)
        self.signatures[path].add(signature)


def assert_all(platform, developer, ledger, apps=None):
    """Checks all of them, for all apps or those named, and returns in words how much was looked at."""
    settle(platform)
    blobs = every_blob_has_its_digest(platform)
    versions = every_version_is_one_and_proven(platform, developer, ledger, apps)
    nothing_acknowledged_is_missing(platform.check, developer, ledger, apps)
    return f"{blobs} blobs, {versions} versions"


def settle(platform):
    """Staging and outbox are empty, and no release is on its way, within 30 s."""
    check = platform.check
    check.until(SETTLED_WITHIN, lambda: not platform.staged(), "staging empty")
    uploads = platform.instances["upload"]
    check.until(SETTLED_WITHIN, lambda: all(outbox_rows(platform, upload) == 0 for upload in uploads), "outbox empty")


def outbox_rows(platform, upload):
    try:
        return platform.metrics(upload).get("slipway_outbox_rows", -1)
    except web.BROKEN:
        return -1


def every_blob_has_its_digest(platform):
    """No file in the store holds other bytes than its name says, and each has the right list of its blocks."""
    count = 0
    for path in (platform.blobs() / "sha256").rglob("*"):
        if not path.is_file():
            continue
        if path.suffix == BLOCKS:
            # A killed upload leaves a list before its blob, never the other way round.
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            blocks = b"".join(hashlib.sha256(block).digest() for block in iter(lambda: file.read(BLOCK), b""))
        platform.check.equal(digest, path.name, f"SHA-256 of {path}")
        platform.check.equal(path, platform.blob(digest), "place of a blob")
        platform.check.equal(path.with_suffix(BLOCKS).read_bytes(), blocks, f"list of the blocks of {path}")
        count += 1
    return count


def every_version_is_one_and_proven(platform, developer, ledger, apps=None):
    """Each published version has one byte string and one signature, which Debian's `minisign` accepts."""
    visitor = Visitor(platform)
    keys = {}
    count = 0
    for slug in apps or [app["slug"] for app in developer.apps()]:
        for release in developer.releases(slug):
            if release["state"] != "published":
                continue
            for package in release["packages"]:
                keys.setdefault(slug, visitor.key(slug))
                prove_once(visitor, ledger, f"/d/{slug}/{release['version']}/{package['filename']}", package, keys[slug])
                count += 1
    for path, digests in ledger.bodies.items():
        platform.check.equal(len(digests), 1, f"byte strings seen under {path}")
    for path, signatures in ledger.signatures.items():
        platform.check.equal(len(signatures), 1, f"signatures seen for {path}")
    return count


def prove_once(visitor, ledger, path, package, key):
    body = visitor.fetch(path)
    visitor.check.equal(body.sha256, package["sha256"], f"SHA-256 of {path}")
    signature = visitor.fetch(path + ".minisig").body
    if not minisign.accepts(body.body, signature, key):
        raise Failed(f"minisign refuses {path}")
    ledger.saw(path, body.sha256, signature)


def nothing_acknowledged_is_missing(check, developer, ledger, apps=None):
    """Everything that was acknowledged is published with these very bytes."""
    for path, publication in ledger.acknowledged.items():
        if apps and publication.app not in apps:
            continue
        release = developer.release(publication.app, publication.version)
        check.equal(release["state"], "published", f"state of the acknowledged {path} ({release['reason']})")
        digests = {package["filename"]: package["sha256"] for package in release["packages"]}
        check.equal(digests.get(publication.filename), publication.sha256, f"SHA-256 of the acknowledged {path}")
        check.equal(ledger.bodies[path], {publication.sha256}, f"bytes served for the acknowledged {path}")
