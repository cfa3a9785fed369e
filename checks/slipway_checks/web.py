"""HTTP with nothing hidden: one request on one new connection, and the answer as it came."""

import contextlib
import dataclasses
import hashlib
import http.client
import json


@dataclasses.dataclass
class Answer:
    """What came back. `headers` has lower-case names; `body` is whole."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable `code` of a problem+json body, or None."""
        if "problem+json" not in self.headers.get("content-type", ""):
            return None
        return self.json().get("code")

    @property
    def sha256(self):
        return hashlib.sha256(self.body).hexdigest()

    def __str__(self):
        return f"{self.status} {self.body[:400].decode(errors='replace')}"


# What a client sees when a process dies under it.
BROKEN = (OSError, http.client.HTTPException)


class Proven(http.client.HTTPSConnection):
    """A connection on which the other end has to prove that it is the service `name`."""

    def __init__(self, host, port, timeout, context, name):
        super().__init__(host, port, timeout=timeout, context=context)
        self.context, self.name = context, name

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.context.wrap_socket(self.sock, server_hostname=self.name)


def request(address, method, path, body=None, headers=None, token=None, timeout=90, proof=None, source=None):
    """Sends one request to `address` (`host:port`) and reads the answer to its end.

    `body` is bytes, or an iterable of bytes when `headers` give its Content-Length or `Transfer-Encoding: chunked`. An
    answer that comes before the body is through is read all the same. `proof` is an SSL context and the service's name
    for a call between services; `source` is the address that the client has. Raises what is in `BROKEN` when the connection fails or ends early.
    """
    host, port = address.rsplit(":", 1)
    if proof:
        connection = Proven(host, int(port), timeout, *proof)
    else:
        connection = http.client.HTTPConnection(host, int(port), timeout=timeout, source_address=source and (source, 0))
    try:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        connection.connect()
        # The other side may answer without wanting the rest.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            chunked = "Transfer-Encoding" in sent
            connection.request(method, path, body=body, headers=sent, encode_chunked=chunked)
        response = connection.getresponse()
        content = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)
    finally:
        connection.close()


def request_json(address, method, path, value=None, headers=None, token=None, timeout=90):
    """The same with a JSON body."""
    sent = {"Content-Type": "application/json"} | (headers or {})
    body = b"" if value is None else json.dumps(value).encode()
    return request(address, method, path, body, sent, token, timeout)
