"""Signed calls between services, made by hand, so that a check can be the wrong caller.

Four headers carry a call's proof: `x-slipway-caller`, `x-slipway-instance` (the one it is meant for, `*` for the
registry), `x-slipway-time` in Unix seconds, and `x-slipway-signature`, the HMAC-SHA256 in hex, by the pair's key, over
caller, callee, instance, method, path with query, and time, one a line.
"""

import hashlib
import hmac
import time

from . import web


def callee_key(platform, callee):
    """The key of its own that a service checks calls with."""
    return bytes.fromhex((platform.data / "secrets" / callee / "internal.key").read_text().strip())


def pair_key(platform, caller, callee):
    """The key that `caller` holds for `callee`; derived here, so that it is there for pairs that have no file."""
    return hmac.new(callee_key(platform, callee), caller.encode(), hashlib.sha256).digest()


def proof(key, caller, callee, instance, method, path, when=None):
    when = str(int(time.time()) if when is None else when)
    message = "\n".join((caller, callee, instance, method, path, when))
    return {
        "x-slipway-caller": caller,
        "x-slipway-instance": instance,
        "x-slipway-time": when,
        "x-slipway-signature": hmac.new(key, message.encode(), hashlib.sha256).hexdigest(),
    }


def call(platform, caller, instance, method, path, body=None, headers=None, key=None, instance_id=None, when=None):
    """One call to `instance` as `caller`; `key`, `instance_id` and `when` are for calls that are to be refused."""
    key = key or pair_key(platform, caller, instance.service)
    meant = instance_id or ("*" if instance.service == "registry" else instance.id)
    sent = proof(key, caller, instance.service, meant, method, path, when) | (headers or {})
    return web.request(instance.addr, method, path, body, sent)
