"""Clients that never stop: reads, and requests that may change something, on connections that are kept."""

import http.client
import json
import threading
import time

from . import web

WORKERS = 6
# Between two requests of one client.
PAUSE = 0.005


class Load:
    """Requests through the gateway until `end`. A POST that the service refuses is answered; nobody may repeat it."""

    def __init__(self, address, token, path):
        self.address = address
        self.read = ("GET", path, None, {}, 200)
        body = json.dumps({"slug": "notes", "name": "Notes"}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.write = ("POST", "/api/v1/apps", body, headers, 409)
        self.kinds = [self.read, self.write]
        self.lock = threading.Lock()
        self.done = 0
        self.failed = []
        self.times = []
        self.over, self.going = threading.Event(), threading.Event()
        self.going.set()
        self.workers = [threading.Thread(target=self.work, args=(number,), daemon=True) for number in range(WORKERS)]
        for worker in self.workers:
            worker.start()

    @property
    def failures(self):
        with self.lock:
            return [words for _, words in self.failed]

    def forgive(self, before):
        """Forgets the failures of requests that were begun before this moment."""
        with self.lock:
            self.failed = [(begun, words) for begun, words in self.failed if begun >= before]

    def slow(self, seconds):
        """When the requests of the last minute were begun that took longer than this."""
        with self.lock:
            return [begun for begun, took in self.times if took > seconds]

    def p99(self):
        """Seconds that a request took, by what is remembered."""
        with self.lock:
            times = sorted(took for _, took in self.times)
        return times[min(len(times) - 1, len(times) * 99 // 100)]

    def only_reads(self):
        self.kinds = [self.read]

    def run_for(self, seconds):
        time.sleep(seconds)

    def pause(self):
        self.going.clear()
        time.sleep(0.5)

    def go(self):
        self.going.set()

    def end(self):
        self.over.set()
        self.going.set()
        for worker in self.workers:
            worker.join(60)

    def work(self, number):
        connection = None
        while not self.over.is_set():
            if not self.going.is_set():
                # The gateway ends a connection that is not used for long.
                connection = None
                self.going.wait()
            kind = self.kinds[number % len(self.kinds)]
            number += 1
            begun = time.monotonic()
            connection = connection or self.connect()
            failure = self.ask(connection, *kind)
            if failure:
                connection.close()
                connection = None
            self.note(begun, failure and f"{kind[0]} {kind[1]}: {failure}")
            time.sleep(PAUSE)

    def connect(self):
        host, port = self.address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=60)

    def ask(self, connection, method, path, body, headers, wanted):
        """What was wrong with the answer, in words."""
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except web.BROKEN as error:
            return repr(error)
        return None if answer.status == wanted else f"{answer.status} {content[:200].decode(errors='replace')}"

    def note(self, begun, failure):
        now = time.monotonic()
        with self.lock:
            self.done += 1
            self.times.append((begun, now - begun))
            if len(self.times) > 50_000:
                self.times = [entry for entry in self.times if entry[0] > now - 60]
            if failure:
                self.failed.append((begun, failure))
