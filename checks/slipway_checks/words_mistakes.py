"""The mistakes of a first hour, each with the status, the code and the words that it gets: what to do next is among them.

A row is (the mistake, what to send, status, code, words). Whoever adds a kind adds a row. A full disk is drills_disk.py's,
a 413 of a server in front words_command.py's.
"""

import base64
import io
import json
import urllib.parse
import zipfile

from . import fixtures, web

APP = "/api/v1/apps/first"
BOUNDARY = "slipway-check"


def all_of(check, platform, developer):
    """Makes every mistake, and what is to work without having been one. Returns how many there were."""
    hour = Hour(check, platform, developer)
    tables = hour.tokens(), hour.methods(), hour.files(), hour.names(), hour.visitors()
    rows = [row for table in tables for row in table]
    wrong = [words for row in rows for words in hour.judge(*row)]
    check.expect(not wrong, f"{len(wrong)} of {len(rows)} mistakes: " + "; ".join(wrong))
    return len(rows)


class Hour:
    """A newcomer's app with one release, and the mistakes that one makes beside it."""

    def __init__(self, check, platform, developer):
        self.check, self.platform, self.developer = check, platform, developer
        developer.make_app("first")
        developer.make_app("elsewhere")
        self.content = fixtures.made(check.random, 2048)
        developer.publish("first", "1.0", "first.bin", self.content, platform="linux", arch="amd64")

    def judge(self, what, answer, status, code, words):
        """What is wrong with an answer, in words."""
        if (answer.status, answer.code) != (status, code):
            yield f"{what}: wanted {status} {code}, got {answer}"
            return
        text = answer.body.decode(errors="replace") if code is None else answer.json()["detail"]
        for word in [words] if isinstance(words, str) else words:
            if word not in text:
                yield f"{what}: {word!r} is not among the words: {text[:300]}"
        if status == 401 and answer.headers.get("www-authenticate") != "Bearer":
            yield f"{what}: a browser shows a dialog for another challenge than Bearer"

    def ask(self, method, path, body=None, headers=None, token="own"):
        token = self.developer.token if token == "own" else token
        return web.request(self.platform.gateway, method, path, body, headers, token)

    def put(self, name, query, body=b"a package", **more):
        return self.ask("PUT", f"{APP}/packages/{name}?{query}", body, **more)

    def json(self, method, path, value):
        return self.ask(method, path, json.dumps(value).encode(), {"Content-Type": "application/json"})

    # Who asks

    def tokens(self):
        token = self.developer.token
        as_sent = lambda headers: self.ask("GET", "/api/v1/whoami", headers=headers, token=None)  # noqa: E731
        sent = lambda value, **more: as_sent({"Authorization": value} | more)  # noqa: E731
        basic = lambda user, password: "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()  # noqa: E731
        send, stand = "send a token: Authorization: Bearer slw_", "Bearer alone has to stand before it"
        return [
            ("no token", as_sent({}), 401, "token_missing", send),
            ("X-Auth-Token", as_sent({"X-Auth-Token": token}), 401, "token_missing", send),
            ("a cookie", as_sent({"Cookie": f"token={token}"}), 401, "token_missing", send),
            ("a token without Bearer", sent(token), 401, "token_invalid", stand),
            ("another scheme", sent(f"token {token}"), 401, "token_invalid", stand),
            ("a colon behind Bearer", sent(f"Bearer: {token}"), 401, "token_invalid", stand),
            ("a token in quotes", sent(f'Bearer "{token}"'), 401, "token_invalid", stand),
            ("half a token", sent(f"Bearer {token[:30]}"), 401, "token_invalid", "damaged: copy it again"),
            ("a token of another trade", sent("Bearer ghp_16C7e42F292c69"), 401, "token_invalid", "begins with slw_"),
            ("curl -u :slw_…", sent(basic("", token)), 200, None, "administrator"),
            ("curl -u ci:slw_…", sent(basic("ci", token)), 200, None, "administrator"),
            ("a token as the user", sent(basic(token, "")), 401, "token_invalid", "curl -u :slw_…"),
            ("a password", sent(basic("ci", "secret")), 401, "token_invalid", "give a token as the password"),
            ("Basic of a page elsewhere", sent(basic("", token), Origin="https://evil.example"), 403, "origin_refused", "Bearer"),
            ("Basic of another site", sent(basic("", token), **{"Sec-Fetch-Site": "cross-site"}), 403, "origin_refused", "Bearer"),
            ("Bearer of another site", sent(f"Bearer {token}", Origin="https://evil.example"), 200, None, "administrator"),
            *self.weak_tokens(),
        ]

    def weak_tokens(self):
        make = lambda name, scopes, **more: self.developer.make_token(name, scopes, **more)  # noqa: E731
        whoami = lambda token: self.ask("GET", "/api/v1/whoami", token=token)  # noqa: E731
        expired, revoked = make("short", ["read"], expires_in=1), make("revoked", ["read"])
        gone = self.ask("DELETE", f"/api/v1/tokens/{whoami(revoked).json()['id']}")
        self.check.expect(gone.status in (200, 204), f"revoke a token ({gone})")
        self.check.until(10, lambda: whoami(expired).status == 401, "a token expired")
        others, reader = make("others", ["upload"], app="elsewhere"), make("reader", ["read"])
        put = lambda token: self.put("x.bin", "platform=linux", token=token)  # noqa: E731
        followed = lambda token, status: self.check.until(10, lambda: put(token).status == status, "upload knows it")  # noqa: E731
        followed(others, 403), followed(reader, 403)
        return [
            ("an expired token", whoami(expired), 401, "token_expired", "ask for a new one"),
            ("a revoked token", whoami(revoked), 401, "token_invalid", "was revoked: ask for a new one"),
            ("a token of another app", put(others), 403, "token_of_another_app", "the app elsewhere only"),
            ("a token that may only read", put(reader), 403, "scope_missing", "lacks the scope \"upload\""),
        ]

    # How one asks

    def methods(self):
        name, form = f"{APP}/packages/first.bin", {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        body = form_of("second.bin", b"a form", version="3.0", platform="linux")
        line = ["use PUT", "curl -T FILE", f"SERVER{name}?version=2.0"]
        return [
            ("POST for PUT", self.ask("POST", f"{name}?version=2.0", b"x"), 405, "method_not_allowed", line),
            ("POST of a form to a name", self.ask("POST", f"{name}?version=2.0", body, form), 405, "method_not_allowed", line),
            ("PUT without a name", self.ask("PUT", f"{APP}/packages", b"x"), 405, "method_not_allowed", f"{APP}/packages/NAME"),
            ("PUT of a form", self.ask("PUT", f"{name}?version=2.0", body, form), 415, "media_type", "curl -T"),
            ("POST of bytes to the packages", self.ask("POST", f"{APP}/packages", b"x"), 415, "media_type", "by PUT to …/packages/NAME"),
            ("POST of a form", self.ask("POST", f"{APP}/packages", body, form), 201, None, "second.bin"),
            ("a method that is not there", self.ask("DELETE", "/api/v1/audit"), 405, "method_not_allowed", "use one of GET"),
            ("a method of a download", self.ask("DELETE", "/d/first/1.0/first.bin"), 405, "method_not_allowed", "use one of GET, HEAD"),
            ("an address that is not there", self.ask("PUT", f"{APP}/first.bin", b"x"), 404, "not_found", "/api/v1/openapi.json"),
            ("another version of the API", self.ask("GET", "/api/v2/apps"), 404, "not_found", "/api/v1/openapi.json"),
            *self.slashes(),
        ]

    def slashes(self):
        for method, path in (("GET", "/a/first/"), ("GET", "/d/first/latest/linux/?arch=amd64"), ("POST", "/api/v1/apps/")):
            answer = self.ask(method, path)
            self.check.equal(answer.headers.get("location"), path.replace("/?", "?").removesuffix("/"), f"the way from {path}")
            yield f"{method} {path}", answer, 308, "trailing_slash", "no address ends with a slash"

    # What one sends

    def files(self):
        apk = fixtures.real(self.check, "settings-1.apk").read_bytes()
        digest = {"Repr-Digest": f"sha-256=:{base64.b64encode(32 * b'x').decode()}:"}
        stable = "channel=stable&platform=linux"
        return [
            ("no version in the file", self.put("a.bin", stable), 422, "version_missing", "give one, as ?version=1.2.3"),
            ("an APK cut off", self.put("a.apk", "channel=stable", apk[: len(apk) // 2]), 422, "package_damaged", "send"),
            ("an APK without its lines", self.put("b.apk", "channel=stable", apk.replace(b"\n", b"")), 422, "package_damaged", "send"),
            ("an empty file", self.put("a.bin", f"version=2.0&{stable}", b""), 422, "package_empty", "send"),
            ("a zip for nobody", self.put("a.zip", "version=2.0&channel=stable", zipped()), 422, "platform_required", "platform"),
            ("another digest", self.put("a.bin", f"version=2.0&{stable}", headers=digest), 422, "digest_mismatch", "send"),
            ("the same again", self.put("first.bin", f"version=1.0&{stable}&arch=amd64", self.content), 200, None, "first.bin"),
            ("other bytes of a version", self.put("first.bin", f"version=1.0&{stable}"), 409, "version_exists", "choose a higher one"),
            (
                "a second file of a released version",
                self.put("first.msi", "version=1.0&channel=stable&platform=windows"),
                409,
                "release_published",
                ["1.0 is released already", "first.msi", "make a draft: PUT each with ?version= and without channel=", "POST …/releases"],
            ),
        ]

    # What one names

    def names(self):
        put = lambda query: self.put("c.bin", f"platform=linux&{query}")  # noqa: E731
        made = lambda value: self.json("POST", "/api/v1/apps", value)  # noqa: E731
        yank = f"{APP}/releases/1.0/yank"
        return [
            ("another app", self.ask("PUT", "/api/v1/apps/frist/packages/x.bin", b"x"), 404, "app_unknown", ["no app frist", "POST /api/v1/apps"]),
            ("a channel with a capital", put("version=2.0&channel=Stable"), 422, "channel_invalid", "'S'"),
            ("a channel misspelt", put("version=2.0&channel=stabel"), 404, "channel_unknown", "stable"),
            ("a parameter misspelt", put("version=2.0&chanel=stable"), 400, "parameter_unknown", ["`chanel`", "`channel`"]),
            ("a version with a v", put("version=v1.7"), 201, None, '"1.7"'),
            ("a version of five numbers", put("version=1.2.3.4.5"), 422, "version_invalid", "has 5 numbers"),
            ("a plus that was not escaped", put("version=1.0+1"), 422, "version_invalid", "%2B"),
            ("a slug with a capital", made({"slug": "My App", "name": "x"}), 422, "slug_refused", "'M'"),
            ("an app that is there", made({"slug": "first", "name": "x"}), 409, "app_exists", "first"),
            ("a field misspelt", made({"slug": "third", "nmae": "x"}), 400, "parameter_unknown", "`nmae`"),
            ("a yank without a reason", self.ask("POST", yank), 415, "json_expected", "application/json"),
            ("a yank with an empty one", self.json("POST", yank, {"reason": ""}), 422, "reason_missing", "why users must not take it"),
        ]

    # What visitors ask

    def visitors(self):
        html = {"Accept": "text/html"}
        get = lambda path, headers=None: self.ask("GET", path, headers=headers, token=None)  # noqa: E731
        synonyms = [
            (f"latest as {platform} {arch}", get(f"/d/first/latest/{platform}?arch={arch}"), 302, None, "")
            for platform, arch in (("Linux", "x86_64"), ("linux", "amd64"), ("LINUX", "x64"))
        ]
        return synonyms + [
            ("latest for nobody", get("/d/first/latest/ios"), 404, "no_package", "see the app's page"),
            ("latest of an unknown system", get("/d/first/latest/amiga"), 404, "platform_unknown", "android"),
            ("the front door", get("/", html), 200, None, "<!doctype html>"),
            ("no app at all", get("/a", html), 404, None, "<!doctype html>"),
            ("an app that is not there", get("/a/frist", html), 404, None, "<!doctype html>"),
        ]


def form_of(filename, content, **fields):
    """A form with a file (RFC 7578)."""
    head = 'Content-Disposition: form-data; name="{}"'
    parts = [(head.format(name), value.encode()) for name, value in fields.items()]
    parts.append((f'{head.format("file")}; filename="{urllib.parse.quote(filename)}"', content))
    body = b"".join(f"--{BOUNDARY}\r\n{line}\r\n\r\n".encode() + value + b"\r\n" for line, value in parts)
    return body + f"--{BOUNDARY}--\r\n".encode()


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "of any system")
    return buffer.getvalue()
