"""Packages whose manifests would make a reader hold, unpack or read far more than they are."""

import io
import lzma
import struct
import tarfile
import zipfile
import zlib

MIB = 1 << 20


def hostile():
    """File name to its bytes, and the kind that it is taken as, or None where it is refused as not whole."""
    return {
        "lists.ipa": (zipped({"Payload/Notes.app/Info.plist": lists()}), "ipa"),
        "deep.ipa": (zipped({"Payload/Notes.app/Info.plist": b"<plist>" + b"<array>" * 200_000}), "ipa"),
        "entities.msix": (zipped({"[Content_Types].xml": b"x", "AppxManifest.xml": entities()}), "msix"),
        "deep.hap": (zipped({"module.json": b"[" * MIB, "resources.index": b"x"}), "hap"),
        "contents.pkg": (xar(b" " * (128 * MIB)), None),
        "window.tar.xz": (window(), "tar.xz"),
        "length.snap": (b"hsqs" + b"\xff" * 92, None),
    }


def zipped(entries):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
        return file.getvalue()


def lists():
    """A binary property list of fifty lists, each of which names the next one two hundred times."""
    body, places = b"bplist00", []
    for index in range(50):
        places.append(len(body))
        body += b"\xaf\x10" + bytes([200]) + bytes([index + 1]) * 200
    places.append(len(body))
    body += b"\x51x"
    table = struct.pack(f">{len(places)}H", *places)
    return body + table + bytes(6) + b"\x02\x01" + struct.pack(">QQQ", len(places), 0, len(body))


def entities():
    """The billion laughs."""
    defined = "".join(f"<!ENTITY a{n + 1} \"{10 * ('&a%d;' % n)}\">" for n in range(12))
    return f'<!DOCTYPE p [<!ENTITY a0 "ha">{defined}]><Package><Identity Name="&a12;"/>&a12;</Package>'.encode()


def xar(table):
    packed = zlib.compress(table, 9)
    return struct.pack(">4sHHQQI", b"xar!", 28, 1, len(packed), len(table), 1) + packed


def tarred(size):
    entry = tarfile.TarInfo("notes/zeros")
    entry.size = size
    return entry.tobuf()


def window():
    """It asks for a dictionary of 1.5 GiB."""
    content = bytearray(lzma.compress(tarred(512) + bytes(1536)))
    # The size of the dictionary is one byte in the header of the block, whose checksum follows it.
    at = content.index(b"\x21\x01") + 2
    content[at] = 37
    start, length = 12, (content[12] + 1) * 4
    content[start + length - 4 : start + length] = struct.pack("<I", zlib.crc32(content[start : start + length - 4]))
    return bytes(content)
