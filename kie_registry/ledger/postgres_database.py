"""A PostgreSQL database that threads and processes share, and that may go away and come back."""

from __future__ import annotations

import contextlib
import copy
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeVar

import psycopg

from kie_registry.errors import LedgerError
from kie_registry.ledger.forking import close_over_forks
from kie_registry.ledger.postgres_address import shown
from kie_registry.ledger.postgres_connections import Way
from kie_registry.ledger.postgres_outage import Outage
from kie_registry.ledger.postgres_transactions import Statements, Transaction, Write
from kie_registry.ledger.postgres_ways_out import way_out

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds for which to wait for a database that was there, and is gone: what is to be written may be money."""

# We say it in our own words.
_LIBPQ_ASKS = re.compile(r"\s*Is the server running [^?]*\?")

_PAUSES = (0.05, 0.1, 0.2, 0.5)
_AT_ONCE = 5

# Another transaction was in the way; the same one may succeed now.
_IN_THE_WAY = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)
_OF_ONE = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError)
"""What is wrong with one of several operations, and with no other."""

_WILL_PASS = ("08", "53", "57P", "25P03", "55P03")
"""How the codes begin of what may be over soon: no connection, no room, a server that stops, a lock of others."""


class PostgresDatabase:
    """One database.

    Args:
        url: Its address; errors show it without the password.
        prepare: Brings the tables up to date over a fresh connection, or refuses them; is given the shown address.
        durable: Whether a write that has returned survives a power cut of the server.
        patience: The seconds for which to wait for a database that was there, and is gone; all who ask share them.

    Raises:
        ConfigurationError: The address is none.
    """

    def __init__(
        self,
        url: str,
        prepare: Callable[[psycopg.Connection, str], None],
        *,
        durable: bool,
        patience: float = PATIENCE,
    ) -> None:
        self.name = shown(url)
        self._way = Way.to(url, durable=durable)
        self._prepare = prepare
        self._patience = patience
        self._connection: psycopg.Connection | None = None
        self._was_there = self._used = self._to_close = False
        self._outage = Outage(patience)
        self.start_anew()
        close_over_forks(self)

    def start_anew(self) -> None:
        """Forget, in a child process, what is its parent's."""
        self.writer = uuid.uuid4().hex
        self._lock = threading.RLock()
        self._waiting: deque[Write] = deque()
        self._group: Transaction | None = None

    def write(self, operation: Callable[[Statements], T]) -> T:
        """Carry out `operation` in a transaction, again if the database goes away in the middle of it.

        What several threads write at the same moment goes into one transaction. After an interruption, such as
        Ctrl-C, it may have been carried out or not.

        Raises:
            LedgerError: The database cannot be written, or was gone for longer than the patience.
            KieError: What `operation` raises, before it has written anything.
        """
        if (group := self._mine()) is not None:
            return group.write(operation)
        mine, asked_at = Write(operation), time.monotonic()
        self._waiting.append(mine)
        try:
            with self._lock:
                if not mine.done:
                    self._outage.check(asked_at)
                    self._carry_out_all(mine)
        except BaseException:
            # Nobody waits for it any more.
            with contextlib.suppress(ValueError):
                self._waiting.remove(mine)
            raise
        result: T = mine.outcome()
        return result

    def read(self, operation: Callable[[Statements], T]) -> T:
        """Carry out `operation`, which may be carried out twice: it only reads, or writes the same once more.

        Each of its statements is a transaction.

        Raises:
            LedgerError: The database cannot be read, or was gone for longer than the patience.
        """
        if (group := self._mine()) is not None:
            return group.read(operation)
        asked_at = time.monotonic()
        with self._lock:
            self._outage.check(asked_at)
            return self.patiently(operation)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write all that this thread writes within it in one transaction, which ends with the outermost block.

        Raises:
            LedgerError: The database cannot be written, or could not at any moment since it began; nothing is.
        """
        if self._mine() is not None:
            yield
            return
        asked_at = time.monotonic()
        with self._lock:
            self._outage.check(asked_at)
            self._group = group = Transaction(self)
            try:
                yield
                group.commit()
            except BaseException:
                group.undo()
                raise
            finally:
                self._group = None
                self._close_if_asked()

    def trouble(self, reason: str, code: str | None = None) -> LedgerError:
        """Return the error that names the database, what is wrong with it, and the way out."""
        reason = " ".join(_LIBPQ_ASKS.sub("", reason).split()).rstrip(".")
        return LedgerError(f"The ledger {self.name}: {reason}. {way_out(code, reason)}")

    def close(self) -> None:
        """Close the connection; a later call opens it again.

        A signal's handler may call this in the middle of an operation of its own thread, which is finished first.
        """
        with self._lock:
            self._to_close = True
            self._close_if_asked()

    def before_fork(self) -> None:
        """Close the connection until the fork is over: parent and child cannot share one."""
        self._lock.acquire()
        self._disconnect()

    def after_fork(self) -> None:
        """Go on in the parent."""
        self._lock.release()

    def __del__(self) -> None:
        """Close the connection; psycopg warns of those that are left open."""
        if getattr(self, "_connection", None) is not None:
            self._disconnect()

    def patiently(self, attempt: Callable[[Statements], T]) -> T:
        """Return what `attempt` returns, made again where the database was gone, or another was in the way.

        Raises:
            LedgerError: It is wrong in another way, or for longer than the patience.
        """
        outer, self._used = self._used, True
        until: float | None = None
        tries = 0
        try:
            while True:
                try:
                    result = attempt(Statements(self._open()))
                except psycopg.Error as error:
                    passes, gone = self._may_pass(error, tries), self._connection is None
                    if until is None:
                        until = self._outage.waits_until() if gone else time.monotonic() + self._patience
                    # The connection may be of before: another one is worth a try in any case.
                    if not passes or (tries and time.monotonic() >= until):
                        raise self._outage.given_up(self.in_words(error), told=passes and gone) from error
                    tries += 1
                else:
                    self._outage.over()
                    return result
                if tries > 1:
                    time.sleep(_PAUSES[min(tries, len(_PAUSES)) - 1])
        finally:
            self._used = outer
            self._close_if_asked()

    def in_words(self, error: psycopg.Error) -> LedgerError:
        """Say in words what PostgreSQL finds wrong."""
        return self.trouble(str(error) or type(error).__name__, error.sqlstate)

    def _may_pass(self, error: psycopg.Error, tries: int) -> bool:
        """Whether the same may succeed now, or soon; ends what is left of a transaction."""
        lost = self._connection is None or self._connection.closed
        if not lost and isinstance(error, _IN_THE_WAY):
            self._undo()
            return tries < _AT_ONCE
        # An error of the connection itself has no code.
        lost = lost or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None)
        passes = lost or (error.sqlstate or "").startswith(_WILL_PASS)
        if passes and isinstance(error, psycopg.errors.LockNotAvailable):
            self._undo()
        elif passes:
            self._disconnect()
        # Of a database that never was there, a wrong address is the likelier reason.
        return passes and self._was_there

    def _undo(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.rollback()

    def _carry_out_all(self, mine: Write) -> None:
        """Carry out what waits. Whoever is interrupted here carries nobody down: the others see to their own."""
        writes = [mine]
        with contextlib.suppress(IndexError):
            while True:
                other = self._waiting.popleft()
                if other is not mine and not other.done:
                    writes.append(other)
        self._carry_out(writes, mine)

    def _carry_out(self, writes: list[Write], mine: Write) -> None:
        group = Transaction(self)
        try:
            for write in writes:
                group.carry_out(write)
            group.commit()
        except LedgerError as error:
            group.undo()
            if len(writes) > 1 and isinstance(error.__cause__, _OF_ONE):
                for write in writes:
                    self._carry_out([write], mine)
                return
            for write in writes:
                # Each has its own: those who catch it add to its message.
                write.error = error if write is mine else copy.copy(error)
                write.done = True
        except BaseException:
            group.undo()
            raise
        finally:
            for write in writes if group.committed else ():
                write.done = True

    def _mine(self) -> Transaction | None:
        """Return the transaction that this thread writes into, if it is in the middle of one."""
        group = self._group
        return group if group is not None and group.thread == threading.get_ident() else None

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self._was_there = True
        return self._connection

    def _connect(self) -> psycopg.Connection:
        connection = self._way.connect(self.writer, again=self._was_there)
        try:
            if not self._was_there:
                self._prepare(connection, self.name)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _close_if_asked(self) -> None:
        if self._to_close and not self._used and self._group is None:
            self._to_close = False
            self._disconnect()
