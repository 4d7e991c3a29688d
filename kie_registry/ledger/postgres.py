"""A ledger in a PostgreSQL database, for all processes of any number of machines."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from kie_registry.ledger.postgres_database import PATIENCE, PostgresDatabase
from kie_registry.ledger.postgres_owners import DEAD_AFTER, EVERY, PostgresOwners
from kie_registry.ledger.postgres_schema import bring_up_to_date
from kie_registry.ledger.postgres_windows import PostgresWindow
from kie_registry.ledger.rows import Rows
from kie_registry.ledger.sql import SqlLedger
from kie_registry.limits import RateLimit

# What PostgreSQL keeps in no text, and the sign (no character, says Unicode) by which we write it.
_SIGN = "\ufdd0"
_ODD = re.compile(f"[\0\ud800-\udfff{_SIGN}]")
_WRITTEN = re.compile(f"{_SIGN}([0-9a-f]{{4}})")

_AT_THE_END = 2.0


class _PostgresRows(Rows):
    """Writes and reads jobs as PostgreSQL keeps them."""

    def text(self, value: str) -> str:
        """Return text with NUL and surrogates written in four digits each."""
        odd = "\0" in value if value.isascii() else _ODD.search(value)
        return _ODD.sub(lambda found: f"{_SIGN}{ord(found[0]):04x}", value) if odd else str(value)

    def restored(self, row: Iterable[Any]) -> Iterable[Any]:
        """Return the columns of a row with all text as it was given."""
        return [_restored(value) if type(value) is str and _SIGN in value else value for value in row]


class PostgresLedger(SqlLedger):
    """A `Ledger` in a PostgreSQL database, with its rate limits and the signs of life of its processes.

    Args:
        url: The address of the database, such as ``postgresql://user:password@host/database``; its tables are made
            on first use, in the schema ``kie_registry``.
        patience: The seconds for which to wait for a database that was there, and is gone.
        every: The seconds between two signs of life of this process.
        dead_after: The seconds without one after which a process counts as dead; the same in all of them.

    Attributes:
        path: The address without the password, as messages show it.

    Raises:
        ConfigurationError: The address is none.
    """

    rows = _PostgresRows()
    skipping = " FOR UPDATE SKIP LOCKED"

    def __init__(
        self, url: str, *, patience: float = PATIENCE, every: float = EVERY, dead_after: float = DEAD_AFTER
    ) -> None:
        # What is short and often has its own connection: signs of life must not wait for a long write.
        self._beside = PostgresDatabase(url, bring_up_to_date, durable=False, patience=patience)
        self._signs = PostgresOwners(self._beside, every=every, dead_after=dead_after)
        database = PostgresDatabase(url, bring_up_to_date, durable=True, patience=patience)
        super().__init__(database, self._signs)
        self.path = database.name
        self._windows: dict[tuple[str, str, int, float], PostgresWindow] = {}

    def window(self, kind: str, account: str, number: int, seconds: float) -> RateLimit:
        """Return a rate limit that all processes which share the database keep together."""
        # One object for all clients of this process, who thus wake each other.
        wanted = (kind, account, number, seconds)
        return self._windows.setdefault(wanted, PostgresWindow(self._beside, self._signs, *wanted))

    def close(self) -> None:
        """Close the connections; a later call opens them again. Until then this process gives no signs of life."""
        for window in list(self._windows.values()):
            window.settle(_AT_THE_END)
        self._signs.rest()
        super().close()
        self._beside.close()


def _restored(text: str) -> str:
    return _WRITTEN.sub(lambda found: chr(int(found[1], 16)), text)
