"""Twenty-four packages of all kinds and architectures, and a table written by hand of who is to be offered which."""

import io
import struct
import zipfile

from . import whole

# Name, bytes, what is said of it, and what the API has to say then: kind, platform, architecture.
PACKAGES = (
    ("notes.apk", lambda: (whole.FILES / "signed-rsa.apk").read_bytes(), {}, ("apk", "android", "universal")),
    ("notes.aab", lambda: bundle("arm64-v8a"), {}, ("aab", "android", "aarch64")),
    ("notes.ipa", lambda: whole.zipped("Payload/Notes.app/Info.plist"), {}, ("ipa", "ios", "universal")),
    ("notes-phone", lambda: whole.mach_o(system=2), {}, ("macho", "ios", "aarch64")),
    ("notes-mac-arm64", whole.mach_o, {}, ("macho", "macos", "aarch64")),
    ("notes-mac-x64.zip", lambda: whole.zipped("Notes.app/x"), {"platform": "Darwin", "arch": "AMD64"}, ("zip", "macos", "x86_64")),
    ("notes-fat", lambda: fat(0x01000007, 0x0100000C), {}, ("macho", "macos", "universal")),
    ("notes-x64.msi", lambda: (whole.FILES / "msi-x64.msi").read_bytes(), {}, ("msi", "windows", "x86_64")),
    ("notes-arm64.exe", lambda: whole.pe(0xAA64), {}, ("exe", "windows", "aarch64")),
    ("notes-x86.exe", lambda: whole.pe(0x014C), {}, ("exe", "windows", "x86")),
    ("notes-x64.zip", lambda: whole.zipped("notes.exe"), {"platform": "win32", "arch": "x64"}, ("zip", "windows", "x86_64")),
    ("notes_amd64.deb", lambda: deb("amd64"), {}, ("deb", "linux", "x86_64")),
    ("notes_arm64.deb", lambda: deb("arm64"), {}, ("deb", "linux", "aarch64")),
    ("notes_armhf.deb", lambda: deb("armhf"), {}, ("deb", "linux", "armv7")),
    ("notes_ppc64el.deb", lambda: deb("ppc64el"), {}, ("deb", "linux", "ppc64el")),
    ("notes.x86_64.rpm", lambda: (whole.FILES / "rpm-x86_64.rpm").read_bytes(), {}, ("rpm", "linux", "x86_64")),
    ("notes.src.rpm", lambda: source_rpm(), {}, ("rpm", "none", "source")),
    ("Notes-x86_64.AppImage", whole.app_image, {}, ("appimage", "linux", "x86_64")),
    ("Notes-riscv64.AppImage", lambda: whole.app_image(243), {}, ("appimage", "linux", "riscv64")),
    ("notes.tar.xz", lambda: whole.tarball(mode="w:xz"), {"platform": "GNU/Linux", "arch": "i686"}, ("tar.xz", "linux", "x86")),
    ("notes.tar.gz", whole.tarball, {"platform": "harmonyos", "arch": "arm64-v8a"}, ("tar.gz", "harmony", "aarch64")),
    ("notes.jar", lambda: whole.zipped("META-INF/MANIFEST.MF", "org/Notes.class"), {}, ("jar", "any", "universal")),
    ("notes-freebsd", lambda: elf(abi=9), {}, ("other", "none", "x86_64")),
    ("notes.dat", lambda: b"anything at all", {"kind": "other"}, ("other", "none", "universal")),
)

# A machine; how it is called, platform and architecture apart by a blank (`-` is none named); what it is to be offered.
MACHINES = (
    (
        "an Android phone",
        "android - | Android - | ANDROID - | android arm64-v8a | android arm64 | Android aarch64 | android x86_64 | android armeabi-v7a"
        " | android universal | linux-android arm64",
        "notes.apk",
    ),
    (
        "an iPhone",
        "ios arm64 | iOS arm64 | iphone aarch64 | iPhoneOS ARM64 | ipados arm64 | iPadOS arm64e | ipad aarch64 | IOS AArch64 | ios-arm64 arm64"
        " | ios ios-arm64",
        "notes-phone",
    ),
    (
        "an iPhone that says no more",
        "ios - | iOS - | IOS - | iphone - | iPhone - | iphoneos - | ipad - | iPad - | ipados - | iPadOS -",
        "notes.ipa",
    ),
    (
        "a Mac of Apple's silicon",
        "macos arm64 | macOS aarch64 | Darwin arm64 | darwin ARM64 | mac arm64 | osx osx-arm64 | macosx arm64e | Mac%20OS%20X arm64"
        " | osx-arm64 arm64 | darwin aarch64",
        "notes-mac-arm64",
    ),
    (
        "a Mac of Intel's",
        "macos x86_64 | macOS x64 | Darwin amd64 | darwin x86_64 | mac x86-64 | osx osx-x64 | macosx x86_64h | OSX AMD64 | osx.12-x64 x64"
        " | darwin X64",
        "notes-mac-x64.zip",
    ),
    (
        "a Mac that says no more",
        "macos - | macOS - | Darwin - | darwin - | mac - | osx - | macosx - | MacOS - | maccatalyst - | macos universal2",
        "notes-fat",
    ),
    (
        "a Windows of 64 bits",
        "windows - | Windows x64 | win32 x64 | win AMD64 | Windows_NT amd64 | win64 x86_64 | WINDOWS EM64T | win-x64 win-x64 | win10-x64 -"
        " | MINGW64_NT-10.0-19045 x86_64",
        "notes-x64.msi",
    ),
    (
        "a Windows on ARM",
        "windows arm64 | Windows ARM64 | win32 arm64 | win Arm64 | Windows_NT aarch64 | win64 arm64 | windows win-arm64 | win-arm64 arm64"
        " | win11 arm64ec | cygwin_nt-10.0 aarch64",
        "notes-arm64.exe",
    ),
    (
        "a Windows of 32 bits",
        "windows x86 | Windows i386 | win32 ia32 | win 386 | Windows_NT i686 | win32 Intel | windows win-x86 | win-x86 x86 | win7 I586 | win x86",
        "notes-x86.exe",
    ),
    (
        "a Linux of 64 bits",
        "linux - | Linux x86_64 | linux amd64 | linux x64 | GNU-Linux x86-64 | linux-gnu AMD64 | linux-musl linux-musl-x64 | linux-x64 x64"
        " | linux2 x86_64 | LINUX -",
        "Notes-x86_64.AppImage",
    ),
    (
        "a Linux on ARM of 32 bits",
        "linux armv7 | Linux armv7l | linux armhf | linux arm | linux arm32v7 | linux linux-arm | linux armv7hl | linux armeabi-v7a"
        " | Linux ARM | linux armv8l",
        "notes_armhf.deb",
    ),
    (
        "a Linux on POWER",
        "linux ppc64le | Linux ppc64le | linux ppc64el | linux PPC64LE | linux powerpc64le | GNU-Linux ppc64le | linux-gnu ppc64el"
        " | linux2 ppc64le | LINUX PPC64EL | linux linux-ppc64le",
        "notes_ppc64el.deb",
    ),
)

# Beside the machines: what else the order and the parameters decide. None: 404 `no_package`.
OTHERS = (
    ("linux?arch=riscv64", "Notes-riscv64.AppImage"),
    ("linux?arch=riscv64gc", "Notes-riscv64.AppImage"),
    ("linux?arch=arm64", "notes_arm64.deb"),
    ("linux?arch=i386", "notes.tar.xz"),
    ("linux?kind=deb", "notes_amd64.deb"),
    ("linux?kind=rpm", "notes.x86_64.rpm"),
    ("linux?kind=rpm&arch=source", None),
    ("linux?arch=s390x", "notes.jar"),
    ("linux?arch=s390x&kind=deb", None),
    ("windows?kind=zip", "notes-x64.zip"),
    ("android?kind=aab", "notes.aab"),
    ("android?kind=aab&arch=x64", None),
    ("harmony", "notes.tar.gz"),
    ("ohos?arch=arm64", "notes.tar.gz"),
    ("any", "notes.jar"),
    ("any?kind=other", None),
    ("macos?kind=dmg", None),
)

# What a browser calls itself, and what the button of the page gives.
BROWSERS = (
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36", "notes.apk"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "notes-x64.msi"),
    ("Mozilla/5.0 (Windows NT 10.0; ARM64; rv:140.0) Gecko/20100101 Firefox/140.0", "notes-arm64.exe"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15", "notes-fat"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Notes-x86_64.AppImage"),
    ("Mozilla/5.0 (X11; Linux aarch64; rv:140.0) Gecko/20100101 Firefox/140.0", "notes_arm64.deb"),
    ("Mozilla/5.0 (X11; Linux armv7l; rv:140.0) Gecko/20100101 Firefox/140.0", "notes_armhf.deb"),
)

# What does not say what it runs on, and is refused without `platform`: a name, its bytes, whether its name tells already.
SILENT = (
    ("notes.zip", lambda: whole.zipped("notes.txt"), True),
    ("notes.tar.gz", whole.tarball, True),
    ("notes.tgz", whole.tarball, True),
    ("notes.tar.xz", lambda: whole.tarball(mode="w:xz"), True),
    ("notes.tar.bz2", lambda: whole.tarball(mode="w:bz2"), True),
    ("install.sh", lambda: b"#!/bin/sh\necho\n", False),
    ("page.html", lambda: b"<!doctype html><title>502</title>", False),
    ("notes.bin", lambda: b"anything at all", False),
    ("notes", lambda: whole.zipped("notes.txt"), False),
)


def bundle(abi):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name in ("BundleConfig.pb", "base/manifest/AndroidManifest.xml", f"base/lib/{abi}/libnotes.so"):
                archive.writestr(name, b"x")
        return file.getvalue()


def deb(architecture):
    return whole.deb(f"Package: notes\nVersion: 3.0\nArchitecture: {architecture}\nDescription: Notes\n")


def source_rpm():
    """The lead says so (rpm.org, "V4 Package format")."""
    content = bytearray((whole.FILES / "rpm-x86_64.rpm").read_bytes())
    content[7] = 1
    return bytes(content)


def fat(*cpus):
    """One program for each (`mach-o/fat.h`)."""
    programs = [whole.mach_o(cpu) for cpu in cpus]
    head = struct.pack(">II", 0xCAFEBABE, len(cpus))
    for number, (cpu, program) in enumerate(zip(cpus, programs, strict=True)):
        head += struct.pack(">IIIII", cpu, 0, 4096 * (number + 1), len(program), 12)
    return head.ljust(4096, b"\0") + b"".join(programs)


def elf(abi):
    """A header alone, without sections and segments."""
    start = (b"\x7fELF\x02\x01\x01" + bytes([abi])).ljust(16, b"\0")
    return start + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 0, 0, 64, 56, 0, 64, 0, 0)
