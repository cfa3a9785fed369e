"""What is between services: hidden from the public port, and refused to every caller that is not in the table."""

import subprocess

from . import internal, web
from .platform import BINARIES, SERVICES

NOBODY = "01890000-0000-7000-8000-000000000000"
EVERYBODY = set(SERVICES) - {"registry"}

# Callee, method, path, and who may call it.
ENDPOINTS = [
    ("registry", "GET", "/internal/instances", EVERYBODY),
    ("registry", "PUT", "/internal/instances/x", EVERYBODY),
    ("registry", "DELETE", "/internal/instances/x", EVERYBODY),
    ("registry", "PUT", "/internal/configuration/x", EVERYBODY),
    ("signing", "POST", "/internal/keys", {"catalog"}),
    ("signing", "POST", "/internal/signatures", {"catalog"}),
    ("catalog", "GET", "/internal/changes", {"upload", "download", "registry"}),
    ("catalog", "POST", "/internal/packages", {"upload"}),
    ("catalog", "GET", "/internal/packages/x", {"upload"}),
    ("upload", "GET", "/internal/held", {"catalog"}),
    ("download", "GET", "/internal/held", {"catalog"}),
    ("catalog", "POST", "/internal/blocks", {"upload"}),
    ("upload", "GET", "/internal/held", {"catalog"}),
    ("download", "GET", "/internal/held", {"catalog"}),
    ("download", "GET", "/internal/staged/d/notes/1.0.0/notes.bin", {"catalog"}),
    ("download", "GET", "/internal/downloads/notes/1.0.0", {"catalog"}),
    *((callee, "GET", "/internal/instance", {"registry"}) for callee in ("signing", "catalog", "upload", "download")),
]


def hidden_from_the_public_port(check, platform):
    spellings = [
        *("/internal/changes", "//internal/changes", "/./internal/changes", "/%69nternal/changes", "/INTERNAL/changes"),
        *("/api/v1/../../internal/changes", "/a/../internal/changes", "/d/%2e%2e/internal/changes", "/internal"),
        *("/metrics", "//metrics", "/%6detrics", "/d/../metrics", "/api/v1/../../metrics", "/metrics/", "/metrics;x=1"),
        *("/d/..;/metrics", "/internal%2fchanges", "/%2finternal/changes", "/api/v1/%2e%2e/%2e%2e/internal/changes"),
    ]
    for spelling in spellings:
        for instance in platform.all():
            headers = {"Host": instance.addr}
            answer = web.request(platform.gateway, "GET", spelling, headers=headers)
            check.expect(answer.status in (400, 404), f"{spelling} on the public port: {answer}")
    check.figure("spellings of the inside refused", len(spellings))


def wrong_callers(check, platform):
    """Every caller × endpoint that is not in the table; and each right caller, with a wrong proof or another address."""
    refused = 0
    for callee, method, path, callers in ENDPOINTS + outside(platform):
        instance = platform.one(callee)
        body = b"{}" if method == "POST" else None
        for caller in sorted(set(SERVICES) - callers):
            answer = internal.call(platform, caller, instance, method, path, body)
            check.equal(answer.status, 403, f"{caller} calls {method} {path} of {callee} ({answer})")
            refused += 1
        caller = sorted(callers)[0]
        answer = internal.call(platform, caller, instance, method, path, body, instance_id=NOBODY)
        check.equal(answer.status, 421, f"{method} {path} of {callee}, for another instance ({answer})")
        for name, proof in unproven(platform, caller).items():
            check.expect(is_refused(platform, caller, instance, method, path, proof), f"{method} {path} of {callee}, {name}: answered")
            refused += 1
        refused += 2
        check.expect(not answers_plainly(instance, method, path), f"{method} {path} of {callee} in plain HTTP: answered")
    check.figure("internal calls refused", refused)


def outside(platform):
    """What the world is served is asked for by the gateway alone."""
    served = {"registry": "/api/v1/config", "catalog": "/api/v1/apps", "upload": "/api/v1/apps/notes/uploads/x", "download": "/a/notes"}
    return [(callee, "GET", path, {"gateway"}) for callee, path in served.items()]


def unproven(platform, caller):
    """No certificate, and one of the same name by another authority."""
    secrets = platform.data / "secrets" / caller
    other = foreign(platform) / "secrets" / caller
    forged = internal.stranger(secrets)
    forged.load_cert_chain(other / "certificate.pem", other / "key.pem")
    return {"no certificate": internal.stranger(secrets), "another authority's certificate": forged}


def foreign(platform):
    """The data folder of a platform that is not this one."""
    folder = platform.check.folder / "foreign"
    if not folder.exists():
        subprocess.run([BINARIES / "slipway", "init", "--data", folder], check=True, capture_output=True, timeout=60)
    return folder


def is_refused(platform, caller, instance, method, path, proof):
    try:
        internal.call(platform, caller, instance, method, path, proof=proof)
    except web.BROKEN:
        return True
    return False


def answers_plainly(instance, method, path):
    try:
        web.request(instance.addr, method, path, timeout=10)
    except web.BROKEN:
        return False
    return True
