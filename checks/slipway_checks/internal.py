"""Calls between services, made by hand, so that a check can be the wrong caller.

Both ends of a connection prove who they are by TLS 1.3 with the certificates in `DIR/secrets/<service>/`; the name in a
certificate is the service's. `x-slipway-instance` names the instance that a call is meant for, and `x-slipway-run` the
run of `slipway up` where there is one. It takes nothing but the standard library to be a service.
"""

import ssl

from . import web


def context(folder):
    """What a service with the files of `folder` proves itself with, and whom it believes."""
    made = ssl.create_default_context(cafile=folder / "authorities.pem")
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return made


def stranger(folder):
    """Believes the authorities of `folder`, and proves nothing."""
    return ssl.create_default_context(cafile=folder / "authorities.pem")


def run_of(platform):
    """The header that names the run, where there is one."""
    path = platform.data / "run" / "run"
    return {"x-slipway-run": path.read_text().strip()} if path.exists() else {}


def call(platform, caller, instance, method, path, body=None, headers=None, proof=None, instance_id=None, timeout=90):
    """One call to `instance` as `caller`; `proof` and `instance_id` are for calls that are to be refused."""
    proof = proof or context(platform.data / "secrets" / caller)
    sent = {"x-slipway-instance": instance_id or instance.id} | run_of(platform) | (headers or {})
    return web.request(instance.addr, method, path, body, sent, timeout=timeout, proof=(proof, instance.service))


def as_gateway(platform, instance):
    """A way to ask `instance` what the gateway asks it, with the arguments of `web.request`."""

    def ask(address, method, path, body=None, headers=None, token=None):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return call(platform, "gateway", instance, method, path, body, (headers or {}) | bearer)

    return ask
