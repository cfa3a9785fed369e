"""Somebody between two services who rewrites what they say, as another version of either might say it.

It has the certificates of the data folder, so that each end takes it for the other: it listens at the address that a service
gives out as its own (`[http] advertise`), and passes everything on in the name of whoever calls.
"""

import contextlib
import http.server
import json
import ssl
import threading

from . import internal, web

# Headers of one connection, and what is made anew for the next one.
OWN = {"connection", "transfer-encoding", "content-length", "host", "keep-alive", "te"}
# Beyond what any call between services waits for.
TIMEOUT = 120


class Call:
    """What a service was asked. Rules may change `path` and `body`."""

    def __init__(self, caller, callee, method, path, headers, body):
        self.caller, self.callee, self.method = caller, callee, method
        self.path, self.headers, self.body = path, headers, body

    def document(self):
        """The JSON that was sent, or None."""
        is_json = self.headers.get("content-type", "").startswith("application/json")
        return json.loads(self.body) if is_json and self.body else None


class Rule:
    """What is done to calls of `method` below `path`, of which `when(call)` chooses.

    `question(call)` may change what is asked, or answer it; `answer(answer)` may change what is said, also on a poll that
    was there before the rule. `hits` counts how often something was done; `end()` lets everything through again.
    """

    def __init__(self, callee, method, path, act, when=lambda _: True):
        self.callee, self.method, self.path = callee, method, path
        self.question, self.answer = act
        self.when = when
        self.hits = 0
        self.over = False

    def wants(self, call):
        at = self.method in ("*", call.method) and call.path.startswith(self.path)
        return not self.over and self.callee in ("*", call.callee) and at and self.when(call)

    def end(self):
        self.over = True


def asks_otherwise(act):
    """`act(call)` changes the call, or returns the answer to it."""
    return act, None


def refuses(status, code):
    """Answers with a problem of this code; one without a code is an answer of somebody else's."""
    problem = {"type": "about:blank", "title": "x", "status": status, "detail": f"a word of another version: {code}"}
    body = json.dumps(problem | ({"code": code} if code else {})).encode()
    return asks_otherwise(lambda _: web.Answer(status, {"content-type": "application/problem+json"}, body))


def asks(change):
    """`change(document)` changes the JSON that is sent."""

    def question(call):
        document = call.document()
        if document is not None:
            change(document)
            call.body = json.dumps(document).encode()

    return asks_otherwise(question)


def says(change):
    """`change(document)` changes the JSON of a 2xx answer."""

    def answered(answer):
        if answer.status // 100 == 2 and answer.headers.get("content-type", "").startswith("application/json"):
            document = answer.json()
            change(document)
            answer.body = json.dumps(document).encode()

    return None, answered


class Between:
    """Listens as `service` of the platform whose certificates are in `secrets`, and passes on to `target`."""

    def __init__(self, secrets, service, target, rules):
        self.secrets, self.service, self.target, self.rules = secrets, service, target, rules
        self.proofs = {}
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.context = self.proof_of_service()
        self.server.between = self
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def proof_of_service(self):
        folder = self.secrets / self.service
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        context.load_verify_locations(folder / "authorities.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def answer(self, call):
        for rule in self.that_want(call, "question"):
            if answer := rule.question(call):
                return answer
        answer = self.pass_on(call)
        for rule in self.that_want(call, "answer"):
            rule.answer(answer)
        return answer

    def that_want(self, call, part):
        for rule in [rule for rule in self.rules if getattr(rule, part) and rule.wants(call)]:
            rule.hits += 1
            yield rule

    def pass_on(self, call):
        proof = self.proofs.setdefault(call.caller, internal.context(self.secrets / call.caller))
        headers = {name: value for name, value in call.headers.items() if name not in OWN}
        to = (proof, self.service)
        return web.request(self.target, call.method, call.path, call.body, headers, timeout=TIMEOUT, proof=to)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def get_request(self):
        connection, address = super().get_request()
        # The handshake is the handler's, in a thread of its own.
        return self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        """Connections break: whoever called was killed, or whoever was called."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.request.do_handshake()
        super().setup()

    def handle_one_request(self):
        with contextlib.suppress(*web.BROKEN):
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                self.converse()
                return
        self.close_connection = True

    def converse(self):
        caller = dict(self.connection.getpeercert()["subjectAltName"])["DNS"]
        headers = {name.lower(): value for name, value in self.headers.items()}
        between = self.server.between
        call = Call(caller, between.service, self.command, self.path, headers, self.body())
        try:
            answer = between.answer(call)
        except web.BROKEN:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            if name not in OWN:
                self.send_header(name, value)
        length = answer.headers.get("content-length", "0") if self.command == "HEAD" else len(answer.body)
        if answer.status not in (204, 304):
            self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer.body)

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)
        length = int(self.headers.get("content-length", 0))
        return self.rfile.read(length) if length else None
