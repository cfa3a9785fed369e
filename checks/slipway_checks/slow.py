"""A request whose body a check sends piece by piece, with whatever happens in between."""

import contextlib
import http.client
import json

from . import web


class Slow:
    """One request on a connection of its own. Its head goes out at once; the body when it is told to.

    It is a context: the connection is closed at its end.
    """

    def __init__(self, address, method, path, length, headers=None, token=None, timeout=90):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
        self.connection.putrequest(method, path)
        sent = {"Content-Length": str(length)} | (headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        for name, value in sent.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, piece):
        # The other side may have answered already, without wanting the rest.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(piece)

    def answer(self):
        response = self.connection.getresponse()
        content = response.read()
        names = {name.lower(): value for name, value in response.getheaders()}
        return web.Answer(response.status, names, content)


def slow_json(address, method, path, value, token):
    """The same with a JSON body; returns the request and its two halves."""
    body = json.dumps(value).encode()
    middle = len(body) // 2
    headers = {"Content-Type": "application/json"}
    return Slow(address, method, path, len(body), headers, token), body[:middle], body[middle:]
