"""The platform as containers, and a look into them from outside: nothing in them could be run to look."""

import contextlib
import json
import os
import subprocess
import sys

from .check import ROOT, Failed
from .platform import SERVICES, answers_ready

DEFAULT = "127.0.0.1:8080"
USER = 10001
# With no image there yet: all dependencies are compiled for release.
BUILT_WITHIN = 3000
# What a process does in the place of another, as its user: there is no shell, no `ls` and no `cat` there to do it.
INSIDE = """
import ctypes, json, os, sys
pid, user, what, *paths = sys.argv[1:]
space = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
if ctypes.CDLL(None, use_errno=True).setns(space, 0):
    sys.exit(f"setns: {os.strerror(ctypes.get_errno())}")
os.setgroups([]); os.setresgid(*[int(user)] * 3); os.setresuid(*[int(user)] * 3)
def writes(path):
    try:
        os.close(os.open(f"{path}/planted", os.O_WRONLY | os.O_CREAT)); os.unlink(f"{path}/planted")
    except OSError:
        return False
    return True
def files(path):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)
def text(path):
    return open(path).read()
print(json.dumps([globals()[what](path) for path in paths]))
"""


class Containers:
    """The platform as `docker compose up` runs it, under a project name of its own, so that volumes start empty.

    `files` are those of Compose, by default the one that it finds.
    """

    def __init__(self, check, folder=ROOT, files=(), **environment):
        self.check = check
        self.folder = folder
        self.files = files
        self.project = f"slipway-check-{os.getpid()}"
        self.gateway = DEFAULT
        # Images of its own, so that none of an earlier build is taken for those of these sources.
        self.environment = {"SLIPWAY_VERSION": self.project} | environment
        self.children = []
        self.issued = {}
        self.known_secrets = {}
        self.log = check.logs / "compose-up.log"
        check.platforms.append(self)

    def compose(self, *arguments, within=120):
        files = [word for file in self.files for word in ("--file", file)]
        command = ["docker", "compose", *files, "--project-name", self.project, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=os.environ | self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=within, check=False,
        )

    def up(self, *options):
        """`docker compose up --detach`, and waits until the gateway is ready."""
        done = self.compose("up", "--detach", *options, within=BUILT_WITHIN)
        with self.log.open("ab") as log:
            log.write(done.stdout + done.stderr)
        self.check.equal(done.returncode, 0, f"exit code of docker compose up ({done.stderr[-1500:].decode()})")
        self.check.until(60, lambda: answers_ready(self.gateway), f"the gateway at {self.gateway} ready")

    def image(self, service, more=""):
        """The name of an image of the project, or of one that a check makes of it."""
        return f"slipway-{service}:{self.project}{more}"

    def images_that_run(self, *services):
        """Of the containers that run, of some services or of all, sorted."""
        listed = output("docker", "ps", "--filter", f"label=com.docker.compose.project={self.project}", "--format", "{{.ID}} {{.Image}}")
        images = [line.split()[1] for line in listed.decode().splitlines()]
        return sorted(image for image in images if not services or image.removeprefix("slipway-").split(":")[0] in services)

    def process_in(self, service):
        """The main process of a container, by its number on this machine."""
        return inspect(self.ids()[service])["State"]["Pid"]

    def inside(self, service, what, *paths):
        """`writes`, `files` or `text` of each path, as the user of the service sees it in the container."""
        command = [sys.executable, "-c", INSIDE, str(self.process_in(service)), str(USER), what, *paths]
        return json.loads(output(*command))

    def ids(self):
        """The container of each service, `init` included."""
        return {service: identities[-1] for service, identities in self.by_service().items()}

    def by_service(self):
        """The containers of each service, `init` included."""
        done = self.compose("ps", "--all", "--format", "json")
        # One object a line, or one list: Compose changed its mind.
        text = done.stdout.decode()
        listed = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
        found = {}
        for container in listed:
            found.setdefault(container["Service"], []).append(container["ID"])
        return found

    def admin_token(self):
        """By the command of the documentation."""
        done = self.compose("exec", "-T", "catalog", "cat", "/data/admin-token")
        self.check.equal(done.returncode, 0, f"exit code of cat in the catalog ({done.stderr[-300:].decode()})")
        return done.stdout.decode().strip()

    def remember_secrets(self):
        """What every service holds under its secrets, for the search of the logs."""
        self.known_secrets["the admin token"] = self.admin_token().encode()
        for service in SERVICES:
            keys = [path for path in self.inside(service, "files", f"/data/secrets/{service}")[0] if "key" in path]
            for path, text in zip(keys, self.inside(service, "text", *keys), strict=True):
                self.known_secrets[f"{service} {path}"] = text.encode()

    def secrets(self):
        return self.known_secrets | {f"token {name}": token.encode() for name, token in self.issued.items()}

    # What the journey needs of a platform beside an address: a place for the output of the pasted commands.
    def spawn(self, command, log, folder):
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.children.append(process)
        return process

    def end(self):
        for process in self.children:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        logs = self.compose("logs", "--no-color", "--timestamps")
        (self.check.logs / "compose.log").write_bytes(logs.stdout + logs.stderr)
        self.compose("down", "--volumes", "--timeout", "5", within=300)
        # Also those that a check made of them, whose tags begin in the same way.
        named = output("docker", "image", "ls", "--filter", f"reference=slipway-*:{self.project}*", "--format", "{{.Repository}}:{{.Tag}}")
        subprocess.run(["docker", "image", "rm", *named.decode().split()], capture_output=True, timeout=120, check=False)


def need_docker(check):
    """Skips the check where no engine runs."""
    check.need("docker", "curl", "minisign")
    for command, why in ((["docker", "info"], "no Docker engine runs here"),
                         (["docker", "compose", "version"], "Docker has no Compose v2")):
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            check.skip(why)


def inspect(identity):
    return json.loads(output("docker", "inspect", identity))[0]


def output(*command):
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:3])}: {done.stderr.decode(errors='replace')[-300:]}")
    return done.stdout
