"""What a data folder holds, as its users see it, written down so that a later start can be held against it."""

import json

from . import minisign, web


def public(address, paths):
    """What anybody gets at each of `paths`: status, `location`, problem code, and the SHA-256 of a 200's body."""
    seen = {}
    for path in paths:
        answer = web.request(address, "GET", path)
        told = {"status": answer.status, "location": answer.headers.get("location"), "code": answer.code}
        seen[path] = {name: value for name, value in told.items() if value is not None}
        if answer.status == 200:
            seen[path]["sha256"] = answer.sha256
    return seen


def documents(check, address, paths, token):
    """The JSON that the API answers at each of `paths`, once whoever knows it is there: a start takes a moment."""

    def told(path):
        answer = web.request(address, "GET", path, token=token)
        return None if answer.status == 503 else answer

    return {path: check.until(30, lambda path=path: told(path), f"{path} answered").json() for path in paths}


def tokens(address, given):
    """The status of `whoami` for each of `given`, name to token."""
    return {name: web.request(address, "GET", "/api/v1/whoami", token=token).status for name, token in given.items()}


def lost(kept, seen, place=""):
    """Where `seen` lacks or changes something of `kept`, in words. More fields and more items are no loss."""
    if isinstance(kept, dict) and isinstance(seen, dict):
        return [words for name, value in kept.items() for words in lost(value, seen.get(name), f"{place}.{name}")]
    if isinstance(kept, list) and isinstance(seen, list):
        gone = [item for item in kept if all(lost(item, other) for other in seen)]
        return [f"{place}: no {json.dumps(item)} in {json.dumps(seen)}" for item in gone]
    return [] if kept == seen else [f"{place}: was {json.dumps(kept)}, is {json.dumps(seen)}"]


def unproven(address, files, keys):
    """Those of `files` (paths `/d/{app}/…`) that Debian's `minisign` does not accept by the app's key in `keys`."""
    def accepted(path):
        body, signature = (web.request(address, "GET", path + end).body for end in ("", ".minisig"))
        return minisign.accepts(body, signature, keys[path.split("/")[2]].encode())

    return [path for path in files if not accepted(path)]
