"""One request at a time, at a steady pace, over all processes of this user that use the same key.

Whoever wants to pass takes the next free moment and sleeps until then; nobody looks again and again. The moments
are kept in ``KIE_HOME``; where that cannot be written, the pace is kept within this process.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from kie_registry.settings import home

PACE = 1.1
"""Seconds between two requests to the catalog: a little more than the documented one, as networks jitter."""

_TABLE = "CREATE TABLE IF NOT EXISTS moments (account TEXT PRIMARY KEY, taken_at REAL, moment REAL) WITHOUT ROWID"
_WAIT_FOR_OTHERS = 5.0


class Turnstile:
    """Gives moments that lie at least `pace` seconds apart.

    Args:
        account: What the limit is counted for, such as a key; only its hash is kept.
        pace: Seconds between two moments.
        clock: Seconds since 1970, the same in all processes.
    """

    def __init__(self, account: str, pace: float = PACE, clock: Callable[[], float] = time.time) -> None:
        self._account = hashlib.sha256(f"kie-registry turnstile {account}".encode()).hexdigest()
        self._pace = pace
        self._clock = clock

    def take(self) -> float:
        """Take the next free moment; return the seconds to wait for it."""
        import sqlite3

        try:
            with self._shared() as (read, write):
                return self._next(read, write)
        except (sqlite3.Error, OSError):
            with _LOCK:
                return self._next(lambda: _HERE.get(self._account), self._keep_here)

    def _next(
        self, read: Callable[[], tuple[float, float] | None], write: Callable[[float, float], None]
    ) -> float:
        now = self._clock()
        taken_at, last = read() or (0.0, 0.0)
        # Nobody can have taken one later than now: the clock was put back, and what it said then counts no more.
        moment = now if taken_at > now + self._pace else max(now, last + self._pace)
        write(now, moment)
        return moment - now

    def _keep_here(self, taken_at: float, moment: float) -> None:
        _HERE[self._account] = (taken_at, moment)

    @contextlib.contextmanager
    def _shared(self) -> Iterator[tuple[Callable[[], tuple[float, float] | None], Callable[[float, float], None]]]:
        """Open the file of all processes, and hold it alone."""
        import sqlite3

        with contextlib.closing(sqlite3.connect(_file(), timeout=_WAIT_FOR_OTHERS, isolation_level=None)) as kept:
            kept.execute("BEGIN IMMEDIATE")
            kept.execute(_TABLE)
            find = "SELECT taken_at, moment FROM moments WHERE account = ?"
            put = "INSERT OR REPLACE INTO moments VALUES (?, ?, ?)"

            def write(taken_at: float, moment: float) -> None:
                kept.execute(put, (self._account, taken_at, moment))

            yield lambda: kept.execute(find, (self._account,)).fetchone(), write
            kept.execute("COMMIT")


_LOCK = threading.Lock()
_HERE: dict[str, tuple[float, float]] = {}


def _file() -> Path:
    path = home() / "cache" / "turnstile.sqlite3"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
