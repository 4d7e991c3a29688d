"""The slots of rate limits, and the tickets for them, in an SQLite file that all processes of a machine share.

A slot is taken when a request is to be sent, and frees its time after the answer. Whoever finds none draws a
ticket, and each slot that frees is for the earliest ticket. Times are those of the machine's monotonic clock,
which all its processes share and nobody sets.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field, frozen

from kie_registry.errors import LedgerError
from kie_registry.ledger.database import Database
from kie_registry.ledger.owners import Owners
from kie_registry.waking import LOOK_AGAIN

T = TypeVar("T")

_log = logging.getLogger("kie_registry.limits")

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
_LATE = 2.0

# What was answered later than now was answered before the machine was started again.
_EXPIRE = "DELETE FROM slots WHERE answered + seconds <= :now OR answered > :now + 1"
_COUNT = (
    "SELECT count(*), count(answered), EXISTS (SELECT 1 FROM tickets WHERE line = :line) "
    "FROM slots WHERE line = :line"
)
_AHEAD = (
    "SELECT count(*) FROM tickets JOIN looks USING (line, owner) "
    "WHERE line = :line AND until >= :now AND (:ticket IS NULL OR id < :ticket)"
)
_FREES = (
    "SELECT answered + seconds FROM slots WHERE line = :line AND answered IS NOT NULL "
    "ORDER BY 1 LIMIT 1 OFFSET :before"
)
_TAKE = "INSERT INTO slots (line, owner, seconds) VALUES (:line, :owner, :seconds)"
_DRAW = "INSERT INTO tickets (line, owner) VALUES (:line, :owner)"
_LOOK = "INSERT OR REPLACE INTO looks VALUES (:line, :owner, :until)"
_ANSWERED = "UPDATE slots SET answered = :now WHERE id = :slot"
_UNCOUNTED = "DELETE FROM slots WHERE id = :slot"
_TURN_IN = "DELETE FROM tickets WHERE id = :ticket"
_LAST_LOOK = (
    "DELETE FROM looks WHERE line = :line AND owner = :owner "
    "AND NOT EXISTS (SELECT 1 FROM tickets WHERE tickets.line = :line AND tickets.owner = :owner)"
)
_SUSPECTS = (
    "SELECT owner FROM slots WHERE line = :line AND answered IS NULL AND owner <> :owner "
    "UNION SELECT owner FROM looks WHERE line = :line AND owner <> :owner"
)
_BURY = (
    "UPDATE slots SET answered = :now WHERE owner = :dead AND answered IS NULL",
    "DELETE FROM tickets WHERE owner = :dead",
    "DELETE FROM looks WHERE owner = :dead",
)


@frozen
class Look:
    """What there was for one who looked.

    Attributes:
        slot: The slot it has now, if there was one.
        ticket: Its ticket, if there was none.
        pause: The seconds after which to look again.
    """

    slot: int | None = None
    ticket: int | None = None
    pause: float = 0.0


@define(eq=False)
class Slots:
    """The slots of one rate limit. Not safe between threads.

    Attributes:
        path: The file; made on first use. It holds nothing that would be missed.
        owners: The processes that use it.
        line: The name of the limit.
        number: How many slots there are.
        seconds: The time after its answer for which a slot stays taken.
        clock: Seconds that only go forward, the same in all processes.
    """

    path: Path
    owners: Owners
    line: str
    number: int
    seconds: float
    clock: Callable[[], float]
    _database: Database = field(init=False)
    _buried_at: float | None = field(default=None, init=False)
    _due: list[tuple[str, dict[str, Any]]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._database = Database(self.path, _make_tables, durable=False)

    def take(self, ticket: int | None) -> Look:
        """Take a slot, if there is one beside those for earlier tickets; raises LedgerError."""
        look = self._write(lambda base: self._look(base, ticket))
        if look.slot is None and self._bury_the_dead():
            look = self._write(lambda base: self._look(base, look.ticket))
        return look

    def draw(self) -> int:
        """Draw a ticket; raises LedgerError."""
        known = {"line": self.line, "owner": self.owners.mine()}
        return self._write(lambda base: _insert(base, _DRAW, known))

    def answered(self, slot: int, *, counted: bool) -> None:
        """Note that a slot's request was answered, or was never `counted`."""
        self._settle((_ANSWERED if counted else _UNCOUNTED, {"slot": slot, "now": self.clock()}))

    def turn_in(self, ticket: int) -> None:
        """Give a ticket back that is not needed any more."""
        known = {"ticket": ticket, "line": self.line, "owner": self.owners.mine()}
        self._settle((_TURN_IN, known), (_LAST_LOOK, known))

    def start_anew(self) -> None:
        """Forget, in a child process, what its parent has yet to write."""
        self._due = []

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._database.close()

    def _look(self, base: sqlite3.Connection, ticket: int | None) -> Look:
        # Asked for here, after the wait for the file: nothing in it is later.
        now = self.clock()
        known: dict[str, Any] = {
            "line": self.line,
            "owner": self.owners.mine(),
            "now": now,
            "ticket": ticket,
            "seconds": self.seconds,
        }
        base.execute(_EXPIRE, known)
        used, answered, tickets = base.execute(_COUNT, known).fetchone()
        ahead = base.execute(_AHEAD, known).fetchone()[0] if tickets else 0
        if used + ahead < self.number:
            if ticket is not None:
                base.execute(_TURN_IN, known)
                base.execute(_LAST_LOOK, known)
            return Look(slot=_insert(base, _TAKE, known))
        frees = base.execute(_FREES, {**known, "before": used + ahead - self.number}).fetchone()
        pause = LOOK_AGAIN if frees is None else frees[0] - now
        # A request in flight may turn out not to count, and who is before us may leave.
        if used > answered or ahead:
            pause = min(pause, LOOK_AGAIN)
        base.execute(_LOOK, {**known, "until": now + pause + _LATE})
        return Look(ticket=_insert(base, _DRAW, known) if ticket is None else ticket, pause=pause)

    def _bury_the_dead(self) -> bool:
        """Count as answered now what processes had in flight that live no more; say whether there were any."""
        now = self.clock()
        if self._buried_at is not None and now < self._buried_at + LOOK_AGAIN:
            return False
        self._buried_at = now
        known = {"line": self.line, "owner": self.owners.mine()}
        suspects = self._read(lambda base: base.execute(_SUSPECTS, known).fetchall())
        dead = [owner for (owner,) in suspects if not self.owners.alive(owner)]

        def bury(base: sqlite3.Connection) -> None:
            moment = self.clock()
            for owner in dead:
                for statement in _BURY:
                    base.execute(statement, {"now": moment, "dead": owner})

        if dead:
            self._write(bury)
        return bool(dead)

    def _settle(self, *statements: tuple[str, dict[str, Any]]) -> None:
        """Write what must not be lost, and may not raise either: a request was sent by then."""
        self._due += statements
        try:
            self._write(lambda _: None)
        except LedgerError as error:
            _log.warning("%s What was to be written there is written next time.", error)

    def _write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Carry out an operation, after what could not be written before."""

        def with_due(base: sqlite3.Connection) -> T:
            for statement, known in self._due:
                base.execute(statement, known)
            return operation(base)

        try:
            result = self._database.write(with_due)
        except LedgerError as error:
            raise self._explained(error) from error
        self._due = []
        return result

    def _read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._database.read(operation)
        except LedgerError as error:
            raise self._explained(error) from error

    def _explained(self, error: LedgerError) -> LedgerError:
        """Say what is so of this file, and not of the ledger's."""
        if error.__cause__ is None:
            return error
        return LedgerError(
            f"{self.path}, in which processes share the rate limits, cannot be used: {error.__cause__}. It holds "
            "nothing else, so delete it if that helps, while no process uses it; or name another KIE_HOME, on a "
            "disk that can be written. Nothing was sent."
        )


def _insert(base: sqlite3.Connection, statement: str, known: dict[str, Any]) -> int:
    row = base.execute(statement, known).lastrowid
    assert row is not None  # noqa: S101
    return row


def _make_tables(base: sqlite3.Connection, path: str) -> None:
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
                    "keep the rate limits. Move it away, or name another KIE_HOME. Nothing was sent."
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
