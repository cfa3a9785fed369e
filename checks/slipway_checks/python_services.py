"""The Python programs of deploy/examples as processes of a platform."""

import subprocess
import sys

from .check import ROOT
from .platform import BINARIES

EXAMPLES = ROOT / "deploy" / "examples"
HELLO, DOWNLOAD = "hello", "download"
PROGRAMS = {HELLO: EXAMPLES / "hello-python" / "hello.py", DOWNLOAD: EXAMPLES / "download-python" / "download.py"}
ROUTES = (
    ("/hello/**", HELLO), ("/api/v1/apps/*/packages/**", "upload"), ("/api/v1/apps/*/uploads/**", "upload"),
    ("/api/v1/**", "catalog"), ("/d/**", DOWNLOAD), ("/keys/**", DOWNLOAD),
)


def equip(platform, name):
    """A certificate and a folder for a service that is not one of the platform's."""
    command = [BINARIES / "slipway", "init", "--data", platform.data, "--service", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    platform.check.equal(done.returncode, 0, f"exit code of init --service {name}: {done.stderr}")
    platform.instances.setdefault(name, [])


def routes(check):
    """A file of settings with the route to the service; what is given replaces all, so those of the platform are there too."""
    path = check.folder / "gateway.toml"
    path.write_text("".join(f'[[routes]]\npath = "{each}"\nservice = "{service}"\n' for each, service in ROUTES))
    return path


def start(platform, service):
    """One more process; returns it when it is ready."""
    platform.started += 1
    log = platform.check.logs / f"{platform.data.name}-{platform.started:03}-{service}-python.log"
    registries = [argument for address in platform.registries() for argument in ("--registry", address)]
    command = [sys.executable, "-u", PROGRAMS[service], "--data", platform.data, *registries]
    return platform.adopt(service, platform.spawn(command, log), log)


def replace(platform, service):
    """A new process beside the oldest, which then drains and ends with 0."""
    start(platform, service)
    oldest = platform.instances[service].pop(0)
    platform.check.equal(oldest.stop(), 0, f"exit code of {service} after SIGTERM (see {oldest.log})")
    return oldest
