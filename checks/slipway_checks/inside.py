"""What is between services: hidden from the public port, and refused to every caller that is not in the table."""

import time

from . import internal, web
from .platform import SERVICES

NOBODY = "01890000-0000-7000-8000-000000000000"
EVERYBODY = set(SERVICES) - {"registry"}

# Callee, method, path, and who may call it.
ENDPOINTS = [
    ("registry", "GET", "/internal/instances", EVERYBODY),
    ("registry", "PUT", "/internal/instances/x", EVERYBODY),
    ("registry", "DELETE", "/internal/instances/x", EVERYBODY),
    ("signing", "POST", "/internal/keys", {"catalog"}),
    ("signing", "POST", "/internal/signatures", {"catalog"}),
    ("catalog", "GET", "/internal/changes", {"upload", "download"}),
    ("catalog", "POST", "/internal/packages", {"upload"}),
    ("catalog", "GET", "/internal/packages/x", {"upload"}),
    ("download", "GET", "/internal/staged/d/notes/1.0.0/notes.bin", {"catalog"}),
    ("download", "GET", "/internal/downloads/notes/1.0.0", {"catalog"}),
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
    """Every caller × endpoint that is not in the table, signed rightly; and each right caller, signed wrongly."""
    refused = 0
    for callee, method, path, callers in ENDPOINTS:
        instance = platform.one(callee)
        for caller in sorted(set(SERVICES) - callers):
            answer = internal.call(platform, caller, instance, method, path, b"{}" if method == "POST" else None)
            check.equal(answer.status, 403, f"{caller} calls {method} {path} of {callee} ({answer})")
            refused += 1
        caller = sorted(callers)[0]
        for name, wrong in wrongly_signed(platform, caller, instance).items():
            answer = internal.call(platform, caller, instance, method, path, **wrong)
            wanted = (401, 421) if name == "another instance" else (401,)
            check.expect(answer.status in wanted, f"{method} {path} of {callee}, {name}: {answer}")
            refused += 1
        answer = web.request(instance.addr, method, path)
        check.equal(answer.status, 401, f"{method} {path} of {callee}, unsigned ({answer})")
        refused += 1
    check.figure("internal calls refused", refused)
    for caller in SERVICES:
        may = {callee for callee, _, _, callers in ENDPOINTS if caller in callers}
        holds = {path.stem.removeprefix("call-") for path in (platform.data / "secrets" / caller).glob("call-*.key")}
        check.equal(holds, may, f"keys that {caller} holds")


def wrongly_signed(platform, caller, instance):
    return {
        "another's key": {"key": internal.pair_key(platform, "somebody", instance.service)},
        "another callee's key": {"key": internal.pair_key(platform, caller, other_than(instance.service))},
        "another instance": {"instance_id": NOBODY},
        "an hour ago": {"when": int(time.time()) - 3600},
    }


def other_than(service):
    return next(other for other in SERVICES if other != service)
