"""Who works on a row of a database, and whether they still live.

Each process has an id, under which a thread of it says every few seconds that it lives. Whoever has not been
heard of for long counts as dead, by the database's clock. That may be wrong of one that could not reach the
database: what it does with its jobs then is refused, or right anyway.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import uuid
from weakref import WeakSet, finalize

from attrs import define, field

from kie_registry.errors import LedgerError
from kie_registry.ledger.postgres_database import PostgresDatabase
from kie_registry.ledger.postgres_transactions import Statements

EVERY = 5.0
"""Seconds between two signs of life."""

DEAD_AFTER = 30.0
"""Seconds without one after which a process counts as dead."""

ALIVE = "seen_at > clock_timestamp() - make_interval(secs => ?)"
"""The condition that the process of a row lives; its value is the time after which it counts as dead."""

_SEEN = (
    "INSERT INTO owners (id, host, pid, seen_at) VALUES (?, ?, ?, clock_timestamp()) "
    "ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at"
)
_FORGET = "DELETE FROM owners WHERE seen_at < now() - interval '1 day'"
_FORGET_WRITERS = "DELETE FROM writers WHERE written_at < now() - interval '1 day'"


@define(eq=False)
class _Heart:
    """Says from a thread of its own that its process lives."""

    database: PostgresDatabase
    every: float
    owner: str = field(factory=lambda: uuid.uuid4().hex)
    pid: int = field(factory=os.getpid)
    stop: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Say it now, and from now on; raises LedgerError where it cannot be said."""
        self.beat()
        self._thread = threading.Thread(target=self._run, name="kie-registry heartbeat", daemon=True)
        # No thread begins any more when the process ends.
        with contextlib.suppress(RuntimeError):
            self._thread.start()

    def beat(self) -> None:
        """Say it."""
        values = (self.owner, socket.gethostname(), self.pid)
        self.database.read(lambda base: base.execute(_SEEN, values))

    def _run(self) -> None:
        while not self.stop.wait(self.every):
            # It has been tried for long, and is tried again.
            with contextlib.suppress(LedgerError):
                self.beat()


class PostgresOwners:
    """The processes that share a database, on any number of machines.

    Args:
        database: The database; not one over whose connection anybody writes for long.
        every: The seconds between two signs of life.
        dead_after: The seconds without one after which a process counts as dead.
    """

    def __init__(
        self, database: PostgresDatabase, *, every: float = EVERY, dead_after: float = DEAD_AFTER
    ) -> None:
        self.dead_after = dead_after
        self._database = database
        self._every = every
        self._heart: _Heart | None = None
        self._lock = threading.Lock()
        _OWNERS.add(self)

    def mine(self) -> str:
        """Return the id of this process: 32 hexadecimal digits, others in each child that it forks.

        Raises:
            LedgerError: It cannot be written into the database.
        """
        heart = self._heart
        if heart is None or heart.pid != os.getpid() or heart.stop.is_set():
            with self._lock:
                heart = self._begun()
        return heart.owner

    def alive(self, owner: str) -> bool:
        """Whether the process with that id lives, as far as is known.

        Raises:
            LedgerError: The database cannot be read.
        """
        heart = self._heart
        if heart is not None and (heart.owner, heart.pid) == (owner, os.getpid()):
            return True
        query = f"SELECT 1 FROM owners WHERE id = ? AND {ALIVE}"  # noqa: S608
        values = (owner.replace("\0", ""), self.dead_after)
        return self._database.read(lambda base: base.execute(query, values).fetchone()) is not None

    def rest(self) -> None:
        """Give no more signs of life until somebody asks for the id of this process."""
        if self._heart is not None:
            self._heart.stop.set()

    def start_anew(self) -> None:
        """Be another process, in a child."""
        self._lock = threading.Lock()
        self._heart = None

    def _begun(self) -> _Heart:
        heart = self._heart
        if heart is not None and not heart.stop.is_set():
            return heart
        self._database.read(_forget)
        # After a rest it is the same process as before.
        new = _Heart(self._database, self._every)
        if heart is not None:
            new.owner = heart.owner
        new.begin()
        finalize(self, new.stop.set)
        self._heart = new
        return new


def _forget(base: Statements) -> None:
    """Forget those who died long ago."""
    for statement in (_FORGET, _FORGET_WRITERS):
        base.execute(statement)


_OWNERS: WeakSet[PostgresOwners] = WeakSet()


def _after_fork() -> None:
    for owners in list(_OWNERS):
        owners.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
