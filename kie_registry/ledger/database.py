"""An SQLite file that threads and processes share, and whose troubles are said in plain words."""

from __future__ import annotations

import contextlib
import copy
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from kie_registry.errors import LedgerError
from kie_registry.ledger.filesystems import make_private_file, network_filesystem
from kie_registry.ledger.forking import close_over_forks
from kie_registry.ledger.transactions import Group, Operation, T, Write, in_one_transaction
from kie_registry.ledger.ways_out import way_out

_WAIT_FOR_OTHERS = 10.0
_PAUSE = 0.01

# On a Mac only the full sync reaches the disk itself; other systems have no other one.
_DURABLE = ("PRAGMA synchronous = FULL", "PRAGMA fullfsync = ON", "PRAGMA checkpoint_fullfsync = ON")
_FAST = ("PRAGMA synchronous = OFF",)


class Database:
    """One file.

    Args:
        path: The file; it and its folder are made on first use, for this user alone.
        prepare: Brings a fresh connection's tables up to date, or refuses the file, which is then left as it is.
        durable: Whether a write that has returned survives a power cut.
        patience: The seconds for which to wait for others that hold the file; None for ten.
    """

    def __init__(
        self,
        path: Path,
        prepare: Callable[[sqlite3.Connection, str], None],
        *,
        durable: bool,
        patience: float | None = None,
    ) -> None:
        self.path = path
        self._prepare = prepare
        self._durable = durable
        self._patience = patience
        self._connection: sqlite3.Connection | None = None
        self._used = self._to_close = False
        self.start_anew()
        close_over_forks(self)

    def start_anew(self) -> None:
        """Forget, in a child process, the threads of its parent."""
        self._lock = threading.RLock()
        self._waiting: deque[Write] = deque()
        self._group: Group | None = None

    def write(self, operation: Operation[T]) -> T:
        """Carry out `operation` in a transaction.

        What several threads write at the same moment goes into one transaction, which the disk takes as fast as
        any: whoever gets the lock carries out what all the others wait for. After an interruption, such as
        Ctrl-C, it may have been carried out or not.

        Raises:
            LedgerError: The file cannot be written.
            KieError: What `operation` raises, before it has written anything.
        """
        if (group := self._mine()) is not None:
            return group.carry_out(operation, self._in_words)
        mine = Write(operation)
        self._waiting.append(mine)
        try:
            with self._lock:
                if not mine.done:
                    self._carry_out_all(mine)
        except BaseException:
            # Nobody waits for it any more.
            with contextlib.suppress(ValueError):
                self._waiting.remove(mine)
            raise
        if mine.error is not None:
            raise mine.error
        result: T = mine.result
        return result

    def read(self, operation: Operation[T]) -> T:
        """Carry out `operation`, which only reads; raises LedgerError where the file cannot be read."""
        if (group := self._mine()) is not None:
            return group.carry_out(operation, self._in_words)
        with self._lock, self._explained(), self._opened() as connection:
            return operation(connection)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write all that this thread writes within it in one transaction, which ends with the outermost block.

        Raises:
            LedgerError: The file cannot be written, or could not at any moment since it began; nothing is written.
        """
        if self._mine() is not None:
            yield
            return
        with self._lock, self._opened() as connection:
            try:
                self._group = group = Group(connection)
                with self._explained():
                    connection.execute("BEGIN IMMEDIATE")
                yield
                group.check()
                with self._explained():
                    connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            finally:
                self._group = None

    def _mine(self) -> Group | None:
        """Return the transaction that this thread writes into, if it is in the middle of one."""
        group = self._group
        return group if group is not None and group.thread == threading.get_ident() else None

    def close(self) -> None:
        """Close the file; a later call opens it again.

        A signal's handler may call this in the middle of an operation of its own thread, which is finished first.
        """
        with self._lock:
            self._to_close = self._used
            if not self._used:
                self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        """Close the file; newer Pythons warn of connections that are left open."""
        if self._connection is not None:
            self._connection.close()

    def before_fork(self) -> None:
        """Close the file until the fork is over.

        SQLite would take its parent's locks for the child's own; once the parent had closed the file, what the
        child writes would be lost.
        """
        self._lock.acquire()
        self._disconnect()

    def after_fork(self) -> None:
        """Go on in the parent."""
        self._lock.release()

    def _carry_out_all(self, mine: Write) -> None:
        """Carry out what waits. Whoever is interrupted here carries nobody down: the others see to their own."""
        writes = [mine]
        with contextlib.suppress(IndexError):
            while True:
                other = self._waiting.popleft()
                if other is not mine and not other.done:
                    writes.append(other)
        try:
            with self._explained(), self._opened() as connection:
                in_one_transaction(connection, writes)
        except Exception as error:
            for write in writes:
                # Each has its own: those who catch it add to its message.
                write.error = error if write is mine else copy.copy(error)
                write.done = True

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, which is not closed before the end."""
        outer, self._used = self._used, True
        try:
            yield self._connection or self._open()
        finally:
            self._used = outer
            if self._to_close and not outer:
                self.close()

    def _open(self) -> sqlite3.Connection:
        if (kind := network_filesystem(self.path)) is not None:
            raise LedgerError(
                f"{self.path} lies on a network file system ({kind}), on which SQLite's locks do not hold, "
                "and jobs could be paid twice. Name a folder on this machine: KIE_HOME=..."
            )
        with self._explained():
            make_private_file(self.path, durable=self._durable)
            self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        patience = _WAIT_FOR_OTHERS if self._patience is None else self._patience
        connection = sqlite3.connect(self.path, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            for statement in _DURABLE if self._durable else _FAST:
                connection.execute(statement)
            self._prepare(connection, str(self.path))
            _write_ahead(connection, patience)
        except BaseException:
            connection.close()
            raise
        return connection

    def trouble(self, reason: str) -> LedgerError:
        """Return the error that names the file, what is wrong with it, and the way out."""
        reason = reason.rstrip(".")
        return LedgerError(f"The ledger {self.path}: {reason}. {way_out(reason)}")

    def _in_words(self, error: BaseException) -> LedgerError:
        return self.trouble(str(error) or type(error).__name__)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in words what SQLite or the system finds wrong with the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._in_words(error) from error
        except OSError as error:
            raise LedgerError(
                f"The ledger {self.path}: {error.strerror or error}. It must be a file that you may write, in a "
                "folder that you may write; KIE_HOME names another."
            ) from error


def is_locked(error: LedgerError) -> bool:
    """Whether it says that others held the file."""
    return isinstance(error.__cause__, sqlite3.Error) and "locked" in str(error.__cause__)


def _write_ahead(connection: sqlite3.Connection, patience: float) -> None:
    """Use a log that is written ahead, so that readers and writers do not hinder each other."""
    until = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # Unlike all other statements, this one does not wait by itself for those who do the same just now.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
        else:
            return
