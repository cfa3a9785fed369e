"""Real packages of four registries, and what other programs say of them.

The list is `checks/corpus.txt`. What is missing is fetched from the ordinary addresses of npm, PyPI, Debian and crates.io
into `target/fixtures/corpus`, under its SHA-256; nothing else is kept. Run as a module it fetches, as `./test` does.
"""

import dataclasses
import email
import hashlib
import io
import os
import pathlib
import plistlib
import re
import subprocess
import sys
import tarfile
import time
import urllib.request
import zipfile

from .check import ROOT
from .fixtures import FOLDER

LIST = ROOT / "checks" / "corpus.txt"
CORPUS = FOLDER / "corpus"
SHORT = 20
TRIES = 3
# What Debian, rpm, Python and `file` call an architecture, where its word here is another.
ARCHES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "armhf": "armv7",
    "i386": "x86",
    "i686": "x86",
    "all": "universal",
    "noarch": "universal",
    "universal2": "universal",
}


@dataclasses.dataclass(frozen=True)
class Package:
    """One line of the list."""

    sha256: str
    address: str
    member: str

    @property
    def filename(self):
        return pathlib.PurePosixPath(self.member or urllib.request.url2pathname(self.address)).name

    @property
    def path(self):
        return CORPUS / self.sha256


def listed(count=None):
    """The first `count` packages of the list; all without a count."""
    lines = [line.split() for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    packages = [Package(sha256, *address.partition("#")[::2]) for sha256, address in lines]
    return packages[:count]


def fetch(packages):
    """Fetches what is missing, an archive once for all of its files. Raises `OSError` where an address cannot be reached."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    missing = {}
    for package in packages:
        if not package.path.exists():
            missing.setdefault(package.address, []).append(package)
    for address, wanted in missing.items():
        content = download(address)
        archive = tarfile.open(fileobj=io.BytesIO(content)) if wanted[0].member else None
        for package in wanted:
            keep(package, archive.extractfile(package.member).read() if package.member else content)


def download(address):
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.read()
        except OSError:
            if attempt == TRIES - 1:
                raise
            time.sleep(1 + attempt)


def keep(package, content):
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != package.sha256:
        raise OSError(f"{package.address} {package.member} has the SHA-256 {sha256}, and the list says {package.sha256}")
    unfinished = package.path.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(content)
    unfinished.rename(package.path)


# --- what others say -------------------------------------------------------------------------------------------------


def told(path, filename):
    """What the program of its trade says of a package, by the names of the API. What it does not say is not there."""
    for ending, look in (
        (".deb", deb),
        (".rpm", rpm),
        (".apk", apk),
        (".whl", wheel),
        (".jar", jar),
        (".msi", msi),
        (".ipa", ipa),
        ((".tgz", ".tar.gz", ".crate"), lambda path: by_mime(path, "application/gzip", "tar.gz")),
        (".zip", lambda path: by_mime(path, "application/zip", "zip")),
    ):
        if filename.endswith(ending):
            return look(path)
    return program(path)


def output(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def deb(path):
    name, version, arch = (output("dpkg-deb", "--field", path, field).strip() for field in ("Package", "Version", "Architecture"))
    return {"kind": "deb", "platform": "linux", "identifier": name, "native_version": version, "arch": ARCHES.get(arch, arch)}


def rpm(path):
    said = output("rpm", "--query", "--package", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE} %{ARCH}", path)
    name, version, arch = said.split()
    return {"kind": "rpm", "platform": "linux", "identifier": name, "native_version": version, "arch": ARCHES.get(arch, arch)}


def apk(path):
    badging = output("aapt", "dump", "badging", path)
    package = re.search(r"^package: name='([^']*)' versionCode='(\d*)' versionName='([^']*)'", badging, re.MULTILINE)
    label = re.search(r"^application-label:'(.+)'$", badging, re.MULTILINE)
    facts = {"kind": "apk", "platform": "android", "identifier": package[1], "version": package[3] or None}
    return facts | {"version_code": int(package[2] or 0) or None, "label": label and label[1]}


def wheel(path):
    with zipfile.ZipFile(path) as archive:
        read = lambda end: archive.read(next(name for name in archive.namelist() if name.endswith(end))).decode()  # noqa: E731
        metadata = email.message_from_string(read(".dist-info/METADATA"))
        tags = email.message_from_string(read(".dist-info/WHEEL")).get_all("Tag")
    facts = {"kind": "whl", "identifier": metadata["Name"], "version": metadata["Version"]}
    system = tags[0].split("-", 2)[2].split(".")[0]
    found = re.fullmatch(r"(any|win|macosx|linux|manylinux|musllinux)(?:\d+(?=_)|_[\d_]*\d(?=_))?_?(.*)", system)
    platforms = {"any": "any", "win": "windows", "macosx": "macos"}
    arch = {"": "universal", "32": "x86"}.get(found[2], ARCHES.get(found[2], found[2]))
    return facts | {"platform": platforms.get(found[1], "linux"), "arch": arch}


def jar(path):
    mime = output("file", "--brief", "--mime-type", path).strip()
    return {"kind": {"application/java-archive": "jar"}[mime], "platform": "any"}


def msi(path):
    rows = dict(line.split("\t", 1) for line in output("msiinfo", "export", path, "Property").splitlines() if "\t" in line)
    template = re.search(r"^Template: (.*?);", output("msiinfo", "suminfo", path), re.MULTILINE)[1].lower()
    arch = {"x64": "x86_64", "intel": "x86", "": "x86"}.get(template, ARCHES.get(template, template))
    facts = {"kind": "msi", "platform": "windows", "arch": arch, "identifier": rows["UpgradeCode"]}
    return facts | {"version": rows["ProductVersion"], "label": rows["ProductName"]}


def ipa(path):
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if re.fullmatch(r"Payload/[^/]+\.app/Info\.plist", name))
        listed = plistlib.loads(archive.read(name))
    facts = {"kind": "ipa", "platform": "ios", "identifier": listed["CFBundleIdentifier"]}
    return facts | {"version": listed["CFBundleShortVersionString"], "label": listed["CFBundleName"]}


def by_mime(path, mime, kind):
    return {"kind": kind} if output("file", "--brief", "--mime-type", path).strip() == mime else {}


def program(path):
    """What `file` says of a program."""
    said = output("file", "--brief", path)
    arches = {
        "x86-64": "x86_64",
        "x86_64": "x86_64",
        "aarch64": "aarch64",
        "Aarch64": "aarch64",
        "arm64": "aarch64",
        "ARM, EABI5": "armv7",
        "RISC-V": "riscv64",
        "64-bit PowerPC": "ppc64le",
    }
    arch = next((arch for word, arch in arches.items() if word in said), None)
    if said.startswith("ELF"):
        system = "none" if "FreeBSD" in said else "android" if "/system/bin/linker" in said else "linux"
        arch = "x86" if "Intel 80386" in said else arch
        return {"kind": "other", "platform": system, "arch": arch}
    if said.startswith("Mach-O"):
        return {"kind": "macho", "platform": "macos", "arch": arch}
    # A 32-bit program says nothing of the machine that it is for.
    facts = {"kind": "exe", "platform": "windows"} if said.startswith("PE32") else {}
    return facts | ({"arch": arch} if arch else {})


if __name__ == "__main__":
    fetch(listed(None if "--long" in sys.argv else SHORT))
