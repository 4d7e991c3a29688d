"""The tables of the file in which processes share rate limits. It holds nothing that would be missed."""

from __future__ import annotations

import contextlib
import sqlite3

from kie_registry.errors import LedgerError

_APPLICATION_ID = 0x6B69656D
_TABLES = (
    # A slot in flight has no `answered`.
    "CREATE TABLE slots (id INTEGER PRIMARY KEY, line TEXT, owner TEXT, answered REAL, seconds REAL)",
    "CREATE TABLE tickets (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT, owner TEXT)",
    "CREATE INDEX tickets_by_line ON tickets (line)",
    # Until when the owner will have looked again. One that is late, as a stopped process is, holds up nobody.
    "CREATE TABLE looks (line TEXT, owner TEXT, until REAL, PRIMARY KEY (line, owner)) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
)


def make_tables(base: sqlite3.Connection, path: str) -> None:
    """Make the tables of a new file.

    Raises:
        LedgerError: The file is another program's.
    """
    if _is_ours(base):
        return
    base.execute("BEGIN EXCLUSIVE")
    try:
        # Another process may have been here first.
        if not _is_ours(base):
            if base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise LedgerError(
                    f"{path} is a database of another program, or of another version of kie-registry, and cannot "
                    "keep the rate limits. Move it away, or name another KIE_HOME."
                )
            for statement in _TABLES:
                base.execute(statement)
        base.execute("COMMIT")
    except BaseException:
        # Some errors, such as a full disk, have rolled it back already.
        with contextlib.suppress(sqlite3.Error):
            base.execute("ROLLBACK")
        raise


def _is_ours(base: sqlite3.Connection) -> bool:
    return bool(base.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID)
