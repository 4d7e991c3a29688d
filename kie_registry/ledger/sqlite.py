"""A ledger in an SQLite file, for all processes of one machine."""

from __future__ import annotations

import os
from pathlib import Path

from kie_registry.ledger import schema
from kie_registry.ledger.database import Database
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.sql import SqlLedger
from kie_registry.ledger.windows import SharedWindow
from kie_registry.limits import RateLimit


class SqliteLedger(SqlLedger):
    """A `Ledger` in one file, with its rate limits and the locks of its processes in files beside it.

    Args:
        path: The file; made, with its folder, on first use.
    """

    def __init__(self, path: Path) -> None:
        # Who comes by a link to the file must find the same; a link to its folder leads there anyway.
        real = Path(os.path.realpath(path)) if path.is_symlink() else path
        owners = Owners(real.with_name(f"{real.name}.owners"))
        super().__init__(Database(path, schema.bring_up_to_date, durable=True), owners)
        self.path = path
        self._shared_by = owners
        self._limits = real.with_name(f"{real.name}.limits")
        self._windows: dict[tuple[str, str, int, float], SharedWindow] = {}

    def window(self, kind: str, account: str, number: int, seconds: float) -> RateLimit:
        """Return a rate limit that all processes of this machine keep together."""
        # One object for all clients of this process, who thus wake each other.
        wanted = (kind, account, number, seconds)
        return self._windows.setdefault(wanted, SharedWindow(self._limits, self._shared_by, *wanted))

    def close(self) -> None:
        """Close the files; a later call opens them again."""
        super().close()
        for window in list(self._windows.values()):
            window.close()
