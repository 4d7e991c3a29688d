"""Rate limits kept on this side: so many requests per so many seconds, in the order of asking.

A slot frees its time after the *answer* to its request. Freeing it after sending lets the server, whose
clock starts later, count one request too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from attrs import define, field

# Someone further back in the queue looks again after so long, in case those before it never will.
_LOOK_AGAIN = 1.0


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


class _Waiter(Protocol):
    """Someone in the queue, who is told to look again."""

    def set(self) -> None: ...

    def can_wake_beside(self, other: _Waiter) -> bool:
        """Whether it will look again at all, while `other` waits."""


class _BlockingWaiter(threading.Event):
    def can_wake_beside(self, other: _Waiter) -> bool:  # noqa: ARG002
        return True


class Window:
    """At most `number` requests in `seconds`; safe between threads and event loops.

    Each `acquire` must be followed by one `release`.
    """

    def __init__(self, number: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._number = number
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0
        self._used_until: deque[float] = deque()
        self._queue: deque[_Waiter] = deque()

    def acquire(self, timeout: float | None = None, waiting: Callable[[], object] | None = None) -> bool:
        """Take a slot, blocking up to `timeout` seconds; return whether there was one.

        `waiting` is called once if there is no slot at once.
        """
        waiter = _BlockingWaiter()
        deadline = None if timeout is None else self._clock() + timeout
        try:
            while (pause := self._try(waiter)) is not None:
                if waiting is not None:
                    waiting()
                    waiting = None
                if (pause := _shorten(pause, deadline, self._clock())) <= 0:
                    return False
                waiter.wait(pause)
                waiter.clear()
        finally:
            self._leave(waiter)
        return True

    async def acquire_async(
        self, timeout: float | None = None, waiting: Callable[[], object] | None = None
    ) -> bool:
        """Do as `acquire` does, without blocking the event loop."""
        waiter = _AsyncWaiter(asyncio.get_running_loop())
        deadline = None if timeout is None else self._clock() + timeout
        try:
            while (pause := self._try(waiter)) is not None:
                if waiting is not None:
                    waiting()
                    waiting = None
                if (pause := _shorten(pause, deadline, self._clock())) <= 0:
                    return False
                await waiter.wait(pause)
        finally:
            self._leave(waiter)
        return True

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            self._in_flight -= 1
            if counted:
                self._used_until.append(self._clock() + self._seconds)
            self._wake_first()

    def _try(self, waiter: _Waiter) -> float | None:
        """Take a slot and return None, or return the seconds after which to look again."""
        with self._lock:
            now = self._clock()
            while self._used_until and self._used_until[0] <= now:
                self._used_until.popleft()
            first = next((each for each in self._queue if each.can_wake_beside(waiter)), waiter) is waiter
            if first and self._in_flight + len(self._used_until) < self._number:
                self._in_flight += 1
                return None
            if waiter not in self._queue:
                self._queue.append(waiter)
            return min(self._used_until[0] - now, _LOOK_AGAIN) if first and self._used_until else _LOOK_AGAIN

    def _leave(self, waiter: _Waiter) -> None:
        with self._lock:
            if waiter in self._queue:
                self._queue.remove(waiter)
                self._wake_first()

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].set()


@define(eq=False)
class _AsyncWaiter:
    _loop: asyncio.AbstractEventLoop
    _event: asyncio.Event = field(factory=asyncio.Event)

    def set(self) -> None:
        # The one who frees a slot may be in another thread, or may outlive this loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    def can_wake_beside(self, other: _Waiter) -> bool:
        """Not if the loop has stopped, or if `other` blocks the very loop that would run it."""
        blocked = isinstance(other, _BlockingWaiter) and _running_loop() is self._loop
        return self._loop.is_running() and not blocked

    async def wait(self, pause: float) -> None:
        try:
            async with asyncio.timeout(pause):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _shorten(pause: float, deadline: float | None, now: float) -> float:
    return pause if deadline is None else min(pause, deadline - now)


_windows: dict[tuple[str, str, int, float], Window] = {}
_windows_lock = threading.Lock()


def shared_window(kind: str, account: str, number: int, seconds: float) -> Window:
    """Return the one window of this process for `account`, so that all its clients share one limit."""
    with _windows_lock:
        return _windows.setdefault((kind, account, number, seconds), Window(number, seconds))
