"""One request after another on one connection, for clients of which thousands are under way at a time (asyncio)."""

import asyncio
import dataclasses
import hashlib

# What is read or written at a time.
PIECE = 1 << 18
WITHIN = 70


class Lost(Exception):
    """The connection ended before the answer did. `received` is what came of its body, None where no byte of it came."""

    def __init__(self, words, received=None):
        super().__init__(words)
        self.received = received


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    # Of the body: the first bytes, its length and its digest.
    start: bytes = b""
    size: int = 0
    digest: object = None

    def __str__(self):
        return f"{self.status} {self.start[:200].decode(errors='replace')}"


class Connection:
    """A connection of a client; `asked` says how often it was used."""

    def __init__(self, address):
        self.host, self.port = address.rsplit(":", 1)
        self.reader = self.writer = None
        self.asked = 0

    def is_open(self):
        """Whether it can be used again, as far as the other end has said by now."""
        return self.writer is not None and not self.reader.at_eof() and not self.writer.is_closing()

    async def ask(self, method, path, headers=None, body=b"", each=None, digest=None):
        """The answer, once all of it is here. `each` gets every piece of its body; `digest` is gone on with."""
        try:
            async with asyncio.timeout(WITHIN):
                if self.writer is None:
                    self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port), limit=1 << 20)
                self.asked += 1
                await self.send(method, path, headers or {}, body)
                answer = await self.head()
                answer.digest = digest or hashlib.sha256()
                if method != "HEAD":
                    await self.body(answer, each)
                if answer.headers.get("connection") == "close":
                    self.close()
                return answer
        except BaseException:
            self.close()
            raise

    async def send(self, method, path, headers, body):
        fields = {"Host": f"{self.host}:{self.port}", **headers}
        if body or method in ("POST", "PUT"):
            fields["Content-Length"] = len(body)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            self.writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
            for start in range(0, len(body), PIECE):
                self.writer.write(body[start : start + PIECE])
                await self.writer.drain()
        except ConnectionError:
            pass  # there may be an answer all the same

    async def head(self):
        try:
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Lost(f"no answer: {error!r}") from None
        fields = [line.split(":", 1) for line in lines[1:] if line]
        return Answer(int(lines[0].split()[1]), {name.lower(): value.strip() for name, value in fields})

    async def body(self, answer, each):
        def take(piece):
            answer.digest.update(piece)
            answer.size += len(piece)
            answer.start = answer.start or piece[:500]
            if each:
                each(piece)

        try:
            if answer.headers.get("transfer-encoding") == "chunked":
                while size := int((await self.reader.readline()).split(b";")[0] or b"?", 16):
                    take((await self.reader.readexactly(size + 2))[:-2])
                await self.reader.readexactly(2)
                return
            left = 0 if answer.status in (204, 304) else int(answer.headers["content-length"])
            while left:
                piece = await self.reader.read(min(left, PIECE))
                if not piece:
                    raise ConnectionError("it ended")
                take(piece)
                left -= len(piece)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError) as error:
            raise Lost(f"cut off after {answer.size} bytes of its body: {error!r}", answer) from None

    def close(self):
        if self.writer is not None:
            self.writer.transport.abort()
