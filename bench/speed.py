"""Speed beside a peer in the same run: a ratio holds on any machine, a number of megabytes per second on one."""

import contextlib
import os
import socket
import statistics
import subprocess
import time

from slipway_checks.check import ROOT
from slipway_checks.platform import free_port

LIMIT = ROOT / "target" / "release" / "slipway-limit"
BLOCK = 1 << 20

NGINX = """
daemon off;
# One process, which reads what this user may: the store's folder is nobody else's.
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  sendfile on;
  server {{
    listen 127.0.0.1:{port};
    root {root};
  }}
}}
"""


def write_file(path, size, random):
    """A file of `size` bytes that no compression helps, in the page cache and on disk, so that nobody reads it first."""
    block = random.randbytes(BLOCK)
    with path.open("wb") as file:
        for _ in range(size // BLOCK):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def renew(path, random):
    """Makes the file one that was never uploaded: the same bytes would be stored once."""
    with path.open("r+b") as file:
        file.write(random.randbytes(32))
        file.flush()
        os.fsync(file.fileno())


def curl(check, url, *options):
    """Seconds that `curl` took for one transfer; it has to succeed."""
    command = ["curl", "-sS", "--fail-with-body", "-w", "%{stderr}%{time_total}", *map(str, options), url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    check.equal(done.returncode, 0, f"exit code of curl {url} ({done.stdout[-300:]} {done.stderr[-300:]})")
    return float(done.stderr.split()[-1])


@contextlib.contextmanager
def server(check, command, port, log):
    """A peer that listens at `port`, ended with the block. Yields its process."""
    with (check.logs / log).open("wb") as output:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        check.until(10, lambda: process.poll() is None and listens(port), f"{command[0]} listening")
        yield process
    finally:
        process.kill()
        process.wait(10)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def upload(check, developer, app, size, rounds):
    """Seconds of an upload to `bench/limit` and of one through the gateway, interleaved: (limit, slipway)."""
    path, folder, port = check.folder / "upload.bin", check.folder / "limit", free_port()
    write_file(path, size, check.random)
    limit, slipway = [], []
    with server(check, [LIMIT, f"127.0.0.1:{port}", folder], port, "limit.log"):
        for number in range(rounds):
            renew(path, check.random)
            limit.append(curl(check, f"http://127.0.0.1:{port}/", "-T", path, "-H", "Expect:"))
            for stored in folder.iterdir():
                stored.unlink()
            address = f"http://{developer.address}/api/v1/apps/{app}/packages/upload-{number}.bin?platform=any"
            token = f"Authorization: Bearer {developer.token}"
            slipway.append(curl(check, address, "-T", path, "-H", "Expect:", "-H", token))
    path.unlink()
    return limit, slipway


def download(check, platform, publication, content, rounds):
    """Seconds of a download from nginx, which serves the same file, and of one through the gateway, interleaved."""
    folder, port = check.folder / "nginx", free_port()
    folder.mkdir()
    settings = folder / "nginx.conf"
    settings.write_text(NGINX.format(folder=folder, port=port, root=content.parent))
    command = ["nginx", "-p", folder, "-e", folder / "error.log", "-c", settings]
    nginx, slipway = [], []
    with server(check, command, port, "nginx.log"):
        for _ in range(rounds):
            nginx.append(curl(check, f"http://127.0.0.1:{port}/{content.name}", "-o", "/dev/null"))
            slipway.append(curl(check, f"http://{platform.gateway}{publication.path}", "-o", "/dev/null"))
    return nginx, slipway


def publish(check, developer, app, size, times):
    """Seconds from the first byte to the answer `published`, each with bytes of its own, sorted."""
    seconds = []
    for number in range(times):
        content = check.random.randbytes(size)
        began = time.monotonic()
        developer.publish(app, f"2.0.{number}", "package.bin", content)
        seconds.append(time.monotonic() - began)
    return sorted(seconds)


def percentile(ordered, share):
    """The nearest-rank percentile of sorted values."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def rate(size, seconds):
    """MiB per second at the median."""
    return size / statistics.median(seconds) / (1 << 20)
