#!/usr/bin/env python3
"""CPU that the hop inside costs: of the gateway, and of the service behind it, beside nginx before the same instance.

The hop is what the platform's is: TLS 1.3 with a certificate on both sides when `slipway init` made the gateway one,
which nginx then shows as well; plain otherwise (0.1.0). The client's side is plain. CPU is what the processes used,
in all threads; the child that inspects a package is not in it.
"""

import dataclasses
import pathlib
import re
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "checks"))
from slipway_checks import Developer, Platform, fixtures, run  # noqa: E402 - it lies in the next folder
from slipway_checks.platform import BINARIES, free_port  # noqa: E402
import speed  # noqa: E402

MIB = 1 << 20
GIB = 1 << 30
AT_ONCE = 4
DOWNLOADED = 256 * MIB
UPLOADED = 128 * MIB
CONNECTIONS = 32
SECONDS = 3

# What the gateway does, and no more: streams both ways, keeps connections, writes one line for each request. Fields
# name the instance and the run that a request is meant for.
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log;
  keepalive_requests 10000000;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  proxy_max_temp_file_size 0;
  proxy_request_buffering off;
  proxy_http_version 1.1;
  {tls}
  {upstreams}
  server {{
    listen 127.0.0.1:{port};
    {locations}
  }}
}}
"""
TLS = """
  proxy_ssl_protocols TLSv1.3;
  proxy_ssl_certificate {folder}/certificate.pem;
  proxy_ssl_certificate_key {folder}/key.pem;
  proxy_ssl_trusted_certificate {folder}/authorities.pem;
  proxy_ssl_verify on;
  proxy_ssl_server_name on;
  proxy_ssl_session_reuse off;
"""
UPSTREAM = "upstream {service} {{ server {addr}; keepalive 64; keepalive_requests 10000000; }}"
# Fields that are set for a location replace all that are set outside, so every one is here.
LOCATION = """
    location {prefix} {{
      proxy_pass {scheme}://{service};
      proxy_ssl_name {service};
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Slipway-Instance {instance};
      {run}
    }}
"""
ROUTES = {"/d/": "download", "/api/": "upload"}


@dataclasses.dataclass
class Load:
    """`work(address)` sends it through a proxy and returns how many units it was; `service` is who answers."""

    name: str
    unit: str
    service: str
    work: object


def hop(check):
    check.need("curl", "nginx", "wrk")
    platform = Platform(check)
    platform.up()
    developer = Developer(platform)
    developer.make_app("bench")
    loads = prepare(check, platform, developer)
    encrypted = (platform.data / "secrets" / "gateway" / "certificate.pem").exists()
    settings, port = nginx_settings(check, platform, encrypted)
    passes = check.count(short=5, long=12)
    command = ["nginx", "-p", settings.parent, "-e", settings.parent / "error.log", "-c", settings]
    with speed.server(check, command, port, "nginx.log") as nginx:
        gateway = platform.gateway, pid_of(platform, "gateway")
        proxies = {"gateway": gateway, "nginx": (f"127.0.0.1:{port}", nginx.pid)}
        samples = [measure(check, platform, proxies, load, number) for number in range(passes) for load in loads]
    report(check, loads, samples, passes, encrypted)


def prepare(check, platform, developer):
    """Publishes what is downloaded, makes what is uploaded, and returns the loads."""
    publications = {}
    for number, size in enumerate((DOWNLOADED, 200)):
        content = check.random.randbytes(200).ljust(size, b"\0")
        publications[size] = developer.publish("bench", f"1.{number}", "bench.bin", content, platform="linux")
    uploads = [check.folder / f"upload-{number}.bin" for number in range(AT_ONCE)]
    for path in uploads:
        speed.write_file(path, UPLOADED, check.random)
    latest, small, large = "/d/bench/latest/linux", publications[200].path, publications[DOWNLOADED].path
    down, up = f"download, {AT_ONCE} × {DOWNLOADED // MIB} MiB", f"upload, {AT_ONCE} × {UPLOADED // MIB} MiB"
    return [
        Load("`latest` (302)", "request", "download", lambda address: requests(check, address + latest)),
        Load("a file of 200 bytes", "request", "download", lambda address: requests(check, address + small)),
        Load(down, "GiB", "download", lambda address: download(check, address + large)),
        Load(up, "GiB", "upload", lambda address: upload(check, platform, address, uploads)),
    ]


def nginx_settings(check, platform, encrypted):
    folder, port = check.folder / "nginx", free_port()
    folder.mkdir()
    run_id = platform.data / "run" / "run"
    shown = f"proxy_set_header X-Slipway-Run {run_id.read_text().strip()};" if run_id.exists() else ""
    upstreams, locations = [], []
    for prefix, service in ROUTES.items():
        record = platform.records(service)[0]
        upstreams.append(UPSTREAM.format(service=service, addr=record["addr"]))
        scheme = "https" if encrypted else "http"
        target = {"prefix": prefix, "scheme": scheme, "service": service, "instance": record["instance"]}
        locations.append(LOCATION.format(**target, run=shown))
    tls = TLS.format(folder=platform.data / "secrets" / "gateway") if encrypted else ""
    parts = {"tls": tls, "upstreams": "\n  ".join(upstreams), "locations": "".join(locations)}
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, **parts))
    return settings, port


def pid_of(platform, service):
    return platform.records(service)[0]["pid"]


# --- the loads ------------------------------------------------------------------------------------------------------


def requests(check, url):
    """Small requests over kept connections for some seconds; returns how many were answered."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", f"http://{url}"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    check.expect("Non-2xx" not in told and "Socket errors" not in told, f"wrk {url}: {told}")
    return int(re.search(r"(\d+) requests in", told).group(1))


def download(check, url):
    return transfers(check, [["-o", "/dev/null", f"http://{url}"]] * AT_ONCE, DOWNLOADED)


def upload(check, platform, address, paths):
    """Packages of their own with bytes that were never there. Returns GiB."""
    for path in paths:
        speed.renew(path, check.random)
    token = f"Authorization: Bearer {platform.admin_token()}"
    name = check.random.randbytes(8).hex()
    url = f"http://{address}/api/v1/apps/bench/packages/{name}"
    options = [["-T", path, "-H", "Expect:", "-H", token, f"{url}-{number}.bin?platform=linux"] for number, path in enumerate(paths)]
    sent = transfers(check, options, UPLOADED)
    for path in paths:
        # The disk is not what is measured: what was uploaded is not looked at again.
        platform.blob(fixtures.sha256(path)).unlink()
    return sent


def transfers(check, options, size):
    """Runs `curl` with each of `options` at the same time; all have to succeed. Returns GiB of `size` bytes each."""
    command = ["curl", "-sS", "--fail-with-body", "--max-time", "300"]
    commands = [[*command, *map(str, more)] for more in options]
    running = [subprocess.Popen(each, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for each in commands]
    for process in running:
        told, _ = process.communicate(timeout=310)
        check.equal(process.returncode, 0, f"exit code of curl ({told[-300:]})")
    return len(options) * size / GIB


# --- what they cost -------------------------------------------------------------------------------------------------


def cpu_seconds(pid):
    """CPU time of a process with all its threads, ended ones too, in nanosecond steps: clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def measure(check, platform, proxies, load, number):
    """One pass of one load through both proxies, each first in turn: the load's name, and what a unit cost whom.

    Costs are CPU seconds: of a proxy's name to [its own, that of the service behind it].
    """
    behind = pid_of(platform, load.service)
    costs = {}
    for name in sorted(proxies, reverse=number % 2 == 1):
        address, pid = proxies[name]
        before = cpu_seconds(pid), cpu_seconds(behind)
        units = load.work(address)
        spent = [cpu_seconds(each) - was for each, was in zip((pid, behind), before, strict=True)]
        costs[name] = [seconds / units for seconds in spent]
        proxy, service = (show(cost, load.unit) for cost in costs[name])
        check.say(f"{load.name} through {name}: {proxy}, {service} behind it")
    return load.name, costs


def show(cost, unit):
    return f"{cost * 1e6:.1f} µs" if unit == "request" else f"{cost:.2f} s"


def spread(costs, unit):
    low, high = (show(value, unit).split()[0] for value in (min(costs), max(costs)))
    return f"{show(statistics.median(costs), unit)} [{low}-{high}]"


def report(check, loads, samples, passes, encrypted):
    """A row for each load, as docs/PERFORMANCE.md has them: medians, least and most of all passes."""
    kind = "TLS 1.3 with a certificate on both sides" if encrypted else "plain"
    print(f"\n{said(BINARIES / 'slipway', '--version')}, {said('nginx', '-v')}, hop: {kind}, {passes} passes\n")
    print("| load | per | gateway | service behind it | nginx | service behind it | gateway : nginx |")
    print("|---|---|---|---|---|---|---|")
    for load in loads:
        costs = [cost for name, cost in samples if name == load.name]
        sides = [(name, place) for name in ("gateway", "nginx") for place in (0, 1)]
        columns = [spread([cost[name][place] for cost in costs], load.unit) for name, place in sides]
        ratio = statistics.median(cost["gateway"][0] / cost["nginx"][0] for cost in costs)
        print(f"| {load.name} | {load.unit} | {' | '.join(columns)} | {ratio:.2f} |")
        check.figures.append(f"{load.name} {ratio:.2f}")
    print(flush=True)


def said(*command):
    """The one line that a program says of itself, wherever it says it."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    run(hop, short_limit=1200)
