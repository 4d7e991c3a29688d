"""Ledger files that cannot be used, and what is said of each: a table for tests of the library and of `kie`."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kie_registry.ledger import SqliteLedger
from tests.ledger.jobs import added

Ruin = Callable[[Path], object]


def filled(path: Path) -> bytes:
    """Fill a ledger, close it, and return its bytes."""
    ledger = SqliteLedger(path)
    for number in range(40):
        added(ledger, id=f"{number:032x}", input={"prompt": "x" * 500})
    ledger.close()
    return path.read_bytes()


def corrupt_head(path: Path) -> None:
    path.write_bytes(b"\xff" * 100 + filled(path)[100:])


def corrupt_middle(path: Path) -> None:
    whole = filled(path)
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


def truncated(path: Path) -> None:
    path.write_bytes(filled(path)[:6000])


def text(path: Path) -> None:
    path.write_text("Buy milk.\n" * 500)


def another_programs(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def newer(path: Path) -> None:
    filled(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def in_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("no folder")


BAD_FILES: dict[str, tuple[Ruin, str]] = {
    "its head is corrupt": (corrupt_head, "damaged"),
    "its middle is corrupt": (corrupt_middle, "damaged"),
    "it is truncated": (truncated, "damaged"),
    "it is a text": (text, "no SQLite file"),
    "it is a folder": (Path.mkdir, "must be a file"),
    "its folder is a file": (in_a_file, "KIE_HOME"),
    "it is a link to itself": (link_to_itself, "must be a file"),
    "it is another program's": (another_programs, "another program"),
    "it is of a newer version": (newer, "Upgrade kie-registry"),
}
"""Name -> what is wrong with it, and words of the way out."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file, as another program would that writes."""
    SqliteLedger(path).recover()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Make the file one that not even root may write: its folder is one of the system's own."""
    path.parent.rmdir()
    path.parent.symlink_to("/proc/self")
    try:
        yield
    finally:
        path.parent.unlink()
