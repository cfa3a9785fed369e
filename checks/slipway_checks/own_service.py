"""A service of an operator's own, made of what deploy/examples gives everybody: it tells the gateway what it was asked."""

import argparse
import json
import sys

from . import internal
from .check import ROOT

sys.path.insert(0, str(ROOT / "deploy" / "examples"))
from slipway_instance import Instance  # noqa: E402 - it is an example, and no package of the checks

MOST_BODY = 1 << 20


def answer(request):
    body = request.body(MOST_BODY)
    client = request.headers.get("x-slipway-client")
    request.reply(200, {"method": request.command, "path": request.path, "body": body.decode(), "client": client})


class OwnService:
    """One instance in this process. It listens from the beginning, and gets no traffic before its first heartbeat."""

    def __init__(self, platform, name):
        self.platform, self.name = platform, name
        options = argparse.Namespace(data=platform.data, registry=[platform.registry], listen=None, advertise=None)
        self.instance = Instance(options, name, answer)
        self.id, self.addr = self.instance.id, self.instance.addr

    def beat(self, state="READY", service=None):
        """A heartbeat, and the registry's answer to it; `service` is for one that is to be refused."""
        self.instance.state = state
        record = self.instance.record() | ({"service": service} if service else {})
        headers = {"Content-Type": "application/json"}
        return self.call("registry", "PUT", f"/internal/instances/{self.id}", json.dumps(record).encode(), headers)

    def leave(self):
        return self.call("registry", "DELETE", f"/internal/instances/{self.id}")

    def call(self, service, method, path, body=None, headers=None):
        return internal.call(self.platform, self.name, self.platform.one(service), method, path, body, headers)

    def end(self):
        self.instance.end_listening()
