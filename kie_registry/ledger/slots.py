"""The slots of rate limits, and the tickets for them, in an SQLite file that all processes of a machine share.

A slot is taken when a request is to be sent, and frees its time after the answer. Whoever finds none draws a
ticket, and each slot that frees is for the earliest ticket. Times are those of the machine's monotonic clock,
which all its processes share and nobody sets.

Nobody waits here for another process that holds the file: event loops would stand still, and whoever wants
something else of the same limit. It is looked at again later.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field

from kie_registry.errors import LedgerError
from kie_registry.ledger.database import Database, is_locked
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.slot_tables import make_tables
from kie_registry.waking import LOOK_AGAIN

T = TypeVar("T")

_log = logging.getLogger("kie_registry.limits")

_LATE = 2.0

# Seconds. Processes hold the file for far less than the first; but one that is stopped may do so for long.
_AT_MOST = 0.02
_SOON = 0.1
_PATIENCE = 10.0

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
_TAKE = "INSERT INTO slots (id, line, owner, seconds) VALUES (:slot, :line, :owner, :seconds)"
_DRAW = "INSERT INTO tickets (line, owner) VALUES (:line, :owner)"
_LOOK = "INSERT OR REPLACE INTO looks VALUES (:line, :owner, :until)"
_ANSWERED = "UPDATE slots SET answered = :now WHERE id = :slot AND answered IS NULL"
_UNCOUNTED = "DELETE FROM slots WHERE id = :slot"
# Of a ticket whose drawing failed, another process may have the number now.
_TURN_IN = "DELETE FROM tickets WHERE id = :ticket AND line = :line AND owner = :owner"
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


@define(eq=False)
class Place:
    """What one who asks has in the file, or has tried to have: known before it is there, so that it is never lost.

    Attributes:
        owner: The process.
        slot: The number of its slot.
        ticket: The number of its ticket, while it has one.
    """

    owner: str = ""
    slot: int | None = None
    ticket: int | None = None


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
    _held_since: float | None = field(default=None, init=False)
    _held_at: float = field(default=0.0, init=False)

    def __attrs_post_init__(self) -> None:
        self._database = Database(self.path, make_tables, durable=False, patience=_AT_MOST)

    def take(self, place: Place) -> float | None:
        """Take a slot, if there is one beside those for earlier tickets, and return None; or draw a ticket.

        Returns the seconds after which to look again, where there was none.

        Raises:
            LedgerError: The file cannot be used, or others have held it for ten seconds.
        """
        place.owner = self.owners.mine()
        try:
            pause = self._write(lambda base: self._look(base, place))
            if pause is not None and self._bury_the_dead():
                pause = self._write(lambda base: self._look(base, place))
        except LedgerError as error:
            if not self._is_held(error):
                raise
            return _SOON
        if pause is None:
            place.ticket = None
        return pause

    def draw(self, place: Place) -> None:
        """Draw a ticket, unless others hold the file just now; raises as `take` does."""
        if self._held_since is not None:
            # The first in line tries; if all of a thousand did, even these moments would be long.
            return
        place.owner = self.owners.mine()
        try:
            self._write(lambda base: self._draw(base, place))
        except LedgerError as error:
            if not self._is_held(error):
                raise

    def answered(self, place: Place, *, counted: bool) -> None:
        """Note that the request of a slot was answered, or was never `counted`; `settle` writes it."""
        self._due.append((_ANSWERED if counted else _UNCOUNTED, {"slot": place.slot, "now": self.clock()}))

    def give_back(self, place: Place) -> None:
        """Note that a place is not needed any more; `settle` writes it."""
        known = {"slot": place.slot, "ticket": place.ticket, "line": self.line, "owner": place.owner}
        if place.slot is not None:
            self._due.append((_UNCOUNTED, known))
        if place.ticket is not None:
            self._due += ((_TURN_IN, known), (_LAST_LOOK, known))

    def settle(self) -> bool:
        """Write what is due; return False where that is to be tried again, for others hold the file just now.

        Raises nothing: what it is about has happened. What cannot be written is written next time.
        """
        try:
            if self._due:
                self._write(lambda _: None)
        except LedgerError as error:
            if self._is_held(error):
                return False
            _log.warning("%s What was to be written there is written next time.", error)
        return True

    def start_anew(self) -> None:
        """Forget, in a child process, what its parent has yet to write."""
        self._due = []

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._database.close()

    def _look(self, base: sqlite3.Connection, place: Place) -> float | None:
        # Asked for here, after the wait for the file: nothing in it is later.
        now = self.clock()
        known: dict[str, Any] = {
            "line": self.line,
            "owner": place.owner,
            "now": now,
            "ticket": place.ticket,
            "seconds": self.seconds,
        }
        base.execute(_EXPIRE, known)
        used, answered, tickets = base.execute(_COUNT, known).fetchone()
        ahead = base.execute(_AHEAD, known).fetchone()[0] if tickets else 0
        if used + ahead < self.number:
            if place.ticket is not None:
                base.execute(_TURN_IN, known)
                base.execute(_LAST_LOOK, known)
            place.slot = secrets.randbits(62)
            base.execute(_TAKE, {**known, "slot": place.slot})
            return None
        frees = base.execute(_FREES, {**known, "before": used + ahead - self.number}).fetchone()
        pause: float = LOOK_AGAIN if frees is None else frees[0] - now
        # A request in flight may turn out not to count, and who is before us may leave.
        if used > answered or ahead:
            pause = min(pause, LOOK_AGAIN)
        base.execute(_LOOK, {**known, "until": now + pause + _LATE})
        if place.ticket is None:
            self._draw(base, place)
        return pause

    def _draw(self, base: sqlite3.Connection, place: Place) -> None:
        place.ticket = base.execute(_DRAW, {"line": self.line, "owner": place.owner}).lastrowid

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

    def _is_held(self, error: LedgerError) -> bool:
        """Whether an error says no more than that others hold the file, and have not done so for long."""
        if not is_locked(error):
            return False
        now = time.monotonic()
        # Where nobody has looked for a while, it was free meanwhile.
        if self._held_since is None or now > self._held_at + 2 * LOOK_AGAIN:
            self._held_since = now
        self._held_at = now
        return now < self._held_since + _PATIENCE

    def _write(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Carry out an operation, after what could not be written before."""

        def with_due(base: sqlite3.Connection) -> T:
            for statement, known in self._due:
                base.execute(statement, known)
            return operation(base)

        try:
            result = self._database.write(with_due)
        except LedgerError as error:
            raise self._explained(error) from error.__cause__
        self._due = []
        self._held_since = None
        return result

    def _read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return self._database.read(operation)
        except LedgerError as error:
            raise self._explained(error) from error.__cause__

    def _explained(self, error: LedgerError) -> LedgerError:
        """Say what is so of this file, and not of the ledger's."""
        if error.__cause__ is None:
            return error
        return LedgerError(
            f"{self.path}, in which processes share the rate limits, cannot be used: {error.__cause__}. It holds "
            "nothing else, so delete it if that helps, while no process uses it; or name another KIE_HOME, on a "
            "disk that can be written."
        )
