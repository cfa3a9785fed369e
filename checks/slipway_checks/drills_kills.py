"""Drills with kills: one long job that is killed again and again and goes forward, and one poison among good ones."""

import contextlib
import sqlite3
import subprocess
import threading
import time

from . import Developer, Platform, fixtures, invariants, web
from .publisher import Publish

APP = "notes"
READY_WITHIN = 10
# A killed catalog's lease ends soon, and the pauses of a suspected job are short: the rule is the same.
SETTINGS = {
    "SLIPWAY_CATALOG__JOBS__LEASE_SECONDS": "1",
    "SLIPWAY_CATALOG__JOBS__ALONE_PAUSE_MILLIS": "200",
}


def kills(check):
    platform = Platform(check, "kills", SETTINGS).start(instances={"catalog": 2})
    developer = Developer(platform)
    developer.make_app(APP)
    ledger = invariants.Ledger()
    one_long_job(check, platform, developer, ledger)
    poison_among_good_ones(check, platform, developer, ledger)
    check.figure("after the kills", invariants.assert_all(platform, developer, ledger))
    check.figure("lost", f"0 of {len(ledger.acknowledged)}")
    platform.end()


def rows(platform, sql):
    """What the catalog's database answers, while the catalog runs: a list of tuples of texts."""
    url = platform.settings.get("SLIPWAY_CATALOG__DATABASE__URL")
    if url:
        command = ["psql", "--quiet", "--no-align", "--tuples-only", "--field-separator=|", url, "--command", sql]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return [tuple(line.split("|")) for line in done.stdout.splitlines()]
    path = platform.data / "catalog" / "catalog.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
        return [tuple(str(value) for value in row) for row in database.execute(sql)]


def kill_and_restart(check, platform, instance):
    """kill -9 of a catalog and another in its place, which has to be ready in time."""
    platform.kill("catalog", instance)
    began = time.monotonic()
    platform.start_one("catalog")
    took = time.monotonic() - began
    check.expect(took < READY_WITHIN, f"a catalog was ready {took:.1f} s after its start")


def holder(platform, release):
    """The catalog that has the lease of a release's job, if one that runs has it."""
    found = rows(platform, f"SELECT lease_owner FROM jobs WHERE subject = '{release}' AND lease_owner IS NOT NULL")
    return running(platform, found[0][0]) if found else None


def running(platform, owner):
    """The catalog that runs and has leased a job as `owner`, an instance and the number of its worker."""
    return next((instance for instance in platform.instances["catalog"] if instance.id == owner.split("/")[0]), None)


def one_long_job(check, platform, developer, ledger):
    """A release of many files: whoever works on it is killed after each step forward, more often than a job may end
    processes, and it is published all the same."""
    files = check.count(short=8, long=24)
    publications = []
    for number in range(files):
        content = fixtures.made(check.random, 4 * 1024 * 1024)
        query = {"version": "1.0.0", "platform": "linux"}
        answer = developer.put(APP, f"part-{number}.bin", content, query)
        developer.expect(answer, (200, 201), "a part of the long release")
        publications.append(answer.json()["package"])
    body = {"version": "1.0.0", "channel": "stable"}
    answer = developer.call("POST", f"/api/v1/apps/{APP}/releases", body, {"Prefer": "wait=0"})
    developer.expect(answer, (201, 202), "publish the long release")
    release = rows(platform, "SELECT id FROM releases WHERE version = '1.0.0'")[0][0]
    look = (
        f"SELECT state, (SELECT count(signature) + count(proven) FROM packages WHERE release_id = releases.id),"
        f" (SELECT lease_owner FROM jobs WHERE subject = releases.id) FROM releases WHERE id = '{release}'"
    )
    killed = seen = 0
    deadline = time.monotonic() + 20 * files
    while time.monotonic() < deadline:
        state, done, owner = rows(platform, look)[0]
        if state not in ("signing", "verifying"):
            break
        worker = running(platform, owner)
        if int(done) > seen and worker is not None and killed < check.count(short=4, long=100):
            seen = int(done)
            kill_and_restart(check, platform, worker)
            killed += 1
        time.sleep(0.002)
    developer.until_published(APP, "1.0.0", 30)
    check.expect(killed >= 3, f"only {killed} kills came into the long job")
    check.figure("kills in one long job, with a step forward between", f"{killed}, published")
    for package in publications:
        answer = web.request(platform.gateway, "GET", f"/d/{APP}/1.0.0/{package['filename']}")
        check.equal(answer.sha256, package["sha256"], "a file of the long release")


class Poison(threading.Thread):
    """Ends every process that works on one release, as a job would that is fatal for whoever does it."""

    def __init__(self, check, platform, release):
        super().__init__(daemon=True)
        self.check, self.platform, self.release = check, platform, release
        self.killed = 0
        self.problem = None
        self.over = threading.Event()

    def run(self):
        try:
            while not self.over.is_set():
                worker = holder(self.platform, self.release)
                if worker is None:
                    time.sleep(0.002)
                    continue
                kill_and_restart(self.check, self.platform, worker)
                self.killed += 1
        except Exception as error:  # noqa: BLE001 - told by end()
            self.problem = error

    def end(self):
        self.over.set()
        self.join(60)
        if self.problem:
            raise self.problem


def poison_among_good_ones(check, platform, developer, ledger):
    """Every process that works on one release dies. It is given up for what it did alone, the good ones are published,
    and when it is fatal no more it can be retried."""
    content = fixtures.made(check.random, check.count(short=16, long=64) * 1024 * 1024)
    query = {"version": "9.0.0", "platform": "linux"}
    developer.expect(developer.put(APP, "poison.bin", content, query), (200, 201), "the poison's package")
    release = rows(platform, "SELECT id FROM releases WHERE version = '9.0.0'")[0][0]
    poison = Poison(check, platform, release)
    poison.start()
    good = []
    for number in range(check.count(short=4, long=30)):
        body = fixtures.made(check.random, 256 * 1024)
        good.append(Publish(developer, APP, f"2.{number}.0", "good.bin", body))
    body = {"version": "9.0.0", "channel": "stable"}
    asking = Asking(developer, body)
    asking.start()
    for publish in good:
        publish.start()
    for publish in good:
        ledger.acknowledge(publish.finish())
    failed = until_settled(check, platform, release)
    poison.end()
    asking.join(60)
    check.equal(failed[0], "failed", "what becomes of the poison")
    check.expect("while they did nothing else" in failed[1], f"the poison's reason: {failed[1]}")
    check.figure("processes that a poison ended before it was given up", poison.killed)
    check.figure("good releases beside it", f"{len(good)} of {len(good)} published")
    answer = developer.call("POST", f"/api/v1/apps/{APP}/releases/9.0.0/retry", {})
    developer.expect(answer, (201, 202), "retry what is fatal no more")
    developer.until_published(APP, "9.0.0", 30)


def until_settled(check, platform, release):
    """The state and the reason of a release that is on its way no more."""

    def look():
        state, reason = rows(platform, f"SELECT state, reason FROM releases WHERE id = '{release}'")[0]
        return (state, reason) if state not in ("draft", "signing", "verifying") else None

    return check.until(120, look, "the poison is given up")


class Asking(threading.Thread):
    """Asks for a release until somebody takes the intent: the catalog that would is killed again and again."""

    def __init__(self, developer, body):
        super().__init__(daemon=True)
        self.developer, self.body = developer, body

    def run(self):
        for _ in range(200):
            with contextlib.suppress(*web.BROKEN):
                path = f"/api/v1/apps/{APP}/releases"
                if self.developer.call("POST", path, self.body, {"Prefer": "wait=0"}).status in (201, 202, 409, 422):
                    return
            time.sleep(0.05)


def edit(platform, service, sql):
    """Changes rows of a service that is down; returns how many."""
    url = platform.settings.get(f"SLIPWAY_{service.upper()}__DATABASE__URL")
    if url:
        done = subprocess.run(["psql", url, "--command", sql], capture_output=True, text=True, timeout=30, check=True)
        return int(done.stdout.split()[-1])
    path = platform.data / service / f"{service}.db"
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as database, database:
        return database.execute(sql).rowcount
