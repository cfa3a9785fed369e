"""Visitors who never stop, each time over a new connection: what is refused, cut off or other than published is counted."""

import threading

from . import web


class Visits:
    """Several visitors that fetch `paths` (path to SHA-256, None where any answer will do) until `end`."""

    def __init__(self, address, paths, visitors=3):
        self.address = address
        self.paths = list(paths.items())
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.done = 0
        self.refused, self.failed = [], []
        self.visitors = [threading.Thread(target=self.visit, args=(number,), daemon=True) for number in range(visitors)]
        for visitor in self.visitors:
            visitor.start()

    def visit(self, number):
        while not self.over.is_set():
            number += 1
            path, digest = self.paths[number % len(self.paths)]
            refused, failure = self.fetch(path, digest)
            with self.lock:
                self.done += 1
                self.refused += refused
                self.failed += failure

    def fetch(self, path, digest):
        try:
            answer = web.request(self.address, "GET", path)
        except ConnectionRefusedError as error:
            return [f"{path}: {error}"], []
        except web.BROKEN as error:
            return [], [f"{path}: {error!r}"]
        if answer.status != 200 or digest not in (None, answer.sha256):
            return [], [f"{path}: {answer}"]
        return [], []

    def more(self, check, count):
        """Waits until so many more have been answered."""
        wanted = self.done + count
        check.until(120, lambda: self.done >= wanted, "the visitors go on")

    def end(self):
        self.over.set()
        for visitor in self.visitors:
            visitor.join(90)
