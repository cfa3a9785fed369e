"""Rust sources read as text: without comments, literals and tests, as modules with the paths that they name."""

import dataclasses
import functools
import pathlib
import re

BRACE = re.compile(r"[{}]")
ITEM_END = re.compile(r"[;{]")
TEST = re.compile(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]")
MODULE = re.compile(r"\bmod\s+(\w+)\s*([;{])")
USE = re.compile(r"\buse\s+((?:::)?[\w{][^;]*);")
PATH = re.compile(r"(?<![\w:$])(?<!in )((?:r#)?\w+(?:::\w+)+)")
# `#[serde(with = "crate::clock::millis")]` names a module as much as `use` does.
NAMED_IN_ATTRIBUTE = re.compile(r'=\s*"((?:crate|super|self)(?:::\w+)+)"')
LITERAL = re.compile(
    r"""//[^\n]*|/\*|b?c?r(?P<hashes>\#*)"|b?c?"|'(?:\\[^\n]*?'|[^'\\\n]')""", re.VERBOSE
)


@dataclasses.dataclass(frozen=True)
class Named:
    """A path that a module names: its segments, and the line it stands in."""

    segments: tuple
    line: int


@dataclasses.dataclass
class Module:
    """`path` is () for the crate's root; `children` are the names of its modules without the tests."""

    path: tuple
    file: pathlib.Path
    children: set
    named: list


def code(text):
    """The text without comments and with empty literals; every line stays in its place."""
    parts, at = [], 0
    while found := LITERAL.search(text, at):
        parts.append(text[at : found.start()])
        end = end_of_literal(text, found)
        cut = text[found.start() : end]
        quoted = not cut.startswith("/")
        parts.append(('""' if quoted else " ") + "\n" * cut.count("\n"))
        at = end
    parts.append(text[at:])
    return "".join(parts)


def end_of_literal(text, found):
    start = found.group()
    if start.startswith("//") or start.startswith("'"):
        return found.end()
    if start == "/*":
        depth, at = 1, found.end()
        while depth and (mark := re.compile(r"/\*|\*/").search(text, at)):
            depth, at = depth + (1 if mark.group() == "/*" else -1), mark.end()
        return at
    if found["hashes"] is not None:
        return text.index('"' + found["hashes"], found.end()) + 1 + len(found["hashes"])
    return re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL).match(text, found.end()).end()


def closing(text, at):
    """The index behind the brace that closes the one at `at`."""
    depth = 0
    for brace in BRACE.finditer(text, at):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.end()
    return len(text)


def blank(text, start, end):
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def without_tests(text):
    """Code without the items that are compiled for tests alone."""
    while found := TEST.search(text):
        end = ITEM_END.search(text, found.end())
        stop = end.end() if end and end.group() == ";" else closing(text, end.start()) if end else len(text)
        text = blank(text, found.start(), stop)
    return text


def test_modules(text):
    """The names of the modules in files of their own that are compiled for tests alone."""
    return {found[1] for found in re.finditer(TEST.pattern + r"\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;", text)}


def expanded(tree):
    """`a::{b, c::{self, d as e}}` as a::b, a::c::self, a::c::d."""
    tree = tree.strip()
    if "{" not in tree:
        segments = re.sub(r"\s+as\s+\w+$", "", tree).split("::")
        return [tuple(segment.strip() for segment in segments if segment.strip())]
    brace = tree.index("{")
    head = tuple(segment.strip() for segment in tree[:brace].split("::") if segment.strip())
    inner, depth, start, parts = tree[brace + 1 : tree.rindex("}")], 0, 0, []
    for index, letter in enumerate(inner):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append(inner[start:index])
            start = index + 1
    parts.append(inner[start:])
    return [head + rest for part in parts if part.strip() for rest in expanded(part)]


@functools.cache
def modules(root):
    """Every module of the crate whose root is this file, tests left out."""
    found = []
    read_file(root, (), found)
    return {module.path: module for module in found}


@functools.cache
def plain(file):
    """The code of a file without comments, literals and tests."""
    return without_tests(code(file.read_text()))


def read_file(file, path, found):
    text = file.read_text()
    stripped = plain(file)
    attributes = [
        Named(tuple(named[1].split("::")), text[: named.start()].count("\n") + 1)
        for named in NAMED_IN_ATTRIBUTE.finditer(text)
    ]
    folder = file.parent if file.name in ("mod.rs", "lib.rs", "main.rs") or file.parent.name == "bin" else file.parent / file.stem
    read_module(stripped, file, path, folder, found, attributes)


def read_module(text, file, path, folder, found, named):
    children, begin = {}, 0
    while declared := MODULE.search(text, begin):
        begin = declared.end()
        if declared[2] == ";":
            children[declared[1]] = None
        else:
            end = closing(text, declared.end() - 1)
            children[declared[1]] = blank(blank(text, 0, declared.end()), end - 1, len(text))
            text = blank(text, declared.start(), end)
    module = Module(path, file, set(children), list(named))
    found.append(module)
    line = lambda at: text[:at].count("\n") + 1  # noqa: E731
    for use in USE.finditer(text):
        module.named += [Named(segments, line(use.start())) for segments in expanded(use[1])]
    rest = text
    for use in USE.finditer(text):
        rest = blank(rest, use.start(), use.end())
    module.named += [Named(tuple(inline[1].split("::")), line(inline.start())) for inline in PATH.finditer(rest)]
    for name, body in children.items():
        if body is not None:
            read_module(body, file, (*path, name), folder / name, found, [])
            continue
        below = next((child for child in (folder / f"{name}.rs", folder / name / "mod.rs") if child.is_file()), None)
        if below is None:
            raise FileNotFoundError(f"{file}: no file of the module {name}")
        read_file(below, (*path, name), found)


def lines_of(crate):
    """Lines of code of a crate's folder, without tests, comments and empty lines."""
    return sum(1 for file in files(crate) for line in plain(file).splitlines() if line.strip())


def files(crate):
    """The files of the crate's library and programs, without those of tests."""
    return sorted({module.file for root in roots(crate) for module in modules(root).values()})


def roots(crate):
    """The roots of the crate's library and programs."""
    source = crate / "src"
    return [file for file in (source / "lib.rs", source / "main.rs", *sorted(source.glob("bin/*.rs"))) if file.is_file()]
