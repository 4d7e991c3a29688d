"""The tables of the ledger's file, and how a file of an older version becomes one of this."""

from __future__ import annotations

import contextlib
import sqlite3

from kie_registry.errors import LedgerError
from kie_registry.ledger import states
from kie_registry.ledger.rows import among

APPLICATION_ID = 0x6B69656C
"""What SQLite keeps in the head of the file to say whose it is: ``kiel``."""

PENDING = among(states.PENDING)
"""What jobs have in common that are sent and not collected, few among many. SQLite uses their index where a query
says exactly what the index says: whoever changes the states makes a new index."""

_FIRST = """
CREATE TABLE jobs (
    id           TEXT PRIMARY KEY,
    account      TEXT NOT NULL,
    model        TEXT,
    input        TEXT,
    callback_url TEXT,
    state        TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    task_id      TEXT,
    owner        TEXT,
    directory    TEXT,
    name         TEXT,
    created_at   REAL NOT NULL,
    changed_at   REAL NOT NULL,
    sent_at      REAL,
    reason       TEXT NOT NULL,
    credits      REAL,
    seconds      REAL,
    result       TEXT,
    files        TEXT NOT NULL
);
CREATE UNIQUE INDEX jobs_by_task ON jobs (account, task_id) WHERE task_id IS NOT NULL;
CREATE INDEX jobs_open ON jobs (state) WHERE state IN ('planned', 'sending', 'unknown', 'running', 'succeeded');
CREATE INDEX jobs_timed ON jobs (model) WHERE seconds IS NOT NULL;
"""

# What a batch asks for stays quick among a million jobs: each of these finds what is wanted in the order of
# planning, or only among the few that somebody owns. Jobs that are only planned are in no other index.
_BATCHES = """
ALTER TABLE jobs ADD COLUMN batch TEXT;
ALTER TABLE jobs ADD COLUMN key TEXT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (batch, key) WHERE batch IS NOT NULL;
CREATE INDEX jobs_by_batch ON jobs (batch, state) WHERE batch IS NOT NULL;
CREATE INDEX jobs_owned ON jobs (owner) WHERE owner IS NOT NULL;
CREATE INDEX jobs_pending ON jobs (state) WHERE state IN ('sending', 'unknown', 'running', 'succeeded');
DROP INDEX jobs_open
"""

MIGRATIONS: tuple[str, ...] = (_FIRST, _BATCHES)
"""The scripts that make each version from the one before it; their number is the present version."""

_HEAD = (
    "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master) "
    "FROM pragma_user_version, pragma_application_id"
)


def bring_up_to_date(connection: sqlite3.Connection, path: str) -> None:
    """Make the tables, or bring those of an older version up to date; all of it, or nothing.

    Raises:
        LedgerError: The file is another program's, or that of a newer version, which is left as it is.
    """
    if _version_of(connection, path) == len(MIGRATIONS):
        return
    connection.execute("BEGIN EXCLUSIVE")
    try:
        # Another process may have been here first.
        for script in MIGRATIONS[_version_of(connection, path) :]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        # Some errors, such as a full disk, have rolled it back already.
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _version_of(connection: sqlite3.Connection, path: str) -> int:
    # At one moment: another process may be making the tables.
    version, application, tables = connection.execute(_HEAD).fetchone()
    empty = tables == 0
    if not empty and application != APPLICATION_ID:
        raise LedgerError(
            f"{path} is a database of another program, and no ledger of kie-registry. Name another file for the "
            "ledger, or another KIE_HOME."
        )
    if version > len(MIGRATIONS):
        raise LedgerError(
            f"The ledger {path} is of version {version}, made by a newer kie-registry; this one knows version "
            f"{len(MIGRATIONS)} and leaves it as it is. Upgrade kie-registry, or name another file."
        )
    return 0 if empty else version
