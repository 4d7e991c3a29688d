"""Transactions of a PostgreSQL database, which are carried out again where it goes away in the middle of one.

Whoever has sent COMMIT, and hears nothing, does not know what came of it; and what is written twice may be refused
the second time, though it was written. So each transaction writes its own number beside all else, into the row of
its writer: there a new connection finds out. That row stays locked for as long as the lost session may yet end it.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import psycopg
from attrs import define

from kie_registry.errors import LedgerError

T = TypeVar("T")

# In one message: it costs no more time on the way than BEGIN alone.
_BEGIN = (
    "BEGIN; INSERT INTO writers VALUES ('{writer}', {number}, now()) "
    "ON CONFLICT (id) DO UPDATE SET written = excluded.written, written_at = excluded.written_at"
)
_WRITTEN = "SELECT written FROM writers WHERE id = %s FOR UPDATE"


class Statements:
    """Carries out statements, in which ``?`` stands for a value, over one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> psycopg.Cursor:
        """Carry one out."""
        return self.connection.execute(_translated(statement), values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> psycopg.Cursor:
        """Carry one out for each row of values; `rowcount` is the sum."""
        cursor = self.connection.cursor()
        cursor.executemany(_translated(statement), rows)
        return cursor


@functools.lru_cache(maxsize=1024)
def _translated(statement: str) -> bytes:
    return statement.replace("%", "%%").replace("?", "%s").encode()


@define(eq=False)
class Write:
    """An operation that waits to be carried out, and what came of it."""

    operation: Callable[[Statements], Any]
    done: bool = False
    result: Any = None
    error: BaseException | None = None

    def carry_out(self, base: Statements) -> None:
        """Carry it out. What it refuses is its own affair; what is wrong with the database is everybody's."""
        try:
            self.result, self.error = self.operation(base), None
        except psycopg.Error:
            raise
        except Exception as error:
            self.error = error

    def outcome(self) -> Any:
        """Return what came of it, or raise that."""
        if self.error is not None:
            raise self.error
        return self.result

    def came_to_the_same(self, before: Write) -> bool:
        """Whether as much came of it as `before`: what was told then must still be true."""
        return self.result == before.result and type(self.error) is type(before.error)


class Database(Protocol):
    """What a transaction needs of its database.

    Attributes:
        writer: The name of the row that this process writes the numbers of its transactions into.
    """

    writer: str

    def patiently(self, attempt: Callable[[Statements], T]) -> T:
        """Return what `attempt` returns, made again where the database was gone."""

    def trouble(self, reason: str) -> LedgerError:
        """Return the error that names the database, and what is wrong with it."""


class Transaction:
    """One transaction, whichever connections it takes. The thread that makes it holds the database's lock.

    Attributes:
        thread: That thread.
        committed: Whether it is written.
    """

    def __init__(self, database: Database) -> None:
        self.thread = threading.get_ident()
        self.committed = False
        self._database = database
        self._writes: list[Write] = []
        self._told = False
        self._connection: psycopg.Connection | None = None
        self._number = 0
        self._failure: LedgerError | None = None

    def write(self, operation: Callable[[Statements], T]) -> T:
        """Carry out an operation within it, and tell at once what came of it."""
        write = Write(operation)
        self.carry_out(write)
        self._told = True
        result: T = write.outcome()
        return result

    def read(self, operation: Callable[[Statements], T]) -> T:
        """Carry out an operation that only reads, and finds what was written within it."""
        reading = Write(operation)
        self._patiently(reading.carry_out)
        result: T = reading.outcome()
        return result

    def carry_out(self, write: Write) -> None:
        """Carry out an operation within it."""
        self._patiently(write.carry_out)
        self._writes.append(write)

    def commit(self) -> None:
        """Write all of it; nothing where it raises LedgerError, unless that says otherwise."""
        self._check()
        if self._writes:
            self._patiently(self._commit)

    def undo(self) -> None:
        """Leave nothing of it, if it is not committed yet."""
        connection, self._connection = self._connection, None
        if connection is not None and not self.committed:
            with contextlib.suppress(psycopg.Error):
                connection.rollback()

    def _patiently(self, step: Callable[[Statements], T]) -> T:
        self._check()

        def attempt(base: Statements) -> T:
            self._begin(base)
            try:
                return step(base)
            except psycopg.Error:
                # Nothing of it is left; the next attempt begins with what was written before.
                self.undo()
                raise

        try:
            return self._database.patiently(attempt)
        except BaseException as error:
            # Half of an operation may be written, or nothing of those before it.
            cut_off = self._database.trouble(f"interrupted ({type(error).__name__})")
            self._failure = error if isinstance(error, LedgerError) else cut_off
            raise

    def _check(self) -> None:
        if self._failure is not None:
            raise copy.copy(self._failure) from self._failure.__cause__

    def _begin(self, base: Statements) -> None:
        """Begin it, unless this connection is in the middle of it; all over again on another one."""
        if self._connection is base.connection:
            return
        self._number, self._connection = secrets.randbits(62), base.connection
        begin = _BEGIN.format(writer=self._database.writer, number=self._number)
        try:
            base.connection.execute(begin.encode())
            for write in self._writes:
                self._repeat(write, base)
        except psycopg.Error:
            self.undo()
            raise

    def _repeat(self, write: Write, base: Statements) -> None:
        again = Write(write.operation)
        again.carry_out(base)
        if self._told and not again.came_to_the_same(write):
            reason = "the connection was lost, or another was in the way, and others changed what is to be written"
            raise self._database.trouble(reason)
        write.result, write.error = again.result, again.error

    def _commit(self, base: Statements) -> None:
        try:
            ended = base.connection.execute(b"COMMIT").statusmessage
        except psycopg.Error as error:
            if not base.connection.closed or not self._is_written(error):
                raise
            ended = "COMMIT"
        except BaseException:
            # Ctrl-C: the others who wait for it hear what came of it.
            self.committed = self._is_written(None)
            raise
        self.committed = ended == "COMMIT"
        if not self.committed:
            raise self._database.trouble("what was to be written was undone by the server")

    def _is_written(self, error: psycopg.Error | None) -> bool:
        """Find out, perhaps over a new connection, whether it was committed."""
        self._connection = None

        def ask(base: Statements) -> bool:
            base.connection.rollback()
            row = base.connection.execute(_WRITTEN, (self._database.writer,)).fetchone()
            return row is not None and row[0] == self._number

        try:
            return self._database.patiently(ask)
        except LedgerError as gone:
            gone.args = (f"{gone} Whether what was to be written at last is there is not known.",)
            raise gone from error
