"""Drills of the disk: full, out of inodes, pages that flip, descriptors used up. Each begins a fault under load, looks at
what is answered meanwhile, ends it, and sees that everything goes on by itself.

While it lasts: 507 where something has to be written, 503 where it is slow, never 500, and what is read is there. After
it: ready within 10 s with nobody's hand, and everything that was acknowledged is there.
"""

import collections
import contextlib
import hashlib
import os
import pathlib
import resource
import sqlite3
import subprocess
import threading
import time

from . import fixtures, invariants, tus, web
from .developer import Developer, Publication
from .platform import SERVICES, Platform, answers_ready
from .visitor import Visitor

READY_WITHIN = 10
# What a write may be answered while a fault lasts; some have room in pages that are free.
WRITES = {200, 201, 202, 503, 507}
APP = "notes"
FILE = "notes.bin"
MIB = 1024**2


class Small:
    """A small file system that a platform's whole data folder lies on."""

    def __init__(self, check, name, options):
        self.check = check
        self.folder = check.folder / name
        self.folder.mkdir()
        self.ballast = self.folder / "ballast"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.folder]
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            check.skip("a small file system cannot be mounted here")

    def fill(self):
        """Takes every byte that is free."""
        with contextlib.suppress(OSError), self.ballast.open("ab", buffering=0) as file:
            for size in (MIB, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def use_inodes(self):
        """Makes empty files until no more can be made."""
        self.ballast.mkdir()
        with contextlib.suppress(OSError):
            for number in range(10**6):
                (self.ballast / str(number)).touch()

    def free(self):
        if self.ballast.is_dir():
            for path in self.ballast.iterdir():
                path.unlink()
            self.ballast.rmdir()
        else:
            self.ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def on_small_disk(check, name, options):
    """A platform on a small file system, which goes with it."""
    small = Small(check, name, options)
    # The reserve would refuse before the disk does, and it is the disk that is drilled.
    platform = Platform(check, name, settings={"SLIPWAY_UPLOAD__STORE__RESERVE_BYTES": "0"})
    try:
        yield small, platform.start()
    finally:
        small.free()
        platform.end()
        subprocess.run(["umount", "-l", small.folder], check=False)


class Load:
    """Developers and end users who go on whatever is answered, and count it. `reads` is what a read may be answered."""

    def __init__(self, platform, ledger, reads=(200,)):
        self.reads = reads
        self.check = platform.check
        self.platform = platform
        self.developer = Developer(platform)
        self.ledger = ledger
        self.statuses = collections.Counter()
        self.wrong = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.threads = []
        self.number = 0

    def start(self, reads):
        """`reads`: paths without a token that are answered with 200 whatever happens."""
        works = [self.publish, self.publish, self.upload_in_pieces, self.make_tokens]
        works += [lambda path=path: self.read(path) for path in reads]
        works += [lambda: self.read(f"/api/v1/apps/{APP}", self.developer.token)]
        self.threads = [threading.Thread(target=self.repeat, args=(work,), daemon=True) for work in works]
        for thread in self.threads:
            thread.start()

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(90)
        self.check.expect(not self.wrong, f"answers that must not be: {self.wrong[:3]} ({len(self.wrong)})")
        return ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))

    def repeat(self, work):
        while not self.over.is_set():
            work()
            self.over.wait(0.01)

    def note(self, answer, allowed, what):
        with self.lock:
            self.statuses[answer.status] += 1
            if answer.status not in allowed:
                self.wrong.append(f"{what}: {answer}")
        return answer

    def next(self):
        with self.lock:
            self.number += 1
            return self.number

    def publish(self):
        """One version, sent again until it is taken: then it counts."""
        version = f"2.{self.next()}.0"
        content = fixtures.made(self.check.random, 128 * 1024)
        while True:
            with contextlib.suppress(web.BROKEN):
                query = {"version": version, "channel": "stable", "platform": "linux"}
                answer = self.note(self.developer.put(APP, FILE, content, query), WRITES, "publish")
                if answer.status in (200, 201):
                    self.ledger.acknowledge(publication(version, content))
                if answer.status == 202:
                    self.ledger.acknowledge(publication(version, content))
                    return
                if answer.status not in (503, 507):
                    return
            # A version that was not taken is of no account when the drill is over.
            if self.over.wait(0.02):
                return

    def upload_in_pieces(self):
        """An upload of three pieces, which goes on at its offset."""
        token, address = self.developer.token, self.developer.address
        version = f"3.{self.next()}.0"
        content = fixtures.made(self.check.random, 96 * 1024)
        given = {"filename": FILE, "version": version, "channel": "stable", "platform": "linux"}
        path, offset = None, 0
        while offset < len(content):
            with contextlib.suppress(web.BROKEN):
                if path is None:
                    answer = self.note(tus.create(address, token, APP, len(content), **given), WRITES, "tus POST")
                    path = tus.path_of(answer) if answer.status == 201 else None
                else:
                    piece = content[offset : offset + 32 * 1024]
                    self.note(tus.patch(address, token, path, offset, piece), WRITES | {204, 409}, "tus PATCH")
                    offset = tus.offset(address, token, path) or offset
            if self.over.wait(0.02):
                if path is not None:
                    tus.end(address, token, path)
                return
        self.ledger.acknowledge(publication(version, content))

    def make_tokens(self):
        with contextlib.suppress(web.BROKEN):
            name = f"drill-{self.next()}"
            value = {"name": name, "scopes": ["read"]}
            answer = self.note(self.developer.call("POST", "/api/v1/tokens", value), WRITES, "POST tokens")
            if answer.status == 201:
                self.platform.issued[name] = answer.json()["token"]

    def read(self, path, token=None):
        with contextlib.suppress(web.BROKEN):
            self.note(web.request(self.developer.address, "GET", path, token=token, timeout=30), self.reads, path)


def publication(version, content):
    return Publication(APP, version, FILE, hashlib.sha256(content).hexdigest(), len(content))


def first_release(platform):
    developer = Developer(platform)
    developer.make_app(APP)
    return developer.publish(APP, "1.0.0", FILE, fixtures.made(platform.check.random), platform="linux")


def everybody_is_ready(platform, what):
    for instance in platform.all():
        answer = web.request(instance.admin, "GET", "/readyz", timeout=20)
        platform.check.equal(answer.status, 200, f"/readyz of {instance.service} with {what} ({answer})")


def goes_on(platform, ledger, version):
    """The seconds from the end of a fault until everybody is ready and a publish is through, without anybody's hand."""
    check, began = platform.check, time.monotonic()
    developer = Developer(platform)
    content = fixtures.made(check.random)

    def ready():
        return all(answers_ready(instance.admin) for instance in platform.all())

    def published():
        try:
            answer = developer.put(APP, FILE, content, {"version": version, "channel": "stable", "platform": "linux"})
        except web.BROKEN:
            return False
        return answer.status in (200, 201)

    check.until(READY_WITHIN, ready, "everybody is ready after the fault")
    took = time.monotonic() - began
    # A look that takes long may succeed after its time.
    check.expect(took <= READY_WITHIN, f"everybody was ready {took:.1f} s after the fault")
    check.until(READY_WITHIN, published, "a publish after the fault")
    ledger.acknowledge(publication(version, content))
    check.expect(all(instance.alive() for instance in platform.all()), "a process has ended")
    return time.monotonic() - began


def nothing_is_lost(platform, ledger):
    """Everything acknowledged is published in the end, with its bytes, and what was begun has left nothing behind."""
    developer = Developer(platform)
    for publication in list(ledger.acknowledged.values()):
        developer.until_published(publication.app, publication.version, 60)
    invariants.assert_all(platform, developer, ledger)
    return len(ledger.acknowledged)


# --- full and free ---------------------------------------------------------------------------------------------------


def full_and_free(check):
    """The disk is full, with publishes and uploads under way, and free again, twelve times over."""
    with on_small_disk(check, "full", "size=192m") as (small, platform):
        ledger = invariants.Ledger()
        published = first_release(platform)
        load = Load(platform, ledger)
        load.start([published.path, f"/keys/{APP}/minisign.pub"])
        slowest, refused = 0, 0
        for number in range(12):
            small.fill()
            refused += refused_for_want_of_room(load, check.count(short=0.1, long=3))
            everybody_is_ready(platform, "a full disk")
            Visitor(platform).fetch(published.path)
            small.free()
            slowest = max(slowest, goes_on(platform, ledger, f"4.{number}.0"))
        statuses = load.end()
        check.figure("disk full and free", f"12 times, {refused} times 507, no 500; answers {statuses}")
        check.figure("after a full disk, slowest", f"{slowest:.1f} s")
        check.figure("lost to a full disk", f"0 of {nothing_is_lost(platform, ledger)}")


def refused_for_want_of_room(load, seconds):
    """Waits until somebody was told that there is no room, and `seconds` more."""
    before = load.statuses[507]
    load.check.until(20, lambda: load.statuses[507] > before, "507 on a full disk")
    time.sleep(seconds)
    return load.statuses[507] - before


def inodes(check):
    """No file can be made, though there is room for bytes."""
    with on_small_disk(check, "inodes", "size=192m,nr_inodes=4k") as (small, platform):
        ledger = invariants.Ledger()
        published = first_release(platform)
        load = Load(platform, ledger)
        load.start([published.path])
        for number in range(check.count(short=1, long=12)):
            small.use_inodes()
            refused_for_want_of_room(load, 0.3)
            everybody_is_ready(platform, "no inode left")
            small.free()
            seconds = goes_on(platform, ledger, f"4.{number}.0")
        statuses = load.end()
        check.figure("inodes used up", f"507, no 500; answers {statuses}; ready and publishing after {seconds:.1f} s")
        nothing_is_lost(platform, ledger)


# --- descriptors -----------------------------------------------------------------------------------------------------


def descriptors(check, platform):
    """Processes have no descriptor left, and have them again: all at once, and each alone with full counts."""
    ledger = invariants.Ledger()
    published = first_release(platform)
    # Whoever is out of descriptors may be out of them for reads too, and says so.
    load = Load(platform, ledger, reads=(200, 503))
    load.start([published.path])
    rounds = [SERVICES, *([service] for service in SERVICES * check.count(short=0, long=12))]
    slowest = 0
    for number, services in enumerate(rounds):
        with no_descriptors(check, [platform.one(service) for service in services]):
            time.sleep(check.count(short=0.5, long=2))
        slowest = max(slowest, goes_on(platform, ledger, f"5.{number}.0"))
    statuses = load.end()
    check.figure("descriptors used up", f"{len(rounds)} times, no 500; answers {statuses}; slowest {slowest:.1f} s")
    check.figure("lost to it", f"0 of {nothing_is_lost(platform, ledger)}")


@contextlib.contextmanager
def no_descriptors(check, instances):
    limits = [resource.prlimit(instance.pid, resource.RLIMIT_NOFILE) for instance in instances]
    for instance, (soft, hard) in zip(instances, limits, strict=True):
        check.equal(soft, hard, "the soft limit of descriptors, which a process raises at its start")
        used = len(os.listdir(f"/proc/{instance.pid}/fd"))
        resource.prlimit(instance.pid, resource.RLIMIT_NOFILE, (used, hard))
    yield
    for instance, limit in zip(instances, limits, strict=True):
        resource.prlimit(instance.pid, resource.RLIMIT_NOFILE, limit)


# --- flipped pages ---------------------------------------------------------------------------------------------------


def flipped_pages(check, platform):
    """A page of each service's database flips while the service is down, then the good file is put back."""
    developer = Developer(platform)
    content = fixtures.made(check.random)
    published = developer.publish(APP, "6.0.0", FILE, content, platform="linux")
    package = developer.release(APP, "6.0.0")["packages"][0]
    # Nothing outside asks signing.
    asked = {
        "catalog": f"/api/v1/apps/{APP}",
        "upload": f"/api/v1/apps/{APP}/packages/{package['id']}",
        "download": published.path,
        "signing": None,
    }
    good = {}
    for service in asked:
        database = platform.data / service / f"{service}.db"
        platform.stop(service)
        check.expect(not pathlib.Path(f"{database}-wal").exists(), f"SIGTERM leaves {service}'s log beside its database")
        good[database] = database.read_bytes()
    rounds = check.count(short=1, long=12)
    for _ in range(rounds):
        begun = {}
        for (service, path), (database, content) in zip(asked.items(), good.items(), strict=True):
            write(database, flipped(content, check.random.randrange(len(content) // 4096)))
            begun[service] = platform.begin(service)
            damage_is_told(platform, begun[service], database, path)
        for (service, process, _), (database, content) in zip(begun.values(), good.items(), strict=True):
            write(database, content)
            # Whoever supervises it starts it again.
            check.equal(process.wait(15), 0, f"exit code of {service} when its database is whole again")
    for service in asked:
        platform.start_one(service)
    flipped_beneath(platform, published, good[platform.data / "download" / "download.db"])
    developer.publish(APP, "6.0.1", FILE, fixtures.made(check.random), platform="linux")
    Visitor(platform).prove(published)
    told = "503 naming the file, and whole again with the good one"
    check.figure("flipped pages", f"{rounds} in each of {len(asked)} databases: {told}")


def flipped_beneath(platform, published, good):
    """Pages flip while download uses them: what it holds in memory is right, and what it stumbles over is told."""
    check, download = platform.check, platform.one("download")
    database = platform.data / "download" / "download.db"
    with database.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(byte ^ 0xFF for byte in good[4096:]))
    # It begins to read the file anew when somebody else has written to it.
    write_one_page(database)

    def told():
        answer = web.request(platform.gateway, "GET", published.path)
        check.expect(answer.status in (200, 503), f"out of a database whose pages flip ({answer})")
        return answer.code == "database_damaged"

    check.until(20, told, "503 after a page has flipped beneath download")
    answer = web.request(download.admin, "GET", "/readyz")
    check.equal((answer.status, str(database) in answer.json()["detail"]), (503, True), "/readyz naming the database")
    write(database, good)
    check.equal(download.process.wait(15), 0, "exit code of download when its database is whole again")
    platform.instances["download"].remove(download)
    platform.start_one("download")


def write_one_page(database):
    with contextlib.closing(sqlite3.connect(database, timeout=10)) as connection, contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


def flipped(good, page):
    begin, end = page * 4096, (page + 1) * 4096
    return good[:begin] + bytes(byte ^ 0xFF for byte in good[begin:end]) + good[end:]


def write(path, content):
    """A file in another's place, with nothing of the other's beside it."""
    for beside in (f"{path}-wal", f"{path}-shm"):
        pathlib.Path(beside).unlink(missing_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.replace(path)


def damage_is_told(platform, begun, database, path):
    """By the log with the whole path, and to whoever asks, by 503 with the file's name; never by 401 or 404."""
    check = platform.check
    service, process, log = begun
    check.until(10, lambda: str(database) in log.read_text(errors="replace"), f"{database} named in {log}")

    def answered():
        answer = web.request(platform.gateway, "GET", path, token=platform.admin_token())
        check.equal(answer.status, 503, f"GET {path} of a damaged database ({answer})")
        return answer.code == "database_damaged" and f"{service}/{database.name}" in answer.json()["detail"]

    if path:
        check.until(10, answered, f"503 naming {service}/{database.name}")
    check.expect(process.poll() is None, f"{service} has ended with a damaged database")
