"""An SQLite file that threads and processes share, and whose troubles are said in plain words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakSet

from attrs import define

from kie_registry.errors import KieError, LedgerError
from kie_registry.ledger.filesystems import network_filesystem

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

_WAIT_FOR_OTHERS = 10.0

_WAYS_OUT = (
    ("locked", "Another program holds it; end that program, and try again."),
    ("full", "Make room on the disk, and try again."),
    ("readonly", "It, or its folder, cannot be written; give yourself the right to, or name another KIE_HOME."),
    (
        "unable to open",
        "It, or its folder, cannot be opened or written; see to its rights, or name another KIE_HOME.",
    ),
)
_DAMAGED = (
    "It is damaged, or no SQLite file. Move it away, and a new one is made; what is pending in it can then only "
    "be found at https://kie.ai/logs. (`sqlite3 FILE .recover` may save what is in it.)"
)


@define(eq=False)
class _Write:
    """An operation that waits to be carried out, and what came of it."""

    operation: Operation[Any]
    done: bool = False
    result: Any = None
    error: BaseException | None = None

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Carry it out. Its refusals are its own; what is wrong with the file concerns the whole transaction."""
        try:
            self.result, self.error = self.operation(connection), None
        except KieError as error:
            self.error = error


class Database:
    """One file.

    Args:
        path: The file; it and its folder are made on first use, for this user alone.
        prepare: Brings a fresh connection's tables up to date.
        durable: Whether a write that has returned survives a power cut.
    """

    def __init__(self, path: Path, prepare: Callable[[sqlite3.Connection, str], None], *, durable: bool) -> None:
        self.path = path
        self._prepare = prepare
        self._durable = durable
        self.start_anew()
        _DATABASES.add(self)

    def start_anew(self) -> None:
        """Forget the connection. After a fork it is the parent's, and may not even be closed here."""
        self._lock = threading.RLock()
        self._waiting: deque[_Write] = deque()
        self._connection: sqlite3.Connection | None = None

    def write(self, operation: Operation[T]) -> T:
        """Carry out `operation` in a transaction.

        What several threads write at the same moment goes into one transaction, which the disk takes as fast as
        any: whoever gets the lock carries out what all the others wait for.

        Raises:
            LedgerError: The file cannot be written.
            KieError: What `operation` raises, before it has written anything.
        """
        mine = _Write(operation)
        self._waiting.append(mine)
        with self._lock:
            if not mine.done:
                self._carry_out_all(mine)
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def read(self, operation: Operation[T]) -> T:
        """Carry out `operation`, which only reads; raises LedgerError where the file cannot be read."""
        with self._lock, self._explained():
            return operation(self._open())

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _carry_out_all(self, mine: _Write) -> None:
        writes = []
        with contextlib.suppress(IndexError):
            while True:
                writes.append(self._waiting.popleft())
        try:
            with self._explained():
                self._in_one_transaction(writes)
        except Exception as error:
            for write in writes:
                write.done, write.error = True, error
        except BaseException:
            # Whoever is interrupted here carries nobody else down: the others see to their own.
            self._waiting.extendleft(write for write in reversed(writes) if write is not mine and not write.done)
            raise

    def _in_one_transaction(self, writes: list[_Write]) -> None:
        connection = self._open()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for write in writes:
                write.carry_out(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        for write in writes:
            write.done = True

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if (kind := network_filesystem(self.path)) is not None:
                raise LedgerError(
                    f"{self.path} lies on a network file system ({kind}), on which SQLite's locks do not hold, "
                    "and jobs could be paid twice. Name a folder on this machine: KIE_HOME=..."
                )
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # What people asked for is nobody else's business.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_WAIT_FOR_OTHERS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
            self._prepare(connection, str(self.path))
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in words what SQLite or the system finds wrong with the file."""
        try:
            yield
        except sqlite3.Error as error:
            reason = str(error)
            way_out = next((way for word, way in _WAYS_OUT if word in reason), _DAMAGED)
            raise LedgerError(f"The ledger {self.path}: {reason}. {way_out}") from error
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path}: {error.strerror or error}. See to the rights of that folder, or name "
                "another KIE_HOME."
            ) from error


_DATABASES: WeakSet[Database] = WeakSet()


def _after_fork() -> None:
    for database in list(_DATABASES):
        database.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
