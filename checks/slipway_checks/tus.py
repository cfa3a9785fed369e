"""The tus protocol by hand, where a check decides which instance gets which piece: `ask` is how one is reached."""

import base64
import urllib.parse

from . import web
from .developer import for_any

VERSION = {"Tus-Resumable": "1.0.0"}


def metadata(**fields):
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in fields.items())


def create(address, token, app, size, body=b"", ask=web.request, **fields):
    """Makes an upload, with its first bytes when `body` is given; returns the answer."""
    fields = for_any(fields.get("filename", ""), fields)
    headers = VERSION | {"Upload-Length": str(size), "Upload-Metadata": metadata(**fields)}
    if body:
        headers["Content-Type"] = "application/offset+octet-stream"
    return ask(address, "POST", f"/api/v1/apps/{app}/uploads", body, headers, token)


def path_of(answer):
    """The upload's path, whatever address its `Location` names."""
    return urllib.parse.urlsplit(answer.headers["location"]).path


def patch(address, token, path, offset, body, ask=web.request, **headers):
    sent = VERSION | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"} | headers
    return ask(address, "PATCH", path, body, sent, token)


def offset(address, token, path):
    answer = web.request(address, "HEAD", path, headers=VERSION, token=token)
    return int(answer.headers["upload-offset"]) if answer.status == 200 else None


def end(address, token, path):
    return web.request(address, "DELETE", path, None, VERSION, token)
