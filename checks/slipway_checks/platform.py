"""The platform's processes: each service started by hand, so that a check decides who lives and who comes back."""

import contextlib
import json
import os
import pathlib
import random
import secrets
import signal
import socket
import subprocess
import time

from . import releases, web
from .check import ROOT, Failed

SERVICES = ("registry", "signing", "catalog", "upload", "download", "gateway")
WITH_DATABASE = ("registry", "signing", "catalog", "upload", "download")
BINARIES = pathlib.Path(os.environ.get("SLIPWAY_BIN", ROOT / "target" / "release"))
READY_WITHIN = 30


def free_port():
    """A loopback port that nobody has. It is below those that the kernel gives to whoever asks for any, so that no other
    process comes by it before it is listened on."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def databases(check):
    """The settings that give each service a new database on the check's server."""
    settings = {}
    if check.postgres:
        check.need("psql")
    for service in WITH_DATABASE if check.postgres else ():
        name = f"{service}_{secrets.token_hex(8)}"
        create = ["psql", "--quiet", check.postgres, "--command", f"CREATE DATABASE {name}"]
        subprocess.run(create, check=True, timeout=60)
        settings[f"SLIPWAY_{service.upper()}__DATABASE__URL"] = f"{check.postgres}/{name}"
    return settings


class Instance:
    """One process of one service. `addr` is where it listens, `admin` where operators ask it, both from its own record in
    `DIR/run`."""

    def __init__(self, service, process, record, log):
        self.service = service
        self.process = process
        self.pid = record["pid"]
        self.id = record["instance"]
        self.addr = record["addr"]
        self.admin = record["admin"]
        self.log = log

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self):
        """kill -9, and waits until the process is gone."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(10)

    def stop(self, within=30):
        """SIGTERM, and returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(within)

    def alive(self):
        return self.process.poll() is None


class Platform:
    """A data folder and the processes over it.

    `start()` starts one instance of each service with `slipway run`; `start_one(service)` adds an instance, or brings
    one back. The gateway's address stays the same for the life of this object, the registry's too.
    """

    def __init__(self, check, name="data", settings=None):
        self.check = check
        self.data = check.folder / name
        self.gateway = f"127.0.0.1:{free_port()}"
        # Where others look for the registry, and where it listens unless somebody stands between.
        self.registry = self.registry_listens = f"127.0.0.1:{free_port()}"
        self.settings = (settings or {}) | databases(check)
        self.instances = {service: [] for service in SERVICES}
        self.children = []
        self.groups = []
        self.issued = {}
        self.started = 0
        check.platforms.append(self)
        if not (BINARIES / "slipway").exists():
            raise Failed(f"{BINARIES / 'slipway'} is missing; `cargo build --release` makes it")

    # Starting

    def init(self):
        command = [BINARIES / "slipway", "init", "--data", self.data]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.check.equal(done.returncode, 0, f"exit code of `slipway init` ({done.stderr[-500:]})")

    def start(self, services=SERVICES, instances=None, versions=None):
        """Makes the secrets and starts `services`, `instances` (service to count, 1 by default) of each; `versions` names
        those that are of an earlier release."""
        self.init()
        begun = []
        for service in services:
            version = (versions or {}).get(service)
            begun += [self.begin(service, version=version) for _ in range((instances or {}).get(service, 1))]
        for service, process, log in begun:
            self.adopt(service, process, log)
        if "gateway" in services:
            self.wait_ready()
        return self

    def start_one(self, service, prefix=(), extra=(), environment=None, version=None):
        """Starts one more instance and returns it when it is ready. `prefix` is a tracer or a limiter before it; `version`
        is an earlier release that was built."""
        return self.adopt(*self.begin(service, prefix, extra, environment, version))

    def begin(self, service, prefix=(), extra=(), environment=None, version=None):
        """Starts the process without waiting for it."""
        program = [releases.program(version, service)] if version else [BINARIES / "slipway", "run", service]
        command = [*prefix, *program, "--data", self.data, *extra, *self.places(service)]
        self.started += 1
        log = self.check.logs / f"{self.data.name}-{self.started:03}-{service}.log"
        return service, self.spawn(command, log, environment, stdin=self.given(service)), log

    def places(self, service):
        """The arguments that say where a service listens and where it finds the registry."""
        if service == "registry":
            return ["--listen", self.registry_listens]
        registries = [argument for address in self.registries() for argument in ("--registry", f"https://{address}")]
        return [*registries, "--listen", self.gateway] if service == "gateway" else registries

    def registries(self):
        """Where others look for the registry."""
        return [self.registry]

    def given(self, _service):
        """What a service has as its standard input."""
        return subprocess.DEVNULL

    def spawn(self, command, log, environment=None, folder=None, group=False, stdin=subprocess.DEVNULL):
        """Starts a program whose output goes to `log`; `group` for one that leaves others running behind it."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | self.settings | (environment or {}),
                cwd=folder,
                start_new_session=group,
            )
        if group:
            self.groups.append(process.pid)
        self.children.append(process)
        return process

    def adopt(self, service, process, log):
        """Waits until a started process has written its record and answers `/readyz`."""

        def ready():
            if process.poll() is not None:
                raise Failed(f"{service} ended with {process.returncode} at its start: {log_tail(log)}")
            record = next((record for record in self.records(service) if record["pid"] == process.pid), None)
            return record if record and answers_ready(record["admin"]) else None

        record = self.check.until(READY_WITHIN, ready, f"{service} ready (see {log})")
        instance = Instance(service, process, record, log)
        self.instances[service].append(instance)
        return instance

    def up(self, extra=()):
        """Starts the whole platform by `slipway up`, as a person would, and returns when the gateway is ready."""
        log = self.check.logs / f"{self.data.name}-up.log"
        command = [BINARIES / "slipway", "up", "--data", self.data, "--listen", self.gateway, *extra]
        process = self.spawn(command, log)
        self.wait_ready()
        return process

    def wait_ready(self, seconds=READY_WITHIN):
        """Waits until the gateway has seen every service that its routes lead to."""
        self.check.until(seconds, lambda: answers_ready(self.gateway), f"the gateway at {self.gateway} ready")

    # What runs

    def records(self, service):
        """The records in `DIR/run` of one service, those of dead processes included."""
        found = []
        for path in sorted((self.data / "run").glob(f"{service}-*.json")):
            try:
                found.append(json.loads(path.read_text()))
            except (OSError, ValueError):
                continue
        return found

    def one(self, service):
        """The instance of `service` that was started last and still runs."""
        return self.instances[service][-1]

    def all(self):
        return [instance for service in SERVICES for instance in self.instances[service]]

    # Ending

    def kill(self, service, instance=None):
        """kill -9 of one instance, the last one by default. Returns it."""
        instance = instance or self.one(service)
        instance.kill()
        self.instances[service].remove(instance)
        return instance

    def stop(self, service):
        """SIGTERM to one instance; it has to leave with 0."""
        instance = self.one(service)
        self.instances[service].remove(instance)
        self.check.equal(instance.stop(), 0, f"exit code of {service} after SIGTERM")
        return instance

    def restart(self, service, **options):
        """kill -9, and the same service again, ready."""
        self.kill(service)
        return self.start_one(service, **options)

    def end(self):
        """Ends everything that was started here, at once."""
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        for process in self.children:
            if process.poll() is None:
                process.kill()
        for process in self.children:
            process.wait(10)

    # Secrets

    def admin_token(self):
        path = self.data / "admin-token"
        self.check.until(READY_WITHIN, lambda: path.exists() and path.read_text().strip(), f"{path}")
        return path.read_text().strip()

    def secrets(self):
        """Everything that no log may hold: name to bytes."""
        found = {f"token {name}": token.encode() for name, token in self.issued.items()}
        if (self.data / "admin-token").exists():
            found["the admin token"] = (self.data / "admin-token").read_bytes()
        for path in sorted((self.data / "secrets").rglob("*key*")):
            if path.is_file():
                found[str(path.relative_to(self.data))] = path.read_bytes()
        return found

    # What operators read

    def metrics(self, instance):
        """The numbers of one instance: name (with labels) to value."""
        answer = web.request(instance.admin, "GET", "/metrics")
        self.check.equal(answer.status, 200, f"/metrics of {instance.service}")
        numbers = {}
        for line in answer.body.decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                numbers[name] = float(value)
        return numbers

    def blobs(self):
        return self.data / "blobs"

    def blob(self, sha256):
        return self.blobs() / "sha256" / sha256[:2] / sha256

    def staged(self):
        """The files that lie in staging now."""
        return [path for path in (self.blobs() / "staging").rglob("*") if path.is_file()]


def answers_ready(addr):
    try:
        return web.request(addr, "GET", "/readyz", timeout=2).status == 200
    except web.BROKEN:
        return False


def log_tail(log, characters=600):
    return log.read_text(errors="replace")[-characters:].strip()


def wait_gone(pid, seconds=10):
    """Waits until no process has this id any more; returns whether that came about."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not pathlib.Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.01)
    return False
