"""What a developer does: apps, packages, releases, tokens, over HTTP and with a real `curl -T`."""

import dataclasses
import hashlib
import json
import subprocess
import urllib.parse

from . import web


@dataclasses.dataclass(frozen=True)
class Publication:
    """A release that was acknowledged: what has to be there whatever happens afterwards."""

    app: str
    version: str
    filename: str
    sha256: str
    size: int

    @property
    def path(self):
        return f"/d/{self.app}/{self.version}/{self.filename}"


# Endings of files that do not say what they run on.
SILENT = (".bin", ".zip", ".tar.gz", ".tgz", ".nupkg")


def for_any(filename, said):
    """What is said of a file: where nobody says what it runs on, and its name does not, it is for any platform."""
    silent = filename.lower().endswith(SILENT) and not {"platform", "kind"} & set(said)
    return {**said, "platform": "any"} if silent else said


class Developer:
    """Somebody with a token, the admin's by default, who talks to the gateway (or to the instance at `address`)."""

    def __init__(self, platform, token=None, address=None):
        self.platform = platform
        self.check = platform.check
        self.token = token or platform.admin_token()
        self.address = address or platform.gateway

    def call(self, method, path, value=None, headers=None):
        return web.request_json(self.address, method, path, value, headers, self.token)

    def expect(self, answer, status, what):
        wanted = status if isinstance(status, tuple) else (status,)
        self.check.expect(answer.status in wanted, f"{what}: got {answer}, wanted {status}")
        return answer

    def make_app(self, slug, name=None):
        answer = self.call("POST", "/api/v1/apps", {"slug": slug, "name": name or slug.title()})
        return self.expect(answer, 201, f"make the app {slug}").json()

    def make_token(self, name, scopes, **more):
        """`more`: `app`, `expires_in`. Returns the token; it is searched for in all logs at the end."""
        answer = self.call("POST", "/api/v1/tokens", {"name": name, "scopes": scopes, **more})
        token = self.expect(answer, 201, f"make the token {name}").json()["token"]
        self.platform.issued[name] = token
        return token

    def put(self, app, filename, body, query=None, headers=None):
        """`PUT` of a package; `query` holds version, channel, platform, arch."""
        path = f"/api/v1/apps/{app}/packages/{urllib.parse.quote(filename)}"
        if query := for_any(filename, query or {}):
            path += "?" + urllib.parse.urlencode(query)
        return web.request(self.address, "PUT", path, body, headers, self.token, timeout=330)

    def publish(self, app, version, filename, content, channel="stable", **query):
        """Publishes one package as one release and returns what was acknowledged."""
        answer = self.put(app, filename, content, {"version": version, "channel": channel, **query})
        self.expect(answer, (200, 201), f"publish {app} {version}")
        return Publication(app, version, filename, hashlib.sha256(content).hexdigest(), len(content))

    def release(self, app, version):
        answer = self.call("GET", f"/api/v1/apps/{app}/releases/{version}")
        return self.expect(answer, 200, f"read the release {app} {version}").json()

    def releases(self, app):
        return self.every(f"/api/v1/apps/{app}/releases")

    def apps(self):
        return self.every("/api/v1/apps")

    def every(self, path):
        """All items of a list, page after page."""
        items, cursor = [], None
        while True:
            query = urllib.parse.urlencode({"limit": 100} | ({"cursor": cursor} if cursor else {}))
            page = self.expect(self.call("GET", f"{path}?{query}"), 200, f"list {path}").json()
            items += page["items"]
            cursor = page["next"]
            if not cursor:
                return items

    def until_published(self, app, version, seconds):
        """Waits until the release is published and downloaded, and returns it.

        An answer to a publish says both. Whoever only watches the state sees it change some milliseconds before those
        who follow the catalog have heard of it.
        """
        release = self.until_state(app, version, "published", seconds)
        for package in release["packages"]:
            path = f"/d/{app}/{version}/{urllib.parse.quote(package['filename'])}"
            there = lambda: web.request(self.address, "HEAD", path).status == 200  # noqa: E731, B023 - called at once
            self.check.until(seconds, there, f"{path} downloaded")
        return release

    def until_state(self, app, version, state, seconds):
        """Waits until the release is in `state`, and returns it."""
        seen = {}

        def look():
            answer = self.call("GET", f"/api/v1/apps/{app}/releases/{version}")
            if answer.status != 200:
                seen["last"] = str(answer)
                return None
            release = answer.json()
            seen["last"] = f"{release['state']}, {release['reason']}"
            return release if release["state"] == state else None

        try:
            return self.check.until(seconds, look, f"{app} {version} {state}")
        except Exception as error:
            raise type(error)(f"{error} (last seen: {seen.get('last')})") from None


def curl_put(check, url, path, token, *options, timeout=600):
    """A real `curl -T`. Returns (status, body, bytes of the body that were sent)."""
    command = ["curl", "-sS", "-T", str(path), "-o", "-", "-w", "\n%{http_code} %{size_upload}", *options]
    if token is not None:
        command += ["-H", f"Authorization: Bearer {token}"]
    done = subprocess.run([*command, url], capture_output=True, timeout=timeout, check=False)
    body, _, figures = done.stdout.rpartition(b"\n")
    check.expect(figures, f"curl ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    status, sent = figures.split()
    return int(status), body, int(sent)


def problem_code(body):
    """The `code` of a problem+json body that came through another client, or None."""
    try:
        return json.loads(body).get("code")
    except ValueError:
        return None
