"""The command as people and scripts use it: what it refuses before it sends anything, how it ends, what it says."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

from . import fixtures
from .platform import BINARIES, free_port
from .relay import Relay

DONE, FAILED, USAGE, REFUSED, THERE, AWAY = range(6)
KEY = re.compile(r"RW[A-Za-z0-9+/=]{54}")
# Bytes that questions may cost; every file here is larger.
ASKED = 64 * 1024
LARGE = 4 * 1024 * 1024
OTHER_KEY = "RWTXWpgBgrEKt9damAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"


def command_words(check, platform, developer):
    """The whole of it, against a running platform."""
    person = Person(check, platform)
    help_and_usage(check, person)
    starts(check, platform)
    refused_before_bytes(check, platform, developer, person)
    asked_at_a_terminal(check, developer, person)
    published(check, developer, person)
    matrix(check, developer, person)
    roll_back(check, developer, person)
    pins(check, platform, person)
    downloads(check, developer, person)
    protected(check, platform, person)
    in_front(person)
    check.figure("runs of the command", person.runs)


class Ended:
    """What became of one run."""

    def __init__(self, code, output, error):
        self.code, self.output, self.error = code, output, error

    @property
    def document(self):
        return json.loads(self.output)

    @property
    def refusal(self):
        return self.document["error"]["code"]

    def __str__(self):
        return f"exit {self.code}, {self.output[:300]!r}, {self.error[-600:]!r}"


class Person:
    """Somebody with a home of their own and the administrator's token."""

    def __init__(self, check, platform):
        self.check, self.platform, self.runs = check, platform, 0
        self.home = check.folder / "home"
        self.home.mkdir()
        self.token = platform.admin_token()
        self.server = f"http://{platform.gateway}"
        self.known = self.home / ".config" / "slipway" / "known_apps"

    def environment(self, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "XDG_", "SSL_"))}
        return kept | {"HOME": str(self.home), "SLIPWAY_SERVER": self.server, "SLIPWAY_TOKEN": self.token} | more

    def run(self, *arguments, **more):
        """Runs it without a terminal."""
        self.runs += 1
        command = [str(part) for part in (BINARIES / "slipway", *arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
                              cwd=self.home, env=self.environment(**more))
        return Ended(done.returncode, done.stdout, done.stderr)

    def expect(self, code, *arguments, words=(), **more):
        """Runs it, and says what was wanted where it is not so."""
        ended = self.run(*arguments, **more)
        shown = " ".join(str(part) for part in arguments)
        self.check.expect(ended.code == code, f"`slipway {shown}`: wanted exit {code}, got {ended}")
        for word in words:
            self.check.expect(word in ended.error + ended.output, f"`slipway {shown}` does not say {word!r}: {ended}")
        return ended

    def at_a_terminal(self, answer, *arguments):
        """Runs it with a terminal at which somebody types `answer` when the question comes."""
        self.runs += 1
        command = [str(part) for part in (BINARIES / "slipway", *arguments)]
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.home)
            os.execvpe(command[0], command, self.environment())
        said, answered, deadline = b"", False, time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                more = os.read(terminal, 65536)
            except OSError:
                break
            if not more:
                break
            said += more
            if b"Type yes:" in said and not answered:
                os.write(terminal, answer.encode() + b"\n")
                answered = True
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return Ended(os.waitstatus_to_exitcode(status), said.decode(errors="replace"), "")

    def file(self, name, content):
        path = self.home / name
        path.write_bytes(content)
        return path


def help_and_usage(check, person):
    person.expect(USAGE, words=["slipway publish", "Usage:"])
    for subcommand in ("publish", "release", "download", "verify"):
        person.expect(DONE, subcommand, "--help", words=["Examples:", "Exit codes: 0 done", "--json", "--quiet"])
    ended = person.expect(USAGE, "publish", "a.apk", "--jsno", words=["--jsno"])
    check.expect("as a value" not in ended.error, f"a tip that misleads: {ended}")
    person.expect(USAGE, "publish", "a.apk", "--chanel", "beta", words=["--channel"])
    person.expect(USAGE, "publish", "missing.apk", words=["could not open missing.apk"])
    nothing = person.file("notes.bin", b"notes")
    person.expect(USAGE, "publish", nothing, SLIPWAY_TOKEN="", words=["set SLIPWAY_TOKEN"])
    person.expect(USAGE, "publish", nothing, SLIPWAY_TOKEN="slw_123", words=["SLIPWAY_TOKEN holds no token"])
    for server in ("https://apps.example.org/a/notes", "not an address", "ftp://apps.example.org"):
        person.expect(USAGE, "publish", nothing, "--server", server, words=["write it as https://apps.example.org"])
    person.expect(USAGE, "release", "1.0", words=["--app"])
    person.expect(USAGE, "verify", nothing, words=["notes.bin.minisig"])


def starts(check, platform):
    """A port that is taken and settings that are wrong end `up` with one line."""
    up = [BINARIES / "slipway", "up", "--data", check.folder / "never"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = ["--listen", f"127.0.0.1:{taken.getsockname()[1]}"]
        free = ["--listen", f"127.0.0.1:{free_port()}"]
        for options, setting, words in (
            (port, {}, "another program listens there"),
            (["--listen", "192.0.2.1:80"], {}, "--listen"),
            (free, {"SLIPWAY_SIGNING__NOT_KNOWN__A": "1"}, "a setting of signing is wrong"),
            (free, {"SLIPWAY_GATEWAY__HTTP__PUBLIC_URL": "apps.example.org"}, "write it as https://"),
        ):
            command = [str(part) for part in [*up, *options]]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | setting)
            check.equal(done.returncode, USAGE, f"exit code of `up` {options} {setting} ({done.stderr[-300:]})")
            check.equal(len(done.stderr.splitlines()), 1, f"lines of `up` {options} {setting}: {done.stderr[-600:]}")
            check.expect(words in done.stderr, f"`up` does not say {words!r}: {done.stderr}")
    for url in ("https://apps.example.org/slipway", "apps.example.org", "https://a.example/?b"):
        command = [str(part) for part in [*up, "--public-url", url]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        check.equal(done.returncode, USAGE, f"exit code of `up --public-url {url}`")


def refused_before_bytes(check, platform, developer, person):
    """What the platform would refuse is refused before the file is sent, and no app is made for it."""
    developer.make_app("there")
    developer.publish("there", "1.0.0", "there.bin", b"there", platform="any")
    content = fixtures.made(check.random, LARGE)
    plain, zipped = person.file("plain.bin", content), person.file("torn.zip", b"PK\x03\x04" + content)
    there = person.file("there.bin", content)
    uploader = developer.make_token("uploader", ["read", "upload"])
    other = developer.make_token("other", ["read", "upload", "release"], app="there")
    any_1 = ["--version", "1.0.0", "--platform", "any"]
    rows = (
        ([plain, "--app", "new", "--create", "--platform", "any"], REFUSED, "version_missing", {}),
        ([plain, "--app", "new", "--create", "--version", "1"], REFUSED, "platform_required", {}),
        ([zipped, "--app", "new", "--create", *any_1], REFUSED, "package_damaged", {}),
        ([plain, "--app", "new", "--create", "--strict", *any_1], REFUSED, "strict_refused", {}),
        ([plain, "--app", "new", "--create", "--channel", "stabel", *any_1], REFUSED, "channel_unknown", {}),
        ([plain, "--app", "ther", *any_1], REFUSED, "app_unknown", {}),
        ([plain, "--app", "there", "--channel", "nightly", "--version", "2", "--platform", "any"], REFUSED, "channel_unknown", {}),
        ([there, "--app", "there", *any_1], THERE, "release_published", {}),
        ([plain, "--app", "there", *any_1], THERE, "release_published", {}),
        ([plain, there, "--app", "there", *any_1], THERE, "release_published", {}),
        ([plain, "--app", "there", "--version", "2", "--platform", "any"], REFUSED, "scope_missing", {"SLIPWAY_TOKEN": uploader}),
        ([plain, "--app", "new", "--create", *any_1], REFUSED, "token_of_another_app", {"SLIPWAY_TOKEN": other}),
        ([plain, plain, "--app", "there", *any_1], USAGE, "usage", {}),
    )
    relay = Relay(platform.gateway)
    for arguments, code, refusal, more in rows:
        before = relay.sent
        ended = person.expect(code, "publish", "--json", *arguments, "--server", relay.address, **more)
        check.equal(ended.refusal, refusal, f"code of publish {arguments}")
        check.equal(ended.document["error"]["exit"], code, f"exit in the document of publish {arguments}")
        sent = relay.sent - before
        check.expect(sent < ASKED, f"publish {arguments}: {sent} bytes were sent")
    slugs = {app["slug"] for app in developer.apps()}
    check.expect("new" not in slugs and "ther" not in slugs, f"apps of refused uploads: {slugs}")
    person.expect(REFUSED, "publish", plain, "--app", "ther", *any_1, words=["is there meant?", "--create"])
    person.expect(REFUSED, "publish", plain, "--app", "there", "--version", "2", "--platform", "any", "--channel", "stabel",
                  words=["is stable meant?", "--create-channel"])
    nobody = f"127.0.0.1:{free_port()}"
    person.expect(AWAY, "publish", plain, "--app", "there", *any_1, "--server", nobody, words=["cannot be reached"])
    check.figure("refused before bytes", len(rows))


def asked_at_a_terminal(check, developer, person):
    """An app is made by a yes, and by nothing else that is typed."""
    package = person.file("asked.bin", b"asked")
    arguments = ["publish", package, "--app", "asked", "--version", "1", "--platform", "any"]
    for answer in ("no", "", "yess"):
        ended = person.at_a_terminal(answer, *arguments)
        check.expect(ended.code == REFUSED and "there is no app asked" in ended.output, f"answered {answer!r}: {ended}")
    check.expect("asked" not in {app["slug"] for app in developer.apps()}, "an app was made without a yes")
    ended = person.at_a_terminal("yes", *arguments)
    check.expect(ended.code == DONE and "asked 1 is published in stable" in ended.output, f"answered yes: {ended}")


def published(check, developer, person):
    """One file and several: documents, warnings, quiet runs, a second time."""
    one, two = person.file("one.bin", b"one"), person.file("two.bin", b"two")
    any_1 = ["--app", "notes", "--version", "1.0.0", "--platform", "any"]
    ended = person.expect(DONE, "publish", one, two, *any_1, "--create", "--json", "--notes", "Faster", words=["warning: "])
    told = ended.document
    check.equal([told["app"], told["version"], told["state"], told["channel"]], ["notes", "1.0.0", "published", "stable"], "told")
    check.equal(sorted(file["filename"] for file in told["files"]), ["one.bin", "two.bin"], "files told")
    check.expect(told["warnings"] and all("url" in file and "sha256" in file for file in told["files"]), f"told: {told}")
    release = developer.release("notes", "1.0.0")
    check.equal(release["notes"], "Faster", "notes of the release")
    check.equal(len(release["packages"]), 2, "files of the release")
    again = person.expect(DONE, "publish", two, one, *any_1, "--json")
    check.equal(again.document, told, "told a second time")
    quiet = person.expect(DONE, "publish", one, two, *any_1, "--quiet")
    check.equal(quiet.output, "", "a quiet run's output")
    check.expect(all("warning: " in line for line in quiet.error.splitlines()), f"a quiet run's words: {quiet}")
    changes = person.file("CHANGES.md", b"# 1.1\n" + b"longer than a head\n" * 1000)
    arguments = [one, "--app", "notes", "--version", "1.1.0", "--platform", "any", "--notes-file", changes]
    person.expect(DONE, "publish", *arguments, "--channel", "nightly", "--create-channel", "--arch", "arm64")
    release = developer.release("notes", "1.1.0")
    check.equal(release["channels"], ["nightly"], "a channel that was made")
    check.equal(release["notes"], changes.read_text().rstrip(), "notes from a file")
    check.equal(release["packages"][0]["arch"], "aarch64", "the architecture")
    person.expect(USAGE, "publish", *arguments, "--notes", "a", words=["cannot be used with"])


def matrix(check, developer, person):
    """Five jobs at once, each with its own file, and one that releases."""
    count = 5
    files = [person.file(f"job-{number}.bin", f"job {number}".encode()) for number in range(count)]
    ended = [None] * count

    def job(number):
        arguments = ["--app", "notes", "--version", "1.2.0", "--platform", "any", "--draft", "--json"]
        ended[number] = person.run("publish", files[number], *arguments)

    jobs = [threading.Thread(target=job, args=(number,)) for number in range(count)]
    for begun in jobs:
        begun.start()
    for begun in jobs:
        begun.join()
    for one in ended:
        check.expect(one.code == DONE and one.document["state"] == "draft", f"a job: {one}")
    check.equal(developer.release("notes", "1.2.0")["state"], "draft", "state before the release")
    released = person.expect(DONE, "release", "1.2.0", "--app", "notes", "--json", "--notes", "Five")
    check.equal(len(released.document["files"]), count, "files of the matrix")
    check.equal(person.expect(DONE, "release", "1.2.0", "--app", "notes", "--json").document, released.document, "a second time")
    late = person.file("job-late.bin", b"late")
    person.expect(THERE, "publish", late, "--app", "notes", "--version", "1.2.0", "--platform", "any", "--draft")
    person.expect(REFUSED, "release", "7.0", "--app", "notes", words=["release_unknown"])

    # Another token's file is not released unseen; exactly the files at hand are.
    stranger = developer.make_token("stranger", ["read", "upload"], app="notes")
    draft = ["--app", "notes", "--version", "1.3.0", "--platform", "any", "--draft"]
    person.expect(DONE, "publish", files[0], *draft)
    person.expect(DONE, "publish", late, *draft, SLIPWAY_TOKEN=stranger)
    person.expect(REFUSED, "release", "1.3.0", "--app", "notes", words=["job-late.bin", "by stranger", "slipway release 1.3.0 FILE"])
    named = person.expect(DONE, "release", "1.3.0", files[0], "--app", "notes", "--json")
    check.equal([file["filename"] for file in named.document["files"]], ["job-0.bin"], "the files that were named")
    check.figure("jobs of the matrix", count)


def roll_back(check, developer, person):
    """A pipeline that is run again does not undo a roll-back, and says so."""
    answer = developer.call("PUT", "/api/v1/apps/notes/channels/stable", {"version": "1.2.0", "rollback": True})
    developer.expect(answer, 200, "roll back")
    again = ["publish", person.home / "job-0.bin", "--app", "notes", "--version", "1.3.0", "--platform", "any", "--json"]
    ended = person.expect(DONE, *again, words=["left_channel"])
    check.expect("stable" not in ended.document["channels"], f"it is back: {ended}")


def pins(check, platform, person):
    """A key is pinned at its first use, and another one is refused with both fingerprints."""
    address = f"{person.server}/d/notes/1.2.0/job-0.bin"
    ended = person.expect(DONE, "download", address, "--json", words=["SHA256:"])
    told = ended.document
    check.equal([told["app"], told["version"], told["pinned"]], ["notes", "1.2.0", "first"], "told of a first download")
    key = told["key"]["text"]
    check.expect(KEY.fullmatch(key), f"the key as text: {key}")
    lines = [line for line in person.known.read_text().splitlines() if not line.startswith("#")]
    check.equal(lines, [f"{person.server} notes {key}"], "known_apps")
    check.equal(person.expect(DONE, "verify", "job-0.bin", "--json").document["pinned"], "known", "the pinned key is enough")
    person.expect(DONE, "verify", "job-0.bin", "--key", key, "--app", "notes", "--version", "1.2")
    person.expect(DONE, "verify", "job-0.bin", "--key", person.file("key.pub", f"untrusted comment: x\n{key}\n".encode()))
    for options, words in (
        (["--version", "1.1.0"], "its version is 1.2.0, and not 1.1.0"),
        (["--version", "1.3.0"], "its version is 1.2.0, and not 1.3.0"),
        (["--key", key, "--app", "other"], "its app is notes, and not other"),
    ):
        ended = person.expect(FAILED, "verify", "job-0.bin", *options, words=[words])
        check.equal(ended.error.count("PROVEN"), 1, f"times that PROVEN is said: {ended}")
    torn = person.home / "job-0.bin"
    whole = torn.read_bytes()
    torn.write_bytes(whole + b"!")
    check.equal(person.expect(FAILED, "verify", torn, "--json").refusal, "not_proven", "code of a changed file")
    torn.write_bytes(whole)

    person.known.write_text(f"{person.server} notes {OTHER_KEY}\n")
    (person.home / "job-1.bin").unlink()
    for arguments in (["download", f"{person.server}/d/notes/1.2.0/job-1.bin"], ["verify", "job-0.bin", "--key", key]):
        ended = person.expect(FAILED, *arguments, "--json", words=[told["key"]["fingerprint"], "HAS CHANGED", "line 1 of", "in another way"])
        check.equal(ended.refusal, "key_changed", f"code of {arguments}")
        check.equal(ended.error.count("SHA256:"), 2, f"fingerprints of {arguments}")
    check.expect(not (person.home / "job-1.bin").exists(), "a file of a changed key got its name")
    person.known.write_text("damaged\n")
    person.expect(USAGE, "verify", "job-0.bin", words=["line 1"])
    person.known.unlink()
    person.expect(USAGE, "verify", "job-0.bin", SLIPWAY_SERVER="", words=["--key", "--server"])
    person.expect(DONE, "verify", "job-0.bin", "--app", "notes", words=["proves only"])


def downloads(check, developer, person):
    """By address and by app; a part is gone on with, and what is there is not overwritten."""
    for arguments, name in (
        ([f"{person.server}/d/notes/1.2.0/job-2.bin"], "job-2.bin"),
        (["notes", "--channel", "nightly", "--arch", "aarch64", "-o", "nightly.bin"], "nightly.bin"),
        (["--app", "there", "--version", "latest"], "there.bin"),
        (["--app", "there", "--version", "1", "--quiet", "-o", "there-1.bin"], "there-1.bin"),
    ):
        (person.home / name).unlink(missing_ok=True)
        person.expect(DONE, "download", *arguments)
        check.expect((person.home / f"{name}.minisig").exists(), f"{name} has no signature beside it")
        check.expect(not (person.home / f"{name}.part").exists(), f"{name}.part was left")
    large = fixtures.made(check.random, LARGE)
    package = person.file("large.bin", large)
    person.expect(DONE, "publish", package, "--app", "notes", "--version", "2.0.0", "--platform", "any")
    package.unlink()
    part = person.home / "large.bin.part"
    for there, words in ((large[: LARGE // 2], "2.00 MiB are there already"), (b"other" * 100, "beginning anew"), (large + b"!", "beginning anew")):
        part.write_bytes(there)
        ended = person.expect(DONE, "download", "notes", words=[words])
        check.expect(package.read_bytes() == large, f"other bytes got the name: {ended}")
        package.unlink()
    package.write_bytes(b"mine")
    check.equal(person.expect(THERE, "download", "notes", "--json").refusal, "file_exists", "code of a file that is there")
    check.equal(package.read_bytes(), b"mine", "the file that was there")
    developer.expect(developer.call("POST", "/api/v1/apps/there/releases/1.0.0/yank", {"reason": "it loses notes"}), 200, "yank")
    yanked = f"{person.server}/d/there/1.0.0/there.bin"
    rows = ((["nots"], "app_unknown"), (["notes", "--version", "9"], "release_unknown"), ([yanked, "-o", "yanked.bin"], "yanked"))
    for arguments, code in rows:
        check.equal(person.expect(REFUSED, "download", *arguments, "--json").refusal, code, f"code of {arguments}")


@contextlib.contextmanager
def listening(handle, certificate=None):
    """A server on loopback that hands each connection to `handle`."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    def serve(client):
        with contextlib.suppress(OSError), client:
            handle(context.wrap_socket(client, server_side=True) if context else client)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def passing_to(gateway):
    """Passes a connection on."""
    host, port = gateway.rsplit(":", 1)

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def handle(client):
        with socket.create_connection((host, int(port))) as server:
            answers = threading.Thread(target=pump, args=(server, client), daemon=True)
            answers.start()
            pump(client, server)
            answers.join(5)

    return handle


def protected(check, platform, person):
    """https and http taken for each other, and certificates that the machine does not trust: words that say what to do."""
    check.need("openssl")

    def certificate(name, *more):
        paths = [person.home / f"{name}.{kind}" for kind in ("crt", "key")]
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=slipway",
                   "-out", str(paths[0]), "-keyout", str(paths[1]), *more]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return paths

    named = certificate("named", "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1")
    elsewhere = certificate("elsewhere", "-days", "2", "-addext", "subjectAltName=DNS:apps.example.org")
    release = ["release", "1.2.0", "--app", "notes"]
    person.expect(FAILED, *release, "--server", f"https://{platform.gateway}", words=["https is not spoken there", f"write http://{platform.gateway}"])
    for own, options, code, words in (
        (named, [], FAILED, "--cacert FILE"),
        (named, ["--cacert", named[0]], DONE, "published in stable"),
        (named, ["--cacert", elsewhere[0]], FAILED, "--cacert FILE"),
        (named, ["--cacert", named[1]], USAGE, "no certificate"),
        (elsewhere, ["--cacert", elsewhere[0]], FAILED, "for another name"),
    ):
        with listening(passing_to(platform.gateway), own) as address:
            person.expect(code, *release, "--server", f"https://{address}", *options, words=[words])
    with listening(passing_to(platform.gateway), named) as address:
        person.expect(AWAY, *release, "--server", f"http://{address}")


def in_front(person):
    """What something in front of Slipway answers is not taken for Slipway's word."""
    other = "in front of Slipway (nginx/1.22)"
    for status, code, *words in (
        ("413 Payload Too Large", REFUSED, other, "client_max_body_size"),
        ("301 Moved Permanently", REFUSED, other, "https://apps.example.org/"),
        ("404 Not Found", REFUSED, other, "is this the address of a platform?"),
        ("502 Bad Gateway", AWAY, other, "cannot reach the platform"),
        ("400 Bad Request", REFUSED, "write the address with https://"),
    ):
        body = f"<html>{status}; a plain request was sent to an HTTPS port</html>" if status.startswith("400") else "<html></html>"

        def handle(client, status=status, body=body):
            client.recv(65536)
            head = f"HTTP/1.1 {status}\r\nServer: nginx/1.22\r\nLocation: https://apps.example.org/\r\nContent-Type: text/html\r\n"
            client.sendall(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())

        with listening(handle) as address:
            person.expect(code, "verify", "job-0.bin", "--server", f"http://{address}", words=words)
