"""What lies in upload's database and in the store, and what a killed upload leaves there."""

import hashlib
import os
import sqlite3
import subprocess

from .invariants import BLOCK, BLOCKS

TABLES = ("packages", "outbox", "sessions")
SWEPT_WITHIN = 30


def rows(platform):
    """The number of rows of each of upload's own tables."""
    return {table: int(select(platform, f"SELECT count(*) FROM {table}")) for table in TABLES}


def select(platform, query):
    """One value out of upload's database, as text or number."""
    url = platform.settings.get("SLIPWAY_UPLOAD__DATABASE__URL")
    if url:
        command = ["psql", "--quiet", "--tuples-only", "--no-align", url, "--command", query]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    path = platform.data / "upload" / "upload.db"
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(query).fetchone()[0]
    finally:
        connection.close()


def files(platform):
    """Every file of the store, as paths in it."""
    found = (path for path in platform.blobs().rglob("*") if path.is_file())
    return sorted(str(path.relative_to(platform.blobs())) for path in found)


def everything(platform):
    return rows(platform), files(platform)


def counted(platform, name):
    """The sum of a counter over all instances of upload."""
    return sum(platform.metrics(upload).get(name, 0) for upload in platform.instances["upload"])


def orphan(platform, content):
    """Bytes in their place and no row, as an upload leaves them that is killed between the two. Returns the place."""
    place = platform.blob(hashlib.sha256(content).hexdigest())
    blocks = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]
    put(place.with_suffix(BLOCKS), b"".join(hashlib.sha256(block).digest() for block in blocks))
    put(place, content)
    return place


def put(place, content):
    whole = place.with_name(f"{place.name}.new")
    whole.write_bytes(content)
    os.replace(whole, place)


def whole_sweep(platform):
    """Returns when a sweep that began after the call is over: what it takes first is taken, and then again."""
    for name in ("first", "second"):
        left = platform.blobs() / "staging" / name
        left.write_bytes(b"left by a killed process")
        platform.check.until(SWEPT_WITHIN, lambda: not left.exists(), "staging swept")  # noqa: B023 - called at once
