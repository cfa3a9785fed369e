"""Requests that are to be refused, and a look at the whole of each refusal: status, code, fields and words."""

import json

from . import web

FIELDS = {"type", "title", "status", "detail", "code", "request_id"}


class Refusals:
    """Sends requests that are to be refused and looks at the whole of each refusal."""

    def __init__(self, check, platform, admin):
        self.check = check
        self.platform = platform
        self.admin = admin
        self.count = 0

    def expect(self, status, code, method, path, body=b"", headers=None, token="", names=None):
        """`token` is the admin's by default; `names` is what the words have to name."""
        token = self.admin.token if token == "" else token
        answer = web.request(self.platform.gateway, method, path, body, headers, token)
        return self.judge(answer, status, code, f"{method} {path}", names)

    def expect_json(self, status, code, method, path, value, token="", names=None):
        headers = {"Content-Type": "application/json"}
        return self.expect(status, code, method, path, json.dumps(value).encode(), headers, token, names)

    def judge(self, answer, status, code, what, names=None):
        check = self.check
        check.equal((answer.status, answer.code), (status, code), f"{what} ({answer})")
        problem = answer.json()
        check.expect(problem.keys() >= FIELDS, f"{what}: fields {sorted(FIELDS - problem.keys())} lack")
        check.equal(problem["status"], status, f"{what}: status in the body")
        check.equal(problem["request_id"], answer.headers.get("x-request-id"), f"{what}: request id")
        check.expect(len(problem["detail"]) > 10, f"{what}: no words that tell what to do: {problem}")
        check.expect(names is None or names in problem["detail"], f"{what}: {names} is not named: {problem['detail']}")
        self.count += 1
        return answer
