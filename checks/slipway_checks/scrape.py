"""Prometheus, as Debian has it, reads every service of a platform."""

import json
import subprocess
import urllib.parse

from . import web
from .platform import SERVICES, free_port

WANTED = (
    "slipway_build_info", "slipway_disk_free_bytes", "process_resident_memory_bytes", "process_open_fds",
    "slipway_certificate_end_seconds",
)


def scraped(check, platform):
    """All six are up, and each has the numbers that operators are told of."""
    check.need("prometheus", "promtool")
    targets = {instance.admin: instance.service for instance in platform.all()}
    for target in targets:
        text = web.request(target, "GET", "/metrics").body
        told = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
        # 3: it can be read, and a name could be better.
        check.expect(told.returncode in (0, 3), f"promtool of {targets[target]}: {told.stderr[-400:]}")
    folder = check.folder / "prometheus"
    folder.mkdir()
    jobs = [{"job_name": "slipway", "scrape_interval": "1s", "static_configs": [{"targets": sorted(targets)}]}]
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    address = f"127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"]
    process = platform.spawn(command, check.logs / "prometheus.log")
    try:
        check.until(30, lambda: len(values(address, "up == 1")) == len(SERVICES), "every service scraped")
        for name in WANTED:
            check.equal(len(values(address, name)), len(SERVICES), f"services that tell {name}")
        versions = {one["metric"]["version"] for one in values(address, "slipway_build_info")}
        check.equal(len(versions), 1, f"versions that are told ({versions})")
        aged = values(address, "slipway_lease_age_seconds")
        check.equal(len(aged), len(SERVICES) - 1, "services that tell how old their lease is")
        leases, = values(address, "slipway_leases")
        check.equal(int(leases["value"][1]), len(SERVICES) - 1, "leases that the registry tells")
    finally:
        process.kill()
        process.wait(10)
    check.figure("services that Prometheus scrapes", len(targets))


def values(address, query):
    try:
        answer = web.request(address, "GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
    except OSError:
        return []
    return answer.json()["data"]["result"] if answer.status == 200 else []
