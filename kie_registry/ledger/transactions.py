"""Transactions of an SQLite file, in each of which many things are written."""

from __future__ import annotations

import contextlib
import copy
import sqlite3
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from attrs import define, field

from kie_registry.errors import LedgerError

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]


@define(eq=False)
class Write:
    """An operation that waits to be carried out, and what came of it."""

    operation: Operation[Any]
    done: bool = False
    result: Any = None
    error: BaseException | None = None

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Carry it out. What it refuses is its own affair; what is wrong with the file is everybody's."""
        try:
            self.result, self.error = self.operation(connection), None
        except sqlite3.Error:
            raise
        except Exception as error:
            self.error = error


@define(eq=False)
class Group:
    """A transaction that the thread which began it writes into, until it ends it."""

    connection: sqlite3.Connection
    thread: int = field(factory=threading.get_ident)
    failure: LedgerError | None = None

    def carry_out(self, operation: Operation[T], in_words: Callable[[BaseException], LedgerError]) -> T:
        """Carry `operation` out within it; after one that failed, no other."""
        self.check()
        try:
            return operation(self.connection)
        except sqlite3.Error as error:
            # SQLite may have undone everything already: what is written now would be written by itself.
            self.failure = in_words(error)
            raise self.failure from error
        except Exception:
            raise
        except BaseException as error:
            # Half of it may be written.
            self.failure = in_words(error)
            raise

    def check(self) -> None:
        """Raise what it failed with before."""
        if self.failure is not None:
            raise copy.copy(self.failure) from self.failure.__cause__


def in_one_transaction(connection: sqlite3.Connection, writes: list[Write]) -> None:
    """Carry out and commit all of them, and mark them as done; or none, where the file cannot be written."""
    carried_out = 0
    try:
        connection.execute("BEGIN IMMEDIATE")
        for write in writes:
            write.carry_out(connection)
            carried_out += 1
        connection.execute("COMMIT")
    except BaseException as error:
        ended = carried_out == len(writes) and not connection.in_transaction
        # Whoever is interrupted while the disk writes hears of it when that is done.
        if isinstance(error, Exception) or not ended:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        _mark_done(writes)
        raise
    _mark_done(writes)


def _mark_done(writes: Iterable[Write]) -> None:
    for write in writes:
        write.done = True
