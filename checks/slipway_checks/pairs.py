"""Two of every service over one data folder, gateways and a service in Python included, each replaced by hand."""

import socket
import subprocess

from . import python_services
from .platform import SERVICES, Platform, free_port
from .python_services import HELLO

BACKLOG = 4096


class Pairs(Platform):
    """Both gateways take connections of one listener, which is held here as `slipway up` holds it. The registries have an
    address each, and everybody is given both."""

    def __init__(self, check, name="pairs", settings=None):
        super().__init__(check, name, settings)
        self.both = [self.registry, f"127.0.0.1:{free_port()}"]
        self.free = list(self.both)
        # A gateway ends when its lifeline does.
        self.lifelines = []
        host, port = self.gateway.rsplit(":", 1)
        self.listener = socket.create_server((host, int(port)), backlog=BACKLOG)

    def start(self):
        super().start(instances=dict.fromkeys(SERVICES, 2))
        python_services.equip(self, HELLO)
        for _ in range(2):
            self.start_one(HELLO)
        return self

    def start_one(self, service, **options):
        return python_services.start(self, service) if service == HELLO else super().start_one(service, **options)

    def places(self, service):
        if service == "registry":
            return ["--listen", self.free.pop(0)]
        places = super().places(service)
        return [*places[: places.index("--listen")], "--supervised", "--inherit"] if service == "gateway" else places

    def registries(self):
        return self.both

    def given(self, service):
        if service != "gateway":
            return subprocess.DEVNULL
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        socket.send_fds(ours, [b"listener"], [self.listener.fileno()])
        self.lifelines.append(ours)
        return theirs

    def remove(self, instance, end):
        """Ends one by `end`, and returns what that says."""
        self.instances[instance.service].remove(instance)
        said = end(instance)
        if instance.service == "registry":
            self.free.append(instance.addr)
        return said

    def end(self):
        super().end()
        self.listener.close()
