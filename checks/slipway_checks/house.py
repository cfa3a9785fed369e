"""The house in figures, beside those of the version before 0.5.0: lines, types for a package, codes of errors, queues.

The figures before are what this file counted in the sources of commit a9f02d0.
"""

import re

from . import rust_source

LINES_BEFORE = {
    "catalog": 7061, "download": 4112, "gateway": 1817, "init": 224, "limit": 78, "packages": 7220, "registry": 627,
    "service": 6735, "signatures": 330, "signing": 1690, "slipway": 4902, "sources": 75, "testkit": 254, "upload": 6631,
}
BEFORE = {
    "lines": 41756, "types for a package": 11, "types that hold its file as one": 0, "codes of errors": 131, "files that make them": 56,
    "codes made in several files": 24, "queues": 2,
}

PROBLEM = re.compile(
    r'(?:Problem|Self)::(?:new|bad_request|conflict|unprocessable|unavailable)\(\s*(?:StatusCode::\w+,\s*)?(?:"([a-z_]+)"|Code::(\w+))'
)
LEASE = re.compile(r"SET\s[^\"]*lease_until|SET\s[^\"]*leased_until")
STRUCT = re.compile(r"\bstruct\s+(\w+)[^;{(]*\{")
FIELD = re.compile(r"(\w+)\s*:\s")


def figures(check, folders):
    lines = {name: rust_source.lines_of(folder) for name, folder in folders.items()}
    for name in sorted({*lines, *LINES_BEFORE}):
        check.say(f"lines of {name}: before {LINES_BEFORE.get(name, 0)}, now {lines.get(name, 0)}")
    sources = [file for folder in folders.values() for file in rust_source.files(folder)]
    codes, where = codes_of(sources)
    now = {
        "lines": sum(lines.values()),
        "types for a package": len(types_for_a_package(sources)),
        "types that hold its file as one": len(types_with_its_file(sources)),
        "codes of errors": len(codes),
        "files that make them": len(where),
        "codes made in several files": sum(1 for files in codes.values() if len(files) > 1),
        "queues": sum(any(LEASE.search(file.read_text()) for file in rust_source.files(folder)) for folder in folders.values()),
    }
    for name, value in now.items():
        check.figure(name, f"before {BEFORE[name]}, now {value}")


def codes_of(sources):
    """{code: files that make a problem with it}, and those files."""
    codes = {}
    for file in sources:
        for literal, variant in PROBLEM.findall(file.read_text()):
            code = literal or re.sub(r"(?<!^)([A-Z])", r"_\1", variant).lower()
            codes.setdefault(code, set()).add(file)
    return codes, {file for files in codes.values() for file in files}


def types_for_a_package(sources):
    """Structures that hold what a package is: its kind and platform, and its file name or identifier; or all facts as one."""
    found = []
    for file in sources:
        text = rust_source.plain(file)
        for struct in STRUCT.finditer(text):
            body = text[struct.end() : rust_source.closing(text, struct.end() - 1)]
            fields = set(FIELD.findall(body))
            if {"kind", "platform"} <= fields and fields & {"filename", "file_name", "identifier"}:
                found.append(f"{file}: {struct[1]}")
            elif re.search(r"\bfacts\s*:\s*[\w:]*Facts\b", body):
                found.append(f"{file}: {struct[1]}")
    return found


def types_with_its_file(sources):
    """Structures that flatten `package::File`: what a package is stands there once, and not in them."""
    found = []
    for file in sources:
        text = rust_source.plain(file)
        if not re.search(r"\buse (?:slipway_contract|crate)::package::File;", text):
            continue
        for struct in STRUCT.finditer(text):
            body = text[struct.end() : rust_source.closing(text, struct.end() - 1)]
            if re.search(r"\bfile\s*:\s*File\b", body):
                found.append(f"{file}: {struct[1]}")
    return found
