"""Circles of files: a file that names another which, directly or around corners, names it back.

A file names another where a path of it, in `use` or anywhere else, leads into that file's module: `crate::…`, `super::…`,
`self::…`, or by the name of a child. A name that a module only hands on (`pub use`) is that module's. `mod child;` alone
names nothing. Tests are left out.
"""

from . import rust_source


def edges(crate):
    """{file: {file it names: (line, path)}} of a crate's folder."""
    found = {}
    for root in rust_source.roots(crate):
        known = rust_source.modules(root)
        for module in known.values():
            names = found.setdefault(module.file, {})
            for named in module.named:
                target = resolved(known, module, named.segments)
                if target is not None and known[target].file != module.file:
                    names.setdefault(known[target].file, (named.line, "::".join(named.segments)))
    return found


def resolved(known, module, segments):
    """The module that a path leads into, None where it leads out of the crate."""
    first, at = segments[0], module.path
    if first == "crate":
        at, segments = (), segments[1:]
    elif first in ("self", "super"):
        while segments and segments[0] in ("self", "super"):
            if segments[0] == "super":
                at = at[:-1]
            segments = segments[1:]
    elif first not in module.children:
        return None
    for segment in segments:
        if segment not in known[at].children:
            break
        at = (*at, segment)
    return at


def of_crate(crate):
    """The circles of a crate, each as the lines `file:line names file (path)` of all the arrows inside it."""
    arrows = edges(crate)
    circles = []
    for circle in components(arrows):
        lines = [
            f"{file.relative_to(crate)}:{line} names {other.relative_to(crate)} ({path})"
            for file in sorted(circle)
            for other, (line, path) in sorted(arrows[file].items())
            if other in circle
        ]
        circles.append(lines)
    return circles


def components(arrows):
    """The strongly connected components of more than one file (Tarjan, 1972)."""
    index, low, stack, found = {}, {}, [], []

    def visit(file):
        index[file] = low[file] = len(index)
        stack.append(file)
        for other in arrows.get(file, {}):
            if other not in index:
                visit(other)
                low[file] = min(low[file], low[other])
            elif other in stack:
                low[file] = min(low[file], index[other])
        if low[file] == index[file]:
            members = set()
            while not members or member != file:
                member = stack.pop()
                members.add(member)
            if len(members) > 1:
                found.append(members)

    for file in arrows:
        if file not in index:
            visit(file)
    return found
