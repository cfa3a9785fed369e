"""What is not whole: every kind cut off, pages that are named as packages, an APK that was changed after it was signed.

`run` sends them as clients do and expects each to be refused with nothing kept; whole ones are published, and what was
sent with `kind=other` is offered to nobody who names a platform.
"""

import hashlib
import io
import struct
import subprocess
import tarfile
import zipfile

from . import archives, fixtures, tus, web
from .check import ROOT
from .developer import Publication, curl_put, for_any, problem_code
from .visitor import Visitor

FILES = ROOT / "crates" / "packages" / "tests" / "files"
APP, VERSION = "whole", "7.0.0"
PAGES = {
    "an error page": b"<html>502 Bad Gateway</html>\n",
    "JSON": b'{"message": "Not Found", "documentation_url": "https://example.org"}',
    "a text": b"404: Not Found",
    "zeros": bytes(5000),
}
# Endings beside those of `packages`, which stand for a kind as well.
ENDINGS = ("jar", "whl", "tgz", "APK", "nupkg", "msix", "pkg", "snap", "flatpak", "7z", "xapk", "hap", "tar.xz")
# Of those, what names no system: its platform has to be said.
WITHOUT_SYSTEM = (".zip", ".tar.gz", ".tgz", ".tar.xz", ".7z", ".nupkg")


def run(check, platform, admin):
    admin.make_app(APP)
    ways = Ways(check, platform, admin)
    whole = packages(check)
    before = kept(platform, admin)
    cut_off(check, ways, whole)
    named_as(check, ways, whole)
    changed(check, ways)
    check.figure("refused as not whole", sum(ways.counts.values()))
    check.until(30, lambda: not platform.staged(), "staging empty after what is not whole")
    check.equal(kept(platform, admin), before, "blobs and releases after what is not whole")
    taken_as_it_is(check, platform, admin, ways, whole)
    published(check, platform, admin, whole)
    check.figure("sent by", ", ".join(f"{name} {count}" for name, count in ways.counts.items()))


def cut_off(check, ways, whole):
    for kind, (name, content) in whole.items():
        lengths = {len(content) * part // 8 for part in range(1, 8)} | {4, len(content) - 1}
        lengths = sorted(lengths if check.long else check.random.sample(sorted(lengths), 4) + [len(content) - 1])
        for length in lengths:
            ways.refused(name, content[:length], f"{kind} cut off at {length} of {len(content)}")
    # What begins as a package is one, whatever its name.
    for kind in ("apk", "deb", "exe", "rpm", "msi", "appimage"):
        _, content = whole[kind]
        ways.refused("notes.bin", content[: len(content) * 3 // 4], f"{kind} cut off and named notes.bin")


def named_as(check, ways, whole):
    for ending in (*whole, *ENDINGS):
        if ending == "macho":
            continue
        pages = list(PAGES.items()) if check.long else [check.random.choice(list(PAGES.items()))]
        for what, content in pages:
            ways.refused(f"notes.{ending}", content, f"{what} named notes.{ending}")
    ways.refused("notes.apk", whole["zip"][1], "a zip named notes.apk", "AndroidManifest.xml")
    ways.refused("notes.msi", whole["exe"][1], "a PE named notes.msi", "msi")


def changed(check, ways):
    """Bytes that differ from the digest in the APK's own signature."""
    words = "changed after it was signed"
    mismatch = (FILES / "apk-v3-digest-mismatch.apk").read_bytes()
    for _ in ways.each():
        ways.refused("notes.apk", mismatch, "an APK whose v3 digest does not match", words)
    count = check.count(short=6, long=200)
    for number in range(count):
        name = check.random.choice(("signed-rsa.apk", "signed-rsa4096.apk", "signed-ecdsa.apk", "signed-verity.apk"))
        content = bytearray((FILES / name).read_bytes())
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entry = archive.getinfo("assets/x")
        place = entry.header_offset + 60 + check.random.randrange(entry.compress_size - 60)
        content[place] ^= 1 << check.random.randrange(8)
        ways.refused("notes.apk", bytes(content), f"{name} with byte {place} changed ({number})", words)
    check.figure("changed APKs refused", count + len(ways.counts))


def taken_as_it_is(check, platform, admin, ways, whole):
    """`kind=other`: at its own address and on the page, and nowhere else."""
    visitor = Visitor(platform)
    cut = whole["apk"][1][:5000]
    sent = 0
    for number, way in enumerate(ways.each()):
        version = f"9.{number}.0"
        status, body = ways.send(way, "notes.apk", cut, {"version": version, "channel": "stable", "kind": "other"})
        check.expect(status in (201, 204), f"kind=other by {way}: {status} {body[:300]}")
        release = admin.until_published(APP, version, 60)
        package = release["packages"][0]
        check.equal((package["kind"], package["platform"]), ("other", "none"), f"what kind=other becomes by {way}")
        check.expect(package["warnings"], f"kind=other by {way}: no warning")
        visitor.prove(publication(version, "notes.apk", cut))
        sent += 1
    platforms = ("android", "ios", "macos", "windows", "linux", "any")
    for name in platforms:
        for query in ("", "?kind=other"):
            answer = visitor.get(f"/d/{APP}/latest/{name}{query}")
            check.equal((answer.status, answer.code), (404, "no_package"), f"latest/{name}{query} of kind=other alone")
    check.equal(visitor.get(f"/d/{APP}/latest/none").status, 404, "latest/none")
    page = visitor.fetch(f"/a/{APP}", {"User-Agent": "Mozilla/5.0 (Linux; Android 14)"}).body.decode()
    check.expect('class="button"' not in page, "the page has a button for what was sent with kind=other")
    check.expect(f"/d/{APP}/9.{sent - 1}.0/notes.apk" in page, "the page does not show what was sent with kind=other")
    wrong = admin.put(APP, "notes.apk", cut, {"version": "9.9.0", "kind": "apk"})
    check.equal((wrong.status, wrong.code), (422, "kind_unknown"), f"kind=apk ({wrong})")
    climbing = archives.raw([("../../etc/cron.d/owned", b"* * * * *")])
    hostile = admin.put(APP, "notes.zip", climbing, {"version": "9.9.0", "kind": "other"})
    check.equal((hostile.status, hostile.code), (422, "archive_refused"), f"a hostile zip with kind=other ({hostile})")
    check.figure("taken with kind=other and given by no latest", sent)


def published(check, platform, admin, whole):
    """Whole ones of every kind, in versions below those that `latest` passes over."""
    visitor = Visitor(platform)
    for number, (kind, (name, content)) in enumerate(whole.items()):
        release = admin.publish(APP, f"1.{number}.0", name, content, **target(name))
        visitor.prove(release)
        package = admin.release(APP, release.version)["packages"][0]
        check.equal(package["kind"], kind, f"kind of a whole {name}")
        if kind == "apk":
            check.equal(visitor.latest(APP, "android")[0], release.path, "latest/android beside kind=other")
    check.figure("whole packages published", len(whole))


def target(name):
    return {"platform": "linux"} if name.endswith(WITHOUT_SYSTEM) else {}


def publication(version, filename, content):
    return Publication(APP, version, filename, hashlib.sha256(content).hexdigest(), len(content))


def kept(platform, admin):
    blobs = sorted(path.name for path in (platform.blobs() / "sha256").rglob("*") if path.is_file())
    return blobs, [release["version"] for release in admin.releases(APP)]


class Ways:
    """The ways by which packages are sent, in turn."""

    def __init__(self, check, platform, admin):
        self.check, self.platform, self.admin = check, platform, admin
        self.counts = {"curl": 0, "tus": 0}
        self.next = 0
        # A server without the form answers so before it looks into it.
        if self.form("x.bin", b"", {})[0] not in (404, 405):
            self.counts["form"] = 0

    def each(self):
        return list(self.counts)

    def refused(self, name, content, what, words="not whole"):
        """Sends what is not whole, to be published; it has to be refused, in words that name it and the way out."""
        way = self.each()[self.next % len(self.counts)]
        self.next += 1
        status, body = self.send(way, name, content, {"version": VERSION, "channel": "stable"} | target(name))
        code = problem_code(body)
        self.check.equal((status, code), (422, "package_damaged"), f"{what}, by {way} ({body[:300]})")
        for word in (words, name, "kind=other"):
            self.check.expect(word.encode() in body, f"{what}: {word!r} is not said: {body}")

    def send(self, way, name, content, fields):
        """Returns status and body of the last answer."""
        self.counts[way] += 1
        return getattr(self, way)(name, content, fields)

    def curl(self, name, content, fields):
        path = self.check.folder / "sent"
        path.write_bytes(content)
        query = "&".join(f"{field}={value}" for field, value in for_any(name, fields).items())
        url = f"http://{self.platform.gateway}/api/v1/apps/{APP}/packages/{name}?{query}"
        status, body, _ = curl_put(self.check, url, path, self.admin.token)
        return status, body

    def tus(self, name, content, fields):
        """In two pieces, the second of which makes the package."""
        address, token, half = self.platform.gateway, self.admin.token, len(content) // 2
        made = tus.create(address, token, APP, len(content), filename=name, **fields)
        self.check.equal(made.status, 201, f"a session for {name} ({made})")
        path = tus.path_of(made)
        first = tus.patch(address, token, path, 0, content[:half])
        self.check.equal(first.status, 204, f"the first half of {name} ({first})")
        last = tus.patch(address, token, path, half, content[half:])
        if last.status == 422:
            there = web.request(address, "HEAD", path, headers=tus.VERSION, token=token).status
            self.check.expect(there in (404, 410), f"the session of a refused {name}: {there}")
        return last.status, last.body

    def form(self, name, content, fields):
        path = self.check.folder / "sent"
        path.write_bytes(content)
        url = f"http://{self.platform.gateway}/api/v1/apps/{APP}/packages"
        command = ["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {self.admin.token}"]
        for field, value in for_any(name, fields).items():
            command += ["-F", f"{field}={value}"]
        command += ["-F", f"file=@{path};filename={name}", url]
        done = subprocess.run(command, capture_output=True, timeout=330, check=False)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body


# --- whole packages of every kind -----------------------------------------------------------------------------------


def packages(check):
    """Kind to a file name and the bytes of a small whole package; the APK is a real one of some MiB in long form."""
    apk = fixtures.real(check, "settings-1.apk") if check.long else FILES / "signed-rsa.apk"
    return {
        "apk": ("notes.apk", apk.read_bytes()),
        "aab": ("notes.aab", zipped("BundleConfig.pb", "base/manifest/AndroidManifest.xml")),
        "ipa": ("notes.ipa", zipped("Payload/Notes.app/Info.plist")),
        "zip": ("notes.zip", zipped("notes/notes.txt")),
        "jar": ("notes.jar", zipped("META-INF/MANIFEST.MF", "org/Notes.class")),
        "deb": ("notes_1.0_amd64.deb", deb()),
        "rpm": ("notes.rpm", (FILES / "rpm-x86_64.rpm").read_bytes()),
        "msi": ("notes.msi", (FILES / "msi-x64.msi").read_bytes()),
        "exe": ("notes.exe", pe()),
        "appimage": ("Notes.AppImage", app_image()),
        "macho": ("notes-macos", mach_o()),
        "dmg": ("Notes.dmg", dmg()),
        "tar.gz": ("notes.tar.gz", tarball()),
    }


def zipped(*names):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(name, f"{name}\n" * 50)
        return file.getvalue()


def tarball(name="notes/notes.txt", mode="w:gz", content=None):
    content = content or bytes(range(250)) * 12
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode=mode) as archive:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        return file.getvalue()


def deb(control=None):
    """`control`: its fields as text; bytes that are none by default."""
    control = tarball("./control", "w:gz", control and control.encode())
    archive = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.gz", control), ("data.tar", tarball(mode="w:"))):
        archive += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content
        archive += b"\n" * (len(content) % 2)
    return archive


def pe(machine=0x8664):
    """Headers, one section of 1 KiB, and a signature behind it (Microsoft, "PE Format")."""
    head = b"MZ".ljust(24, b"\0") + b"\x40"
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, 240, 0x22)
    directories = bytes(4 * 8) + struct.pack("<II", 2048, 64) + bytes(11 * 8)
    optional = struct.pack("<H", 0x20B).ljust(108, b"\0") + struct.pack("<I", 16) + directories
    section = b".text\0\0\0" + struct.pack("<IIIIIIHHI", 1024, 4096, 1024, 1024, 0, 0, 0, 0, 0x60000020)
    start = head.ljust(60, b"\0") + struct.pack("<I", 64) + coff + optional + section
    return start.ljust(1024, b"\0") + b"\xcc" * 1024 + b"s" * 64


def app_image(machine=62):
    """An ELF of one empty section that ends at 128, and a squashfs of 4 KiB that says how long it is."""
    start = b"\x7fELF\x02\x01\x01\0AI\x02".ljust(16, b"\0")
    start += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 0, 64, 0, 64, 56, 0, 64, 1, 0)
    system = b"hsqs".ljust(40, b"\0") + struct.pack("<Q", 4096)
    return start.ljust(128, b"\0") + system.ljust(4096, b"s")


def mach_o(cpu=0x0100000C, system=1):
    """One segment of 4,000 bytes and a signature of 96 behind it (`mach-o/loader.h`); 1 is macOS, 2 is iOS."""
    built = struct.pack("<IIIIII", 0x32, 24, system, 0, 0, 0)
    segment = struct.pack("<II16sQQQQIIII", 0x19, 72, b"__LINKEDIT", 0, 4096, 0, 4000, 1, 1, 0, 0)
    signature = struct.pack("<IIII", 0x1D, 16, 4000, 96)
    head = struct.pack("<IIIIIIII", 0xFEEDFACF, cpu, 0, 2, 3, len(segment + signature + built), 0, 0)
    return (head + segment + signature + built).ljust(4096, b"m")


def dmg():
    """Data, and the trailer that makes an Apple disk image of it."""
    trailer = struct.pack(">4sIIIQQQQQII", b"koly", 4, 512, 1, 0, 0, 3000, 0, 0, 1, 1).ljust(216, b"\0")
    trailer += struct.pack(">QQ", 3000, 1096)
    return b"d" * 4096 + trailer.ljust(512, b"\0")
