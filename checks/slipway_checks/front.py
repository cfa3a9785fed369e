"""A server in front of the gateway: Debian's nginx, Caddy or HAProxy with its file of deploy/front, ports replaced."""

import pathlib

from . import web
from .check import ROOT
from .platform import free_port

FILES = ROOT / "deploy" / "front"
# What is asked for, and where clients have their address: the server's own is 127.0.0.1.
HOST = "apps.example.org"
CLIENT = "127.0.0.2"

# As a file of conf.d stands in Debian's nginx.conf.
NGINX = """
{user}
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/nginx.conf;
}}
"""


class Front:
    """One of them, started and ready. It is asked as a client at `CLIENT` asks it."""

    def __init__(self, platform, name, file, listens):
        self.check = platform.check
        self.name = name
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.folder = self.check.folder / name
        self.folder.mkdir()
        text = (FILES / file).read_text()
        for old, new in ((listens, listens.replace("80", str(self.port))), ("127.0.0.1:8080", platform.gateway)):
            self.check.equal(text.count(old), 1, f"{old!r} in deploy/front/{file}")
            text = text.replace(old, new)
        self.file = self.folder / file
        self.file.write_text(text)
        environment = {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        log = self.check.logs / f"front-{name}.log"
        self.process = platform.spawn(self.command(), log, environment)
        self.check.until(10, self.answers, f"{name} answering (see {log})")

    def command(self):
        if self.name == "nginx":
            whole = self.folder / "whole.conf"
            # The folder is of whoever runs the check.
            user = f"user {pathlib.Path(self.folder).owner()} {pathlib.Path(self.folder).group()};"
            whole.write_text(NGINX.format(folder=self.folder, user=user))
            return ["nginx", "-e", "stderr", "-c", whole, "-p", self.folder, "-g", "daemon off; master_process off;"]
        if self.name == "caddy":
            # Its own listener for operators has a fixed port, on which another may run here.
            self.file.write_text("{\n\tadmin off\n}\n" + self.file.read_text())
            return ["caddy", "run", "--config", self.file, "--adapter", "caddyfile"]
        return ["haproxy", "-db", "-f", self.file]

    def answers(self):
        self.check.expect(self.process.poll() is None, f"{self.name} ended: see its log")
        try:
            return self.ask("GET", "/readyz").status == 200
        except web.BROKEN:
            return False

    def ask(self, method, path, body=None, headers=None, token=None, timeout=90):
        sent = {"Host": HOST} | (headers or {})
        return web.request(self.address, method, path, body, sent, token, timeout, source=CLIENT)

    def curl(self):
        """Options of a curl that asks the same way."""
        return ["--interface", CLIENT, "-H", f"Host: {HOST}"]

    def url(self, path):
        return f"http://{self.address}{path}"

    def end(self):
        self.process.terminate()
        self.process.wait(10)


def all_of(platform):
    """Each in turn."""
    for name, file, listens in (
        ("nginx", "nginx.conf", "listen 80;"),
        ("caddy", "Caddyfile", f"http://{HOST}:80 {{"),
        ("haproxy", "haproxy.cfg", "bind :80\n"),
    ):
        front = Front(platform, name, file, listens)
        yield front
        front.end()
