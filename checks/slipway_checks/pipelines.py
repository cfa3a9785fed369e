"""The shell steps of deploy/ci, run against a platform as a pipeline would run them."""

import os
import re
import subprocess

from . import fixtures, whole
from .check import ROOT

CI = ROOT / "deploy" / "ci"
EXAMPLE = "https://apps.example.org"


def pipelines(check, platform, developer):
    """A token that may upload and release one app publishes in four ways; the same again changes nothing."""
    developer.make_app("notes")
    token = developer.make_token("pipeline", ["upload", "release"], app="notes")
    folder = check.folder / "pipeline"
    (folder / "dist").mkdir(parents=True)
    small = whole.packages(check)
    apk = fixtures.real(check, "settings-1.apk").read_bytes()
    (folder / "dist" / "notes.apk").write_bytes(apk)
    (folder / "dist" / "notes.deb").write_bytes(small["deb"][1])
    base = {"SLIPWAY_SERVER": f"http://{platform.gateway}", "SLIPWAY_TOKEN": token, "SLIPWAY_APP": "notes"}
    single = base | {"SLIPWAY_FILES": "dist/*.apk"}
    several = base | {"SLIPWAY_FILES": "dist/*.apk dist/*.deb", "SLIPWAY_VERSION": "12.0.0+7"}

    steps = {
        "plain curl": (curl(), single),
        "GitHub, one file": (github(), single),
        "GitHub, two files": (github(), several),
        "GitLab, two files": (gitlab(), several),
        "fastlane": (fastlane(folder), single),
    }
    for name, (script, environment) in steps.items():
        for time in ("first", "again"):
            done = step(folder, script.replace(EXAMPLE, base["SLIPWAY_SERVER"]), environment)
            check.equal(done.returncode, 0, f"{name}, {time}: exit code ({done.stdout[-300:]} {done.stderr[-600:]})")
    released = {release["version"]: release["packages"] for release in developer.releases("notes")}
    check.equal(len(released["12.0.0+7"]), 2, "packages of the release of two files")
    check.equal(len(released), 2, "releases, the version of the package and the one that was named")
    odd = ["notes #1 & \"new\".apk", "50%25+é?.deb"]
    (folder / "odd").mkdir()
    for name, file in zip(odd, ("notes.apk", "notes.deb"), strict=True):
        (folder / "odd" / name).write_bytes((folder / "dist" / file).read_bytes())
    done = step(folder, github(), several | {"SLIPWAY_SERVER": base["SLIPWAY_SERVER"] + "/", "SLIPWAY_FILES": "odd/*", "SLIPWAY_VERSION": "13.0.0+7"})
    check.equal(done.returncode, 0, f"odd names: exit code ({done.stderr[-600:]})")
    there, = (release for release in developer.releases("notes") if release["version"] == "13.0.0+7")
    check.equal(sorted(package["filename"] for package in there["packages"]), sorted(odd), "names of the files as they are here")
    (folder / "odd" / "plain.zip").write_bytes(small["zip"][1])
    refused = step(folder, github(), several | {"SLIPWAY_FILES": "odd/*", "SLIPWAY_VERSION": "13.0.1"})
    check.expect(refused.returncode != 0 and "platform_required" in refused.stderr, f"a refusal of one of several files ends with {refused.returncode}, {refused.stderr!r}")
    refused = step(folder, github(), single | {"SLIPWAY_TOKEN": token[:-1] + ("0" if token[-1] != "0" else "1")})
    check.expect(refused.returncode != 0 and "401" in refused.stderr, f"a wrong token ends with {refused.returncode}, {refused.stderr!r}")
    for text in (refused.stdout, refused.stderr):
        check.expect(token not in text, "a step prints the token")
    check.figure("pipelines", len(steps))


def step(folder, script, environment):
    clean = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=clean | environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )


def curl():
    return re.search(r"<!-- pipeline -->\s*```sh\n(.*?)```", (CI / "README.md").read_text(), re.DOTALL)[1]


def github():
    command, = re.findall(r"^      run: (.+)$", (CI / "action.yml").read_text(), re.MULTILINE)
    return command.replace("$GITHUB_ACTION_PATH", str(CI))


def gitlab():
    """`before_script` and `script`; the folder for programs that are there already is this machine's."""
    text = (CI / "gitlab.yml").read_text()
    embedded = re.search(r"<<'SCRIPT'\n(.*?)\n      SCRIPT\n", text, re.DOTALL)[1]
    embedded = re.sub(r"^ {6}", "", embedded, flags=re.MULTILINE)
    own = (CI / "publish.sh").read_text().split("\n", 1)[1].rstrip("\n")
    if embedded != own:
        raise AssertionError("deploy/ci/gitlab.yml has other steps than publish.sh")
    return embedded


def fastlane(folder):
    """What the lane hands to a shell, with Ruby's interpolations done as Ruby does them."""
    text = (CI / "Fastfile").read_text()
    command = re.search(r'sh\("(.*)", log: false\)', text)[1].replace('\\"', '"')
    address = re.search(r'address = "(.*)"', text)[1]
    file = str(folder / "dist" / "notes.apk")
    return command.replace("#{address}", address).replace("#{file.shellescape}", file).replace("#{ERB::Util.url_encode(File.basename(file))}", "notes.apk")
