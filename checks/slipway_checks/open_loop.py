"""Clients in an open loop: each request begins at its time, however long those before it take, so that nobody is spared."""

import asyncio
import dataclasses
import datetime
import hashlib
import itertools
import json
import threading
import time
import uuid

from .exchange import Connection, Lost

MIB = 1 << 20
SIZE = 50 * MIB
EVENTS = "/hello/events?every=0.1&count=40"
# Seconds from one request to the next of its kind: what two cores carry beside sixteen processes.
SMALL, POST, UPLOAD, DOWNLOAD, STREAM = 1 / 12, 2, 10, 5, 3
# A client that may repeat does so for so long.
AGAIN_FOR, PAUSE = 30, 0.2


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One request that is over. `failure` is in words; `lost` are the moments at which its connections ended under it."""

    kind: str
    begun: float
    ended: float
    failure: str | None
    lost: tuple

    @property
    def took(self):
        return self.ended - self.begun

    def __str__(self):
        return f"{self.kind}: {self.failure} (begun {self.begun:.2f}, took {self.took:.2f} s)"


class OpenLoop:
    """Clients of the address `address` until `end`.

    `small` are GETs: the kind under which each is judged, path, headers, SHA-256 of the answer or None. `large` is a download:
    path and SHA-256. With `token` there are POSTs with idempotency keys and uploads too, with `events` streams.

    A GET on a connection that was used before, and ended before a byte of the answer, is asked again (RFC 9112, 9.3.1); that is
    counted. All else is asked once, but for the time in which clients are `patient`: then a GET whose connection ended is asked
    again, a download goes on where it was (Range, If-Range), a POST that was not answered is sent again under its key, and a
    stream is gone on with by `Last-Event-ID`. Each `lost` connection is kept for the check to judge.

    While `answer_within` is set, a GET that has no answer after so many seconds is asked again on a new connection; that is
    counted, and the time of both is its time.
    """

    def __init__(self, address, small, large, token=None, events=False, content=b""):
        self.address, self.small, self.large, self.token, self.events = address, small, large, token, events
        self.content = content
        self.patient = False
        self.lock = threading.Lock()
        self.over_with, self.under_way = [], {}
        self.kept_lost = 0
        self.answer_within, self.unanswered = None, 0
        # What was acknowledged: POSTs by slug, uploads by version, to SHA-256.
        self.made, self.stored = set(), {}
        self.kept = []
        self.numbers = itertools.count(1)
        self.over = None
        self.started = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.main()), daemon=True)
        self.thread.start()
        self.started.wait(10)

    async def main(self):
        self.over, self.loop, self.tasks = asyncio.Event(), asyncio.get_running_loop(), set()
        self.started.set()
        small = itertools.cycle(self.small)
        pacers = [self.paced(SMALL, lambda: self.read(*next(small))), self.paced(DOWNLOAD, self.download)]
        if self.token:
            pacers += [self.paced(POST, self.post), self.paced(UPLOAD, self.upload)]
        if self.events:
            pacers.append(self.paced(STREAM, self.stream))
        await asyncio.gather(*pacers)
        await asyncio.gather(*self.tasks)

    async def paced(self, every, act):
        due = time.monotonic()
        while not self.over.is_set():
            task = asyncio.create_task(self.judge(act(), due))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
            due += every
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def judge(self, act, begun):
        """`act` is an asynchronous function of a list of lost moments; it returns its kind and what was wrong."""
        kind, acting = act
        number, lost = next(self.numbers), []
        with self.lock:
            self.under_way[number] = begun
        try:
            failure = await acting(lost)
        except (Lost, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            lost.append(time.monotonic())
            failure = repr(error)
        except Exception as error:  # noqa: BLE001 - a client that breaks is a failure too, and says how
            failure = f"the client broke: {error!r}"
        with self.lock:
            del self.under_way[number]
            self.over_with.append(Outcome(kind, begun, time.monotonic(), failure, tuple(lost)))

    # What clients do

    def read(self, kind, path, headers, digest):
        return kind, lambda lost: self.get(path, headers, digest, lost)

    async def get(self, path, headers, digest, lost):
        """Each second one over a connection that is kept."""
        begun = time.monotonic()
        fresh = next(self.numbers) % 2
        while True:
            connection = Connection(self.address) if fresh else self.kept_connection()
            used = connection.asked
            try:
                answer = await asyncio.wait_for(connection.ask("GET", path, headers), self.answer_within)
                break
            except TimeoutError:
                if not self.answer_within:
                    raise
                self.unanswered += 1
                fresh = True
            except (Lost, OSError) as error:
                no_byte = not isinstance(error, Lost) or error.received is None
                if used and no_byte:
                    self.kept_lost += 1
                    fresh = True
                elif self.patient and time.monotonic() < begun + AGAIN_FOR:
                    lost.append(time.monotonic())
                else:
                    raise
        if fresh:
            connection.close()
        elif connection.is_open():
            self.kept.append(connection)
        if answer.status != 200 or (digest and answer.digest.hexdigest() != digest):
            return f"GET {path}: {answer}"
        return None

    def kept_connection(self):
        while self.kept:
            connection = self.kept.pop(0)
            if connection.is_open():
                return connection
        return Connection(self.address)

    def download(self):
        return "download", self.fetch

    async def fetch(self, lost):
        path, digest = self.large
        made, size, etag = hashlib.sha256(), 0, None
        while True:
            headers = {"Range": f"bytes={size}-", "If-Range": etag} if etag else {}
            connection = Connection(self.address)
            try:
                answer = await connection.ask("GET", path, headers, digest=made)
            except Lost as error:
                if not self.patient:
                    raise
                lost.append(time.monotonic())
                if error.received:
                    if error.received.status != (206 if etag else 200):
                        return f"GET {path}: {error.received}"
                    size, etag = size + error.received.size, etag or error.received.headers["etag"]
                    etag = etag if size else None
                continue
            connection.close()
            size += answer.size
            wanted = 206 if etag else 200
            right = answer.status == wanted and made.hexdigest() == digest
            return None if right else f"GET {path} from {size - answer.size}: {answer}, {size} bytes in all"

    def post(self):
        return "POST", self.make

    async def make(self, lost):
        """An app, made under a key."""
        begun = time.monotonic()
        slug = f"p{next(self.numbers)}-{uuid.uuid4().hex[:8]}"
        body = json.dumps({"slug": slug, "name": "Made once"}).encode()
        headers = self.bearer() | {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        while True:
            try:
                connection = Connection(self.address)
                answer = await connection.ask("POST", "/api/v1/apps", headers, body)
                connection.close()
                if answer.status == 201:
                    self.made.add(slug)
                    return None
                failure = f"POST {slug}: {answer}"
                if answer.status < 500:
                    return failure
            except (Lost, OSError) as error:
                failure = f"POST {slug}: {error!r}"
            if not self.patient or time.monotonic() > begun + AGAIN_FOR:
                return failure
            lost.append(time.monotonic())
            await asyncio.sleep(PAUSE)

    def upload(self):
        return "upload", self.publish

    async def publish(self, _lost):
        """A release of 50 MiB, sent once."""
        version = f"{next(self.numbers)}.0.0"
        body = version.encode().ljust(64) + self.content
        digest = await asyncio.to_thread(lambda: hashlib.sha256(body).hexdigest())
        path = f"/api/v1/apps/large/packages/large.bin?version={version}&channel=beta&platform=any"
        connection = Connection(self.address)
        answer = await connection.ask("PUT", path, self.bearer(), body)
        connection.close()
        if answer.status not in (200, 201, 202):
            return f"PUT {version}: {answer}"
        self.stored[version] = digest
        return None

    def stream(self):
        return "events", self.follow

    async def follow(self, lost):
        """As a browser does: it comes back with the number of the last event that it has, and none may lack or come twice."""
        last = -1
        count = int(EVENTS.rsplit("=", 1)[1])
        for _ in range(8):
            buffer = bytearray()
            connection = Connection(self.address)
            headers = {"Last-Event-ID": str(last)} if last >= 0 else {}
            failure = None
            try:
                answer = await connection.ask("GET", EVENTS, headers, each=buffer.extend)
                if answer.status != 200:
                    return f"GET {EVENTS} from {last}: {answer}"
            except Lost as error:
                if not self.patient:
                    return f"events from {last}: {error!r}"
                lost.append(time.monotonic())
                failure = error
            connection.close()
            whole = bytes(buffer).rpartition(b"\n\n")[0]
            for event in whole.split(b"\n\n") if whole else ():
                number = int(event.split()[1])
                if number != last + 1:
                    return f"event {number} after {last}"
                last = number
            if last == count - 1:
                return None
            await asyncio.sleep(PAUSE)
        return f"{last + 1} of {count} events in 8 streams: {failure!r}"

    def bearer(self):
        return {"Authorization": f"Bearer {self.token}"}

    # What the check sees

    def outcomes(self, check, begun, ended):
        """Those that were begun in this time, once all of them are over."""

        def over():
            with self.lock:
                return not any(begun <= each < ended for each in self.under_way.values())

        check.until(2 * 70, over, "all requests are over")
        with self.lock:
            return [each for each in self.over_with if begun <= each.begun < ended]

    def end(self, log=None):
        """Ends the load; what failed goes to the file `log`, each with its moment by the clock of the services' logs."""
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(2 * 70)
        if log:
            offset = time.time() - time.monotonic()
            clock = lambda moment: datetime.datetime.fromtimestamp(moment + offset, datetime.UTC).isoformat()  # noqa: E731
            failed = [f"{clock(each.begun)} {clock(each.ended)} {each}" for each in self.over_with if each.failure]
            log.write_text("".join(f"{line}\n" for line in failed))
