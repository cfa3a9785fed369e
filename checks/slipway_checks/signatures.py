"""Signatures of signing services of two versions: each is given again byte for byte by either, and says its size where today's
made it."""

import contextlib
import dataclasses
import json
import sqlite3

from . import internal, minisign
from .developer import Publication


@dataclasses.dataclass
class Made:
    publication: Publication
    signature: bytes
    # The versions of which one has made it; None is today's.
    makers: set


class Signatures:
    """What was signed on a platform, by signing services of one version or of two side by side."""

    def __init__(self, platform):
        self.platform = platform
        self.check = platform.check
        self.made = []

    def note(self, publication, signature, makers):
        last = list(minisign.trusted_comment(signature))[-1]
        wanted = {"size" if maker is None else "sha256" for maker in makers}
        self.check.expect(last in wanted, f"the signature of {publication.path} by {makers} ends in `{last}`")
        self.made.append(Made(publication, signature, makers))

    def given_again(self, instance):
        """By `instance`, whoever has made them."""
        for made in self.made:
            self.again(instance, made)

    def made_again(self, instance):
        """By one of today's, when its database has lost those of which one version alone can be the maker."""
        sole = [made for made in self.made if len(made.makers) == 1]
        database = self.platform.data / "signing" / "signing.db"
        with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection, connection:
            for made in sole:
                sql = "UPDATE statements SET signature = NULL WHERE app = ? AND version = ?"
                lost = connection.execute(sql, (made.publication.app, made.publication.version)).rowcount
                self.check.equal(lost, 1, f"signatures of {made.publication.version} that were lost")
        for made in sole:
            self.again(instance, made)

    def again(self, instance, made):
        publication = made.publication
        statement = {name: getattr(publication, name) for name in ("app", "version", "filename", "sha256", "size")}
        body = json.dumps(statement).encode()
        headers = {"Content-Type": "application/json"}
        answer = internal.call(self.platform, "catalog", instance, "POST", "/internal/signatures", body, headers)
        self.check.equal(answer.status, 200, f"signature of {publication.path} once more ({answer})")
        self.check.equal(answer.json()["signature"], made.signature.decode(), f"signature of {publication.path} once more")
