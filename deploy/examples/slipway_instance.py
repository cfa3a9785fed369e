"""One instance of a service of a Slipway platform, of Python's standard library alone. docs/PROTOCOL.md says why each step is.

A service gives `Instance` a function that answers a request, and calls `run()`.
"""

import argparse
import concurrent.futures
import contextlib
import datetime
import fcntl
import hashlib
import http.client
import http.server
import itertools
import json
import os
import pathlib
import signal
import socketserver
import ssl
import threading
import time
import uuid

BEAT_SECONDS = 3  # a lease ends 10 s after the last heartbeat
FILES = ("certificate.pem", "key.pem", "authorities.pem")
AWAY = (OSError, http.client.HTTPException, ValueError)


def for_the_gateway(caller, path):
    """Who may ask for what: the gateway, on behalf of the world, and for nothing that is internal."""
    return caller == "gateway" and not path.startswith("/internal/")


def arguments(about):
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--data", type=pathlib.Path, default="data", help="the data folder of the platform")
    parser.add_argument("--registry", action="append", default=[], metavar="HOST:PORT", help="[default: those in the folder]")
    parser.add_argument("--listen", metavar="HOST:PORT", help="[default: a loopback port that stays the same]")
    parser.add_argument("--advertise", metavar="HOST:PORT", help="where others reach it [default: where it listens]")
    return parser


class Identity:
    """Proves this service to others and others to it: TLS 1.3, both ends with certificates of the platform's authority."""

    def __init__(self, folder):
        self.folder, self.files = folder, None
        self.refresh()

    def refresh(self):
        """Reads the files again: certificates are renewed, and authorities replaced, under a running service."""
        files = [(self.folder / name).read_text() for name in FILES]
        if files == self.files:
            return False
        self.server, self.client = self.context(ssl.PROTOCOL_TLS_SERVER), self.context(ssl.PROTOCOL_TLS_CLIENT)
        self.server.num_tickets = 0  # each connection proves both ends anew
        self.files = files
        return True

    def context(self, side):
        context = ssl.SSLContext(side)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        certificate, key, authorities = (self.folder / name for name in FILES)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authorities)
        return context

    def fingerprints(self, text):
        end = "-----END CERTIFICATE-----"
        pems = [pem.strip() + "\n" + end for pem in text.split(end) if pem.strip()]
        return [hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in pems]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "slipway-example", ""
    disable_nagle_algorithm = True
    timeout = 120  # longer than callers keep idle connections: it is never we who end one under a request

    def serve(self):
        self.instance = self.server.instance
        with self.instance.working():
            self.unread = "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"
            if self.is_permitted():
                self.instance.answer(self)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def handle_expect_100(self):
        return True  # 100 is said when the body is wanted, after all refusals

    def is_permitted(self):
        """Whether the request is meant for this process and comes from somebody who may send it; else it is refused."""
        instance, self.place = self.instance, self.path.split("?")[0]
        if (self.headers.get("x-slipway-instance"), self.headers.get("x-slipway-run")) != (instance.id, instance.current_run()):
            return self.problem(421, "misdirected", "another process has this address now: look it up again")
        names = [name for kind, name in self.connection.getpeercert()["subjectAltName"] if kind == "DNS"]
        caller = names[0] if len(names) == 1 else None
        if self.place == "/internal/instance" and caller == "registry":
            self.reply(200, {"service": instance.service, "instance": instance.id, "addr": instance.addr})
            return False
        return instance.permits(caller, self.place) or self.problem(403, "caller_not_permitted", "this service may not ask for that")

    def body(self, most):
        """The body of the request; None when it has more than `most` bytes, which is answered."""
        length = self.headers.get("content-length")
        if length and int(length) > most:
            return self.problem(413, "body_too_large", f"send at most {most} bytes") or None
        if "100-continue" in self.headers.get("expect", ""):
            self.send_response_only(100)
            self.end_headers()
        body = self.rfile.read(int(length)) if length else b""
        while not length and self.unread and (size := int(self.rfile.readline().split(b";")[0], 16)):
            if len(body) + size > most:
                return self.problem(413, "body_too_large", f"send at most {most} bytes") or None
            body += self.rfile.read(size)
            self.rfile.readline()
        while not length and self.unread and self.rfile.readline() not in (b"\r\n", b""):
            pass  # trailers
        self.unread = False
        return body

    def begin(self, status, headers):
        """The head of an answer. What is left of a body would be taken for the next request, so the connection ends then."""
        self.send_response(status)
        own = {"Connection": "close"} if self.unread else {}
        own |= {"X-Slipway-Instance": self.instance.id} if status == 421 or self.path.startswith("/internal/") else {}
        for name, value in (headers | own).items():
            self.send_header(name, str(value))
        self.end_headers()

    def reply(self, status, body=b"", headers=None, kind="application/json"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.begin(status, {"Content-Type": kind, "Content-Length": len(body)} | (headers or {}))
        if self.command != "HEAD":
            self.wfile.write(body)

    def problem(self, status, code, detail, headers=None):
        """RFC 9457. Returns False, so that a refusal can be returned."""
        title, request = http.HTTPStatus(status).phrase, self.headers.get("x-request-id")
        document = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, "request_id": request}
        self.reply(status, document, {"Cache-Control": "no-store"} | (headers or {}), "application/problem+json")
        return False

    def log_message(self, *_):
        pass


class Operators(http.server.BaseHTTPRequestHandler):
    """A listener of its own, without TLS: `/healthz` says that the process answers, `/readyz` that it can do its work."""

    def do_GET(self):
        ready = self.path == "/readyz" and self.server.instance.state == "READY"
        self.send_response(200 if ready or self.path == "/healthz" else 503 if self.path == "/readyz" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, block_on_close, request_queue_size = True, True, False, 1024

    def __init__(self, instance, address, handler, proven):
        self.instance, self.proven = instance, proven
        super().__init__(address, handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def get_request(self):
        connection, address = super().get_request()
        if self.proven:
            # The handshake is made in the thread of the connection: one that hangs keeps nobody out.
            make = self.instance.identity.server.wrap_socket
            connection = make(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, *_):
        pass  # a connection was lost, or its other end proved nothing


class Instance:
    """One process of a service. `answer(handler)` answers what `permits(caller, path)`; `ready()` says when it can work."""

    def __init__(self, options, service, answer, permits=for_the_gateway, ready=lambda: True):
        self.data, self.service, self.answer, self.permits, self.ready = options.data, service, answer, permits, ready
        self.id, self.state, self.started_at = str(uuid.uuid4()), "STARTING", time.time()
        self.draining, self.left, self.busy = threading.Event(), threading.Event(), 0
        self.lock, self.beating = threading.Lock(), threading.Lock()
        self.configured, self.met, self.others = options.registry, {}, {}
        self.identity = Identity(self.data / "secrets" / service)
        self.take_slot()
        self.server = self.listen(options.listen)
        self.admin = Server(self, ("127.0.0.1", 0), Operators, proven=False)
        self.addr = options.advertise or "{}:{}".format(*self.server.server_address)

    # The data folder

    def take_slot(self):
        """The lowest number that no living process of the service has: its lock ends with the process."""
        folder = self.data / "run"
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in itertools.count(1):
            self.slot = (folder / f"{self.service}-{number}.lock").open("w")
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self.slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
        self.name, self.port_file = f"{self.service}-{number}", self.data / self.service / f"listen-{number}"
        self.announcement = folder / f"{self.name}.json"
        self.announcement.unlink(missing_ok=True)

    def listen(self, wanted):
        """At the address of before, so that a restart is found while the registry is away."""
        kept = self.port_file.read_text().strip() if self.port_file.exists() else "127.0.0.1:0"
        host, port = (wanted or kept).rsplit(":", 1)
        try:
            server = Server(self, (host, int(port)), Handler, proven=True)
        except OSError:
            if wanted:
                raise
            server = Server(self, ("127.0.0.1", 0), Handler, proven=True)
        if not wanted:
            self.port_file.write_text("{}:{}".format(*server.server_address))
        return server

    def announce(self):
        """Says to this machine who is here, and by what it proves itself: a rotation of certificates waits for that."""
        started = datetime.datetime.fromtimestamp(self.started_at, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        admin, (certificate, _, authorities) = "{}:{}".format(*self.admin.server_address), self.identity.files
        document = {
            "service": self.service, "instance": self.id, "pid": os.getpid(), "addr": self.addr, "admin": admin,
            "started_at": started, "run": self.current_run(), "authorities": self.identity.fingerprints(authorities),
            "certificate": self.identity.fingerprints(certificate)[0],
        }
        part = self.announcement.with_suffix(".part")
        part.write_text(json.dumps(document) + "\n")
        part.replace(self.announcement)

    def announced(self, service):
        """Instances that said the same, those of killed processes included."""
        for path in sorted((self.data / "run").glob(f"{service}-*.json")):
            with contextlib.suppress(*AWAY):
                yield json.loads(path.read_text())

    def current_run(self):
        """The run of `slipway up`; None where there is none."""
        path = self.data / "run" / "run"
        return path.read_text().strip() if path.exists() else None

    # Others

    def call(self, service, address, instance, method, path, document=None, timeout=60):
        """Calls an instance that proves to be of `service`; returns status and document. After a 421 once more, with the
        name that it says: another process has the address, and its certificate has shown that it is of the service."""
        host, port = address.rsplit(":", 1)
        for _ in range(2):
            headers = {"X-Slipway-Instance": instance, "X-Slipway-Run": self.current_run(), "Content-Type": "application/json"}
            connection = Proven(host, int(port), self.identity.client, service, timeout)
            with contextlib.closing(connection):
                body = None if document is None else json.dumps(document)
                connection.request(method, path, body, {name: value for name, value in headers.items() if value})
                answer = connection.getresponse()
                content, instance = answer.read(), answer.headers.get("x-slipway-instance", instance)
            if answer.status != 421:
                break
        self.met[address] = instance
        return answer.status, json.loads(content)

    def registries(self):
        return self.configured or [each["addr"] for each in self.announced("registry")]

    def watch(self, service):
        """Keeps `others`, the addresses of the instances of `service` by their names; whoever drains still answers. What a
        registry lists that has just started may lack some. One of your own services may not ask; one of the six does."""
        position = ""
        while not self.left.is_set():
            for address in self.registries():
                path = f"/internal/instances?watcher={self.id}{position}"
                try:
                    _, told = self.call("registry", address, self.met.get(address), "GET", path)
                    position = f"&epoch={told['epoch']}&revision={told['revision']}&wait=30"
                    answering = [each for each in told["instances"] if each["state"] in ("READY", "DRAINING")]
                    listed = {each["instance"]: each["addr"] for each in answering if each["service"] == service}
                    self.others = self.others | listed if told["warming"] else listed
                except (*AWAY, KeyError):
                    position = ""
            if not position:
                self.left.wait(0.2)

    def find(self, service):
        """Those that a registry told of, and those on this machine, which are found without one. A call shows who lives."""
        here = {each["instance"]: each["addr"] for each in self.announced(service)}
        return {**here, **self.others}

    def record(self):
        return {
            "service": self.service, "instance": self.id, "addr": self.addr, "state": self.state,
            "version": "1.0.0", "started_at": int(self.started_at * 1000),
        }

    def tell(self, method, record=None):
        """Tells every registry side by side, so that one that hangs does not cost the lease at another."""

        def one(address):
            with contextlib.suppress(*AWAY):
                return self.call("registry", address, self.met.get(address), method, f"/internal/instances/{self.id}", record, 6)

        registries = self.registries()
        with concurrent.futures.ThreadPoolExecutor(max(1, len(registries))) as pool:
            return [answer for answer in pool.map(one, registries) if answer]

    def beat(self):
        """A heartbeat: the full record. Returns the answers, status and document. One after the other: of two that begin the
        lease side by side, the earlier state could be what stays."""
        with self.beating:
            return self.tell("PUT", self.record())

    def keep_lease(self):
        while not self.left.is_set():
            taken = any(status == 200 for status, _ in self.beat())
            with contextlib.suppress(*AWAY):
                if self.identity.refresh() and self.announcement.exists():
                    self.announce()
            self.left.wait(BEAT_SECONDS if taken else 0.2)

    # Life

    @contextlib.contextmanager
    def working(self):
        with self.lock:
            self.busy += 1
        try:
            yield
        finally:
            with self.lock:
                self.busy -= 1

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.draining.set())
        keeping = threading.Thread(target=self.keep_lease, daemon=True)
        keeping.start()
        while not self.draining.is_set() and not self.ready():
            self.draining.wait(0.05)
        if not self.draining.is_set():
            self.state = "READY"
            self.beat()
            self.announce()
        self.draining.wait()
        # Answered when all who watch know it: from then on nobody begins anything here.
        self.state = "DRAINING"
        self.beat()
        self.end_listening()
        self.left.set()
        keeping.join(10)  # a heartbeat behind the leave would begin the lease anew
        self.tell("DELETE")
        self.announcement.unlink(missing_ok=True)

    def end_listening(self, most=30):
        """Lets what has begun come to its end, for at most so many seconds."""
        self.server.shutdown()
        self.server.server_close()
        end, quiet = time.monotonic() + most, 0
        while quiet < 5 and time.monotonic() < end:
            quiet = 0 if self.busy else quiet + 1
            time.sleep(0.1)


class Proven(http.client.HTTPSConnection):
    """A connection on which the other end has to prove that it is `service`, wherever it is."""

    def __init__(self, host, port, context, service, timeout):
        super().__init__(host, port, timeout=timeout, context=context)
        self.proof, self.service = context, service

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.proof.wrap_socket(self.sock, server_hostname=self.service)
