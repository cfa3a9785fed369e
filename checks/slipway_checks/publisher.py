"""A developer whose publish is cut short: who tries again with the same bytes until it is acknowledged."""

import hashlib
import threading
import time

from . import web
from .check import Failed
from .developer import Publication

PIECE = 64 * 1024
TRY_AGAIN_FOR = 60


class Publish(threading.Thread):
    """One publish in the background. It notes when a body is under way, so that a kill's moment can be told.

    `again` are the statuses after which it tries again. The body goes out in pieces with `pace` seconds between them, as over a line that is not loopback.
    """

    def __init__(self, developer, app, version, filename, content, query=None, pace=0.002, again=(502, 503, 504)):
        super().__init__(daemon=True)
        self.again = again
        self.waited = False
        self.developer = developer
        self.content = content
        self.query = {"version": version, "channel": "stable", "platform": "linux"} | (query or {})
        self.publication = Publication(app, version, filename, hashlib.sha256(content).hexdigest(), len(content))
        self.pace = pace
        self.body_begun = threading.Event()
        self.under_way = False
        self.tries = 0
        self.problem = None

    def run(self):
        deadline = time.monotonic() + TRY_AGAIN_FOR
        last = "nothing tried"
        while time.monotonic() < deadline:
            self.tries += 1
            try:
                answer = self.attempt()
            except web.BROKEN as error:
                last = repr(error)
                time.sleep(0.05)
                continue
            finally:
                self.under_way = False
            last = str(answer)
            if answer.status in (200, 201):
                return
            if answer.status == 202:
                self.waited = True
                self.await_published()
                return
            # The app is there: upload hears of it a moment after a catalog that was killed has come back.
            if answer.status not in self.again and answer.code != "app_unknown":
                break
            time.sleep(0.05)
        self.problem = f"publish of {self.publication.path}, {self.tries} tries: {last}"

    def await_published(self):
        """202 said that it goes on by itself: then it has to."""
        deadline = time.monotonic() + TRY_AGAIN_FOR
        last = None
        while time.monotonic() < deadline:
            try:
                path = f"/api/v1/apps/{self.publication.app}/releases/{self.publication.version}"
                last = self.developer.call("GET", path)
                published = last.status == 200 and last.json()["state"] == "published"
                if published and web.request(self.developer.address, "HEAD", self.publication.path).status == 200:
                    return
            except web.BROKEN:
                pass
            time.sleep(0.1)
        self.problem = f"{self.publication.path} was taken with 202 and is not published: {last}"

    def attempt(self):
        headers = {"Content-Length": str(len(self.content))}
        return self.developer.put(
            self.publication.app, self.publication.filename, self.pieces(), self.query, headers
        )

    def pieces(self):
        for start in range(0, len(self.content), PIECE):
            if start:
                time.sleep(self.pace)
            self.under_way = True
            yield self.content[start : start + PIECE]
            self.body_begun.set()

    def finish(self):
        """Waits for the end; fails when the publish was refused or never acknowledged."""
        self.join(2 * TRY_AGAIN_FOR + 30)
        if self.is_alive():
            raise Failed(f"publish of {self.publication.path} hangs")
        if self.problem:
            raise Failed(self.problem)
        return self.publication
