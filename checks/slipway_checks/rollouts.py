"""`slipway rollout` as an operator calls it, what it keeps, and what runs."""

import json
import os
import signal
import subprocess
import time

from .platform import BINARIES

ENDED = ("planned", "ended")


class Rollouts:
    """Roll-outs of the fleet of `platform`, with `times` (seconds by option) that suit a check. `fleet` are options that name
    another one, whose roll-outs are kept in `data`."""

    def __init__(self, check, platform, times, fleet=(), data=None, environment=None):
        self.check, self.platform, self.data = check, platform, data or platform.data
        self.fleet, self.environment = fleet, os.environ | (environment or {})
        self.times = [word for name, seconds in times.items() for word in (f"--{name}", str(seconds))]
        self.logs = check.folder / "logs"
        self.runs = len(list(self.logs.glob("rollout-*.log")))

    def begin(self, *arguments):
        """Starts it and does not wait."""
        self.runs += 1
        log = self.logs / f"rollout-{self.runs:02}.log"
        # What a check builds is in no release.
        times = [*self.times, "--unsigned"] if "--to" in arguments else []
        command = [BINARIES / "slipway", "rollout", *self.fleet, "--data", self.data, "--json", *arguments, *times]
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [str(word) for word in command], env=self.environment, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL
            )
        # It ends with the check, before what it rolls out is taken away.
        self.platform.children.append(process)
        return process

    def end(self, process, seconds=300):
        """Waits for it. Returns the exit code and the document that it printed."""
        output, _ = process.communicate(timeout=seconds)
        return process.returncode, json.loads(output)

    def run(self, *arguments):
        return self.end(self.begin(*arguments))

    def kept(self):
        path = self.data / "versions" / "rollout.json"
        return json.loads(path.read_text()) if path.exists() else None

    def goes_on(self):
        kept = self.kept()
        return kept is not None and kept["phase"] not in ENDED

    def place(self):
        """The step and the phase of what goes on; None where nothing does."""
        kept = self.kept()
        return (kept["at"], kept["phase"]) if kept and kept["phase"] not in ENDED else None

    def killed_at_every_step(self, *arguments, phases=None):
        """Kills the command at each phase (or at `phases`) of each step as soon as it is there, and resumes it. Returns the
        places where it was killed."""
        process, killed = self.begin(*arguments), []
        while process.poll() is None:
            place = self.place()
            if place and place not in killed and (phases is None or place[1] in phases):
                killed.append(place)
                os.kill(process.pid, signal.SIGKILL)
                process.communicate()
                if self.goes_on():
                    process = self.begin("--resume")
            time.sleep(0.02)
        self.check.expect(not self.goes_on(), "it goes on although nobody drives it")
        return killed
