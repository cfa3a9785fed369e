"""A service of an operator's own, of Python's standard library alone: TLS 1.3, its certificate, a lease at the registry."""

import http.server
import json
import ssl
import threading
import time
import uuid

from . import internal


class Handler(http.server.BaseHTTPRequestHandler):
    """Says which instance it is to the registry, and answers the gateway what it was asked; nobody else."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        service = self.server.service
        length = int(self.headers.get("content-length") or 0)
        names = [name for kind, name in self.connection.getpeercert()["subjectAltName"] if kind == "DNS"]
        path, meant_for = self.path, self.headers.get("x-slipway-instance")
        if meant_for not in (None, service.id):
            return self.send(421, {})
        if path == "/internal/instance":
            return self.send(200 if names == ["registry"] else 403, {"instance": service.id, "addr": service.addr})
        if names != ["gateway"] or path.startswith("/internal/"):
            return self.send(403, {})
        body = self.rfile.read(length).decode()
        return self.send(200, {"method": self.command, "path": path, "body": body, "client": self.headers.get("x-slipway-client")})

    do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    def send(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Slipway-Instance", self.server.service.id)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class OwnService:
    """One instance. It listens from the beginning, and gets no traffic before its first heartbeat."""

    def __init__(self, platform, name):
        self.platform, self.name = platform, name
        self.id = str(uuid.uuid4())
        self.started_at = int(time.time() * 1000)
        folder = platform.data / "secrets" / name
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        context.load_verify_locations(folder / "authorities.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # The handshake is made where the connection is answered: one that hangs keeps nobody out.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.service = self
        self.addr = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def record(self, state, service=None):
        return {
            "service": service or self.name, "instance": self.id, "addr": self.addr, "state": state,
            "version": "1.0.0", "started_at": self.started_at,
        }

    def beat(self, state="READY", service=None):
        """A heartbeat, and the registry's answer to it."""
        body = json.dumps(self.record(state, service)).encode()
        headers = {"Content-Type": "application/json"}
        return self.call("registry", "PUT", f"/internal/instances/{self.id}", body, headers)

    def leave(self):
        return self.call("registry", "DELETE", f"/internal/instances/{self.id}")

    def call(self, service, method, path, body=None, headers=None):
        return internal.call(self.platform, self.name, self.platform.one(service), method, path, body, headers)

    def end(self):
        self.server.shutdown()
        self.server.server_close()
