"""A PostgreSQL server of a check's own, which it may stop, kill and lock."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess

from .platform import free_port


def program(name):
    """The path of one of the server's programs, which Debian keeps out of `PATH`; None where there is none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


class Server:
    """Data that are thrown away with the check's folder, on a loopback port that stays the same."""

    def __init__(self, check):
        self.check = check
        if program("initdb") is None:
            check.skip("PostgreSQL is not installed")
        check.need("psql")
        self.folder = check.folder / "postgres"
        self.folder.mkdir()
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}"
        self.process = None
        # It refuses to run as root.
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.getuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "postgres", "postgres")
            # The way to it is open to nobody else by default.
            for folder in self.folder.parents:
                if folder == check.folder.parent:
                    break
                folder.chmod(0o711)
        options = ["--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        command = [*self.user, program("initdb"), "--pgdata", self.folder / "data", *options]
        subprocess.run(command, capture_output=True, check=True, timeout=60)

    def start(self):
        settings = ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200", f"unix_socket_directories={self.folder}"]
        options = [option for setting in settings for option in ("-c", setting)]
        command = [*self.user, program("postgres"), "-D", self.folder / "data", "-p", str(self.port), *options]
        with (self.check.logs / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        ready = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        self.check.until(30, lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL ready")
        return self

    def stop(self):
        """As an operator who does not wait for the clients."""
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(30)

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        # Its children end with it, and hold its memory until they have.
        self.check.until(10, lambda: not self.children(), "the end of PostgreSQL's processes")

    def hang(self):
        self.signal(signal.SIGSTOP)

    def wake(self):
        self.signal(signal.SIGCONT)

    def signal(self, number):
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def children(self):
        """The ids of the server's processes but the first."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, _, rest = path.read_text().partition(" (")[2].rpartition(") ")
                command = (path.parent / "cmdline").read_bytes().decode(errors="replace")
                if name == "postgres" and (int(rest.split()[1]) == self.process.pid or str(self.folder) in command):
                    found.append(int(path.parent.name))
        return [pid for pid in found if pid != self.process.pid]

    def session(self, database, statement):
        """Begins a session that has executed `statement` and waits; it ends with its standard input."""
        command = ["psql", "--quiet", "--no-psqlrc", f"{self.url}/{database}"]
        session = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        session.stdin.write(f"{statement};\n\\echo done\n".encode())
        session.stdin.flush()
        self.check.equal(session.stdout.readline().strip(), b"done", f"`{statement}` in PostgreSQL")
        return session
