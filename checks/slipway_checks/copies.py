"""A data folder that was copied from under a running platform, started beside its original."""

import concurrent.futures
import ssl
import subprocess

from . import internal, web
from .developer import Developer
from .platform import BINARIES, SERVICES, Platform

# Services that prove themselves to their callers.
CALLEES = ("registry", "signing", "catalog", "upload", "download")
APPS = 20
DROPPED = "was moved or copied"


def copies(check):
    """A data folder that was copied from under a running platform is another platform, however it is started."""
    original = Platform(check, "original")
    original.up()
    Developer(original).make_app("notes")
    before = sorted(record["addr"] for service in SERVICES for record in original.records(service))
    counts = []
    for name, start in (("by-up", started_by_up), ("by-hand", started_by_hand), ("as-copy", started_as_copy)):
        copy = Platform(check, name)
        subprocess.run(["cp", "-a", original.data, copy.data], check=True, timeout=60)
        log = start(copy)
        counts.append(f"{name} {apart(check, original, copy, name)}")
        words = sum(text.count(DROPPED) for text in (path.read_text() for path in log))
        check.equal(words, 1, f"lines of a copy {name} that say that addresses were dropped")
        after = sorted(record["addr"] for service in SERVICES for record in original.records(service))
        check.equal(after, before, f"addresses of the original beside a copy {name}")
        taken = {record["addr"] for service in SERVICES for record in copy.records(service)} & set(before)
        check.expect(not taken, f"a copy {name} has addresses of its original: {taken}")
        strangers_to_each_other(check, original, copy, name)
        copy.end()
        check.expect(web.request(original.gateway, "GET", "/readyz").status == 200, f"the original beside a copy {name}")
    command = [BINARIES / "slipway", "init", "--as-copy", "--data", original.data]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    refused = done.returncode == 1 and "end the platform" in done.stderr
    check.expect(refused, f"`init --as-copy` of a running platform: {done}")
    check.figure("copies", "; ".join(counts))


def started_by_up(copy, *extra):
    copy.up(extra)
    return [copy.check.logs / f"{copy.data.name}-up.log"]


def started_as_copy(copy):
    return started_by_up(copy, "--as-copy")


def started_by_hand(copy):
    """All at once and without `--registry`: they find each other in the copied folder."""
    logs = []
    for service in SERVICES:
        log = copy.check.logs / f"{copy.data.name}-{service}.log"
        command = [BINARIES / "slipway", "run", service, "--data", copy.data]
        copy.spawn([*command, "--listen", copy.gateway] if service == "gateway" else command, log)
        logs.append(log)
    copy.wait_ready()
    return logs


def apart(check, original, copy, name):
    """20 apps at each, side by side: each has its own and none of the other's."""

    def make(platform):
        developer = Developer(platform)
        for number in range(APPS):
            developer.make_app(f"{platform.data.name}-{name}-{number}")

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for made in [pool.submit(make, platform) for platform in (original, copy)]:
            made.result()
    landed = {}
    for platform in (original, copy):
        slugs = [app["slug"] for app in Developer(platform).apps()]
        own = sum(slug.startswith(f"{platform.data.name}-{name}-") for slug in slugs)
        other = copy if platform is original else original
        foreign = sum(slug.startswith(f"{other.data.name}-{name}-") for slug in slugs)
        landed[platform.data.name] = (own, foreign)
        check.equal((own, foreign), (APPS, 0), f"apps of {platform.data.name} and of {other.data.name} there")
    return f"{APPS} + {APPS} apps, 0 at the other"


def strangers_to_each_other(check, one, other, name):
    """A service of one is nobody at the other, or of another run."""
    for here, there in ((one, other), (other, one)):
        for callee in CALLEES:
            found = there.records(callee)[0]
            headers = {"x-slipway-instance": found["instance"]} | internal.run_of(here)
            proof = internal.context(here.data / "secrets" / "gateway")
            proof.check_hostname, proof.verify_mode = False, ssl.CERT_NONE
            try:
                answer = web.request(found["addr"], "GET", "/api/v1/apps", None, headers, timeout=20, proof=(proof, callee))
            except web.BROKEN:
                continue
            what = f"{callee} of {there.data.name} asked by a gateway of {here.data.name}"
            check.equal(answer.status, 421, f"{what} ({answer})")
            check.expect("x-slipway-instance" not in answer.headers, f"{callee} says who it is to another run")
