"""What a ledger in an SQL database asks of that database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from kie_registry.errors import LedgerError

T = TypeVar("T")


class Cursor(Protocol):
    """What a statement gives."""

    @property
    def rowcount(self) -> int:
        """How many rows it wrote."""

    def fetchone(self) -> Any:
        """Return the next row, a sequence of columns, or None."""

    def fetchall(self) -> Sequence[Any]:
        """Return all rows."""


class Connection(Protocol):
    """Carries out statements, in which ``?`` stands for a value."""

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        """Carry one out."""

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> Cursor:
        """Carry one out for each row of values; `rowcount` is the sum."""


class SqlDatabase(Protocol):
    """What keeps the tables. All methods may be called from any thread."""

    def write(self, operation: Callable[[Connection], T], /) -> T:
        """Carry `operation` out in a transaction, which is on the disk when this returns.

        What it raises before it has written anything is raised here, and changes nothing.
        """

    def read(self, operation: Callable[[Connection], T], /) -> T:
        """Carry out `operation`, which only reads."""

    def together(self) -> AbstractContextManager[None]:
        """Write all that this thread writes within it in one transaction; as `Ledger.together`."""

    def trouble(self, reason: str) -> LedgerError:
        """Return the error that names the database, what is wrong with it, and the way out."""

    def close(self) -> None:
        """Close it; a later call opens it again."""


class Processes(Protocol):
    """The processes that share the ledger."""

    def mine(self) -> str:
        """Return the id of this one."""

    def alive(self, owner: str) -> bool:
        """Whether that one lives."""
