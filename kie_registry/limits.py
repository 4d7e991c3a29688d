"""Rate limits kept on this side: so many requests per so many seconds, in the order of asking.

A slot frees its time after the *answer* to its request. Freeing it after sending lets the server, whose
clock starts later, count one request too many.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from kie_registry.waking import LOOK_AGAIN, Line, Waiter


class RateLimit(Protocol):
    """At most so many requests in so many seconds. Each `acquire` that was granted takes one `release`."""

    def acquire(self, timeout: float | None = None, waiting: Callable[[], object] | None = None) -> bool:
        """Take a slot, blocking up to `timeout` seconds; return whether there was one.

        `waiting` is called once if there is no slot at once.
        """

    async def acquire_async(
        self, timeout: float | None = None, waiting: Callable[[], object] | None = None
    ) -> bool:
        """Do as `acquire` does, without blocking the event loop."""

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""


class Window(Line):
    """A `RateLimit` of this process alone: at most `number` requests in `seconds`."""

    def __init__(self, number: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._number = number
        self._seconds = seconds
        self._used_until: deque[float] = deque()

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            self._drop_the_gone()
            # A child process may give back what only its parent holds.
            if (holder := next(iter(self._holders), None)) is not None:
                if counted:
                    self._used_until.append(self._clock() + self._seconds)
                del self._holders[holder]
            self._wake_first()

    def start_anew(self) -> None:
        """Count, in a child process, what its parent has in flight as answered: nobody will say it here."""
        self._used_until.extend([self._clock() + self._seconds] * len(self._holders))
        super().start_anew()

    def _take(self, waiter: Waiter) -> float | None:
        now = self._clock()
        while self._used_until and self._used_until[0] <= now:
            self._used_until.popleft()
        if len(self._holders) + len(self._used_until) < self._number:
            self._holders[waiter] = None
            return None
        return min(self._used_until[0] - now, LOOK_AGAIN) if self._used_until else LOOK_AGAIN


_windows: dict[tuple[str, str, int, float], Window] = {}


def shared_window(kind: str, account: str, number: int, seconds: float) -> Window:
    """Return the one window of this process for `account`, so that all its clients share one limit."""
    key = (kind, account, number, seconds)
    if key not in _windows:
        # Of two threads that come at once, one finds the window of the other.
        _windows.setdefault(key, Window(number, seconds))
    return _windows[key]
