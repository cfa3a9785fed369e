"""What an end user does: fetches packages, follows `latest`, reads keys, and proves the bytes."""

from . import minisign, web


class Visitor:
    """Somebody without a token at the gateway (or at the download instance at `address`)."""

    def __init__(self, platform, address=None):
        self.check = platform.check
        self.address = address or platform.gateway

    def get(self, path, headers=None, method="GET"):
        return web.request(self.address, method, path, headers=headers)

    def fetch(self, path, headers=None):
        answer = self.get(path, headers)
        self.check.equal(answer.status, 200, f"GET {path} ({answer})")
        return answer

    def latest(self, app, platform, query=""):
        """Follows `latest` one step and returns (location, the answer there)."""
        answer = self.get(f"/d/{app}/latest/{platform}{query}")
        self.check.equal(answer.status, 302, f"latest of {app} for {platform} ({answer})")
        location = answer.headers["location"]
        self.check.expect(location.startswith("/d/"), f"`Location` is not path-absolute: {location}")
        return location, self.fetch(location)

    def key(self, app):
        return self.fetch(f"/keys/{app}/minisign.pub").body

    def prove(self, publication):
        """Downloads what was published, checks length and digest, and has `minisign` prove it. Returns the signature."""
        answer = self.fetch(publication.path)
        self.check.equal(len(answer.body), publication.size, f"length of {publication.path}")
        self.check.equal(answer.sha256, publication.sha256, f"SHA-256 of {publication.path}")
        signature = self.fetch(publication.path + ".minisig").body
        proven = minisign.accepts(answer.body, signature, self.key(publication.app))
        self.check.expect(proven, f"minisign refuses {publication.path}")
        return signature
