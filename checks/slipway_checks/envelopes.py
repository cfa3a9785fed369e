"""Bodies that are not the package: each with the status, the code and the words that its refusal has to have.

A row is (what it is, headers, status, code, words). Whoever adds a kind adds a row.
"""

import base64
import hashlib
import socket

CONTENT = b"slipway check: the bytes of a package"
OTHER = b"slipway check: the bytes of another one"


def encoded(algorithm, content=CONTENT):
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


def in_hex(algorithm, content=CONTENT):
    return hashlib.new(algorithm, content).hexdigest()


# Refused by the headers of a PUT, before a byte of its body is read.
NOT_THE_PACKAGE = [
    ("a form", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "media_type", "curl -T"),
    ("a form in capitals", {"Content-Type": "Multipart/Form-Data"}, 415, "media_type", "POST"),
    ("another envelope", {"Content-Type": "multipart/related; boundary=x"}, 415, "media_type", "curl -T"),
    ("a piece of tus", {"Content-Type": "application/offset+octet-stream"}, 415, "media_type", "curl -T"),
    ("a tail", {"Content-Range": "bytes 1-2/3"}, 400, "part_refused", "tus"),
    ("a range of unknown size", {"Content-Range": "bytes 0-2/*"}, 400, "part_refused", "tus"),
    ("a part of the IETF's protocol", {"Upload-Complete": "?0"}, 400, "part_refused", "tus"),
    ("a part of its earlier drafts", {"Upload-Incomplete": "?1"}, 400, "part_refused", "tus"),
    ("a piece at an offset", {"Upload-Offset": "5"}, 400, "part_refused", "tus"),
    ("a part to join", {"Upload-Concat": "partial"}, 400, "part_refused", "tus"),
    ("gzip", {"Content-Encoding": "gzip"}, 415, "coding_refused", "as it is"),
    ("zstd after identity", {"Content-Encoding": "identity, zstd"}, 415, "coding_refused", "as it is"),
    ("chunks of S3", {"Content-Encoding": "aws-chunked"}, 415, "coding_refused", "as it is"),
    ("base64 of MIME", {"Content-Transfer-Encoding": "base64"}, 415, "coding_refused", "as it is"),
    ("a condition", {"If-None-Match": "*"}, 400, "condition_refused", "leave it out"),
    ("another method", {"X-HTTP-Method-Override": "PATCH"}, 400, "header_invalid", "its own method"),
    ("a malformed Content-MD5", {"Content-MD5": in_hex("md5")}, 400, "digest_invalid", "Content-MD5"),
    ("a malformed Digest", {"Digest": "SHA-256=abc"}, 400, "digest_invalid", "Digest"),
    ("a malformed Content-Digest", {"Content-Digest": "sha-256=abc"}, 400, "digest_invalid", "Content-Digest"),
    ("a malformed checksum", {"X-Checksum-Sha256": encoded("sha256")}, 400, "digest_invalid", "x-checksum-sha256"),
    (
        "two digests",
        {"X-Checksum-Sha256": in_hex("sha256"), "Digest": f"SHA-256={encoded('sha256', OTHER)}"},
        400,
        "digest_invalid",
        "two digests",
    ),
]

# Digests that are checked: of CONTENT, with OTHER they are 422.
DIGESTS = [
    {"Content-MD5": encoded("md5")},
    {"Digest": f"MD5={encoded('md5')}"},
    {"Digest": f"sha={encoded('sha1')}, unixsum=1"},
    {"Digest": f"SHA-256={encoded('sha256')}"},
    {"Digest": f"id-sha-512={encoded('sha512')}"},
    {"Content-Digest": f"sha-256=:{encoded('sha256')}:"},
    {"Content-Digest": f"crc32c=:AAAAAA==:, sha-512=:{encoded('sha512')}:"},
    {"Repr-Digest": f"sha-256=:{encoded('sha256')}:"},
    {"X-Checksum-Md5": in_hex("md5")},
    {"X-Checksum-Sha1": in_hex("sha1").upper()},
    {"X-Checksum-Sha256": in_hex("sha256")},
]

# Said of a body that is the package all the same.
HARMLESS = [
    {"Content-Type": "application/x-www-form-urlencoded"},
    {"Content-Encoding": "identity"},
    {"Content-Transfer-Encoding": "binary"},
    {"Upload-Complete": "?1", "Upload-Draft-Interop-Version": "6"},
    {"Content-Digest": "crc32c=:AAAAAA==:"},
    {"Digest": "adler32=03da0195"},
]

# Refused at the creation of an upload in pieces, and with a piece.
NOT_A_PIECE = [
    ("a part to join", {"Upload-Concat": "partial"}, 400, "tus_extension_unknown", "Upload-Concat"),
    ("parts to join", {"Upload-Concat": "final;/a /b"}, 400, "tus_extension_unknown", "parallelUploads"),
    ("no length yet", {"Upload-Defer-Length": "1"}, 400, "tus_extension_unknown", "Upload-Defer-Length"),
    ("the IETF's protocol", {"Upload-Draft-Interop-Version": "6"}, 400, "tus_extension_unknown", "tus 1.0"),
    ("gzip", {"Content-Encoding": "gzip"}, 415, "coding_refused", "as it is"),
    ("a range", {"Content-Range": "bytes 0-1/2"}, 400, "part_refused", "tus"),
    ("a digest of another place", {"Content-MD5": encoded("md5")}, 400, "digest_invalid", "Upload-Metadata"),
]

BOUNDARY = "slipway-check"


def form(*parts):
    """A form of (name, filename or None, content, headers...) parts, without the last boundary's line end."""
    body = b""
    for name, filename, content, *headers in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename is not None else "")
        head = [f"--{BOUNDARY}", f"Content-Disposition: {disposition}", *headers, "", ""]
        body += "\r\n".join(head).encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def file_with(*headers):
    return ("file", "notes.bin", CONTENT, *headers)


# Forms that are not one package: (what, parts, status, code, words).
NOT_ONE_PACKAGE = [
    ("no file", [("version", None, b"9")], 400, "form_invalid", "no file"),
    ("two files", [file_with(), ("more", "more.bin", OTHER)], 400, "form_invalid", "two files"),
    ("a parameter as a file", [("version", "version.txt", b"9")], 400, "form_invalid", "as text"),
    ("a parameter twice", [file_with(), ("version", None, b"8"), ("version", None, b"9")], 400, "form_invalid", "twice"),
    ("a misspelt field", [file_with(), ("verison", None, b"9")], 400, "parameter_unknown", "verison"),
    ("a path", [("file", "a/b.bin", CONTENT)], 422, "name_refused", "not a path"),
    ("an empty file", [("file", "a.bin", b"")], 422, "package_empty", "no bytes"),
    ("no version", [file_with(), ("version", None, b"one")], 422, "version_invalid", "version"),
    ("a compressed part", [file_with("Content-Encoding: gzip")], 415, "coding_refused", "as it is"),
    ("base64", [file_with("Content-Transfer-Encoding: base64")], 415, "coding_refused", "as it is"),
    ("a form in the form", [file_with("Content-Type: multipart/mixed; boundary=y")], 415, "media_type", "alone"),
    ("a range", [file_with("Content-Range: bytes 0-1/2")], 400, "part_refused", "tus"),
    ("another digest of its part", [file_with(f"Content-MD5: {encoded('md5', OTHER)}")], 422, "digest_mismatch", "again"),
    ("another digest", [file_with(), ("sha256", None, in_hex("sha256", OTHER).encode())], 422, "digest_mismatch", "again"),
]

# Said of a form and not of the file in it.
NOT_OF_THE_FORM = [
    ("gzip", {"Content-Encoding": "gzip"}, 415, "coding_refused", "as it is"),
    ("a range", {"Content-Range": "bytes 0-1/2"}, 400, "part_refused", "tus"),
    ("a digest of the envelope", {"Content-MD5": encoded("md5")}, 400, "digest_invalid", "the field sha256"),
    ("a digest of the envelope", {"Repr-Digest": f"sha-256=:{encoded('sha256')}:"}, 400, "digest_invalid", "the field sha256"),
    ("no boundary", {"Content-Type": "multipart/form-data"}, 400, "form_invalid", "boundary"),
    ("no form", {"Content-Type": "application/octet-stream"}, 415, "media_type", "curl -T"),
]


def raw(address, head, body=b""):
    """Sends a request byte by byte as it is written and returns (status, the whole answer); status 0 for none."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    status = answer.split(b" ", 2)[1:2]
    return int(status[0]) if status else 0, answer.decode(errors="replace")
