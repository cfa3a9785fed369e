#!/usr/bin/env python3
"""A service of an operator's own, of Python's standard library alone: a page, a stream of events, and a WebSocket.

    slipway init --data DIR --service hello
    hello.py --data DIR

and in the settings of the gateway a route from `/hello/**` to `hello`, beside those of the platform.
"""

import base64
import hashlib
import pathlib
import struct
import sys
import threading
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from slipway_instance import Instance, arguments  # noqa: E402 - it lies beside this folder

MOST_BODY = 1 << 20
MOST_MESSAGE = 1 << 20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


def answer(request):
    """Answers what the gateway asks. The path is what the client asked for, with the prefix of the route."""
    page = {"/hello": greet, "/hello/echo": echo, "/hello/events": events, "/hello/socket": socket}.get(request.place)
    if page is None:
        return request.problem(404, "not_found", "there is nothing at this address: check its spelling")
    return page(request)


def greet(request):
    client = request.headers.get("x-slipway-client")
    request.reply(200, {"hello": client, "instance": request.instance.id}, {"Cache-Control": "no-store"})


def echo(request):
    if request.command != "POST":
        return request.problem(405, "method_not_allowed", "send it by POST", {"Allow": "POST"})
    body = request.body(MOST_BODY)
    if body is not None:
        kind = request.headers.get("content-type", "application/octet-stream")
        request.reply(200, body, {"X-Content-Type-Options": "nosniff"}, kind)


def events(request):
    """`?every=SECONDS&count=N`: a number again and again. It ends when this instance drains; a browser comes back by itself
    and says in `Last-Event-ID` what it has (HTML, 9.2)."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query))
    every, count = max(0.01, float(query.get("every", 1))), int(query.get("count", 2**31))
    first = int(request.headers.get("last-event-id", -1)) + 1
    request.begin(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "Transfer-Encoding": "chunked"})
    for number in range(first, count):
        event = f"id: {number}\ndata: {number}\n\n".encode()
        request.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        if number + 1 < count and request.instance.draining.wait(every):
            break
    request.wfile.write(b"0\r\n\r\n")


def socket(request):
    """The server's side of RFC 6455: what comes goes back."""
    headers = request.headers
    key, version = headers.get("sec-websocket-key", ""), headers.get("sec-websocket-version")
    if headers.get("upgrade", "").lower() != "websocket" or version != "13" or not key:
        return request.problem(426, "upgrade_required", "speak WebSocket, version 13", {"Sec-WebSocket-Version": "13", "Upgrade": "websocket", "Connection": "Upgrade"})
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
    request.begin(101, {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept})
    request.close_connection = True
    WebSocket(request.connection, request.instance.draining).echo()


class WebSocket:
    """Frames of RFC 6455, 5.2, on a connection that was agreed upon."""

    CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
    GOING_AWAY, PROTOCOL_ERROR, TOO_BIG = 1001, 1002, 1009

    def __init__(self, connection, leaving: threading.Event):
        self.connection, self.leaving, self.buffer = connection, leaving, bytearray()
        # One thread reads and writes: a TLS connection is nothing for two. So it looks up now and then.
        connection.settimeout(0.2)

    def echo(self):
        message, kind = bytearray(), None
        try:
            while True:
                last, code, payload = self.frame()
                if code == self.CLOSE:
                    return self.send(self.CLOSE, payload[:2])
                if code == self.PING:
                    self.send(self.PONG, payload)
                elif code in (self.TEXT, self.BINARY, self.CONTINUATION):
                    if (code == self.CONTINUATION) != (kind is not None):
                        raise Closes(self.PROTOCOL_ERROR)
                    kind, message = kind or code, message + payload
                    if len(message) > MOST_MESSAGE:
                        raise Closes(self.TOO_BIG)
                    if last:
                        self.send(kind, message)
                        message, kind = bytearray(), None
                elif code != self.PONG:
                    raise Closes(self.PROTOCOL_ERROR)
        except Closes as closes:
            self.send(self.CLOSE, struct.pack(">H", closes.args[0]))

    def frame(self):
        """The next frame: whether it is the last of its message, its code and its payload."""
        first, second = self.take(2)
        code, length = first & 0x0F, second & 0x7F
        # What a client sends is masked; extensions were not agreed on; control frames are short and whole.
        if not second & 0x80 or first & 0x70 or (code >= self.CLOSE and (length > 125 or not first & 0x80)):
            raise Closes(self.PROTOCOL_ERROR)
        if length >= 126:
            size, form = (2, ">H") if length == 126 else (8, ">Q")
            (length,) = struct.unpack(form, self.take(size))
        if length > MOST_MESSAGE:
            raise Closes(self.TOO_BIG)
        mask, payload = self.take(4), self.take(length)
        mask = (mask * (length // 4 + 1))[:length]
        return bool(first & 0x80), code, (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(length, "big")

    def take(self, size):
        while len(self.buffer) < size:
            try:
                received = self.connection.recv(1 << 16)
            except TimeoutError:
                if self.leaving.is_set():
                    raise Closes(self.GOING_AWAY) from None
                continue
            if not received:
                raise ConnectionResetError("it ended in the middle of a frame")
            self.buffer += received
        taken, self.buffer = bytes(self.buffer[:size]), self.buffer[size:]
        return taken

    def send(self, code, payload):
        length = len(payload)
        head = bytes([0x80 | code]) + (
            bytes([length]) if length < 126 else struct.pack(">BH", 126, length) if length < 1 << 16 else struct.pack(">BQ", 127, length)
        )
        # A client that reads nothing of what it asked for loses its connection.
        self.connection.settimeout(30)
        self.connection.sendall(head + payload)
        self.connection.settimeout(0.2)


class Closes(Exception):
    """The connection is closed with this code (RFC 6455, 7.4.1)."""


if __name__ == "__main__":
    Instance(arguments(__doc__.splitlines()[0]).parse_args(), "hello", answer).run()
