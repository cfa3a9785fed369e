"""An end user who never stops asking: whatever is served has to be proven."""

import threading

from . import minisign, web


class Poller(threading.Thread):
    """An end user who asks for the newest files all the time, and proves whatever is served."""

    def __init__(self, platform, ledger):
        super().__init__(daemon=True)
        self.address = platform.gateway
        self.ledger = ledger
        self.watched = []
        self.unproven = []
        self.polls = 0
        self.proven = 0
        self.known = set()
        self.over = threading.Event()

    def watch(self, path):
        self.watched = [path, *self.watched[:1]]

    def run(self):
        while not self.over.is_set():
            for path in self.watched:
                try:
                    self.poll(path)
                except web.BROKEN:
                    continue
            self.over.wait(0.01)

    def poll(self, path):
        self.polls += 1
        file = web.request(self.address, "GET", path)
        if file.status != 200:
            if file.status not in (404, 502, 503, 504):
                self.unproven.append(f"{path}: {file.status}")
            return
        app = path.split("/")[2]
        signature, key = self.sure(path + ".minisig"), self.sure(f"/keys/{app}/minisign.pub")
        if None in (signature, key):
            return
        seen = (path, file.sha256, signature.body, key.body)
        if seen in self.known:
            return
        if signature.status != 200 or not minisign.accepts(file.body, signature.body, key.body):
            self.unproven.append(f"{path}: signature {signature.status}")
            return
        self.known.add(seen)
        self.proven += 1
        self.ledger.saw(path, file.sha256, signature.body)

    def sure(self, path):
        """Asks until somebody answers: a process killed in between proves nothing. None when the check is over."""
        while not self.over.is_set():
            try:
                answer = web.request(self.address, "GET", path)
            except web.BROKEN:
                answer = None
            if answer is not None and answer.status not in (502, 503, 504):
                return answer
            self.over.wait(0.02)
        return None

    def end(self):
        self.over.set()
        self.join(30)
