"""A line of those who wait for something scarce: threads and coroutines, in the order of asking.

Only the first in line looks whether there is something for it; whoever leaves the line wakes the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol
from weakref import WeakSet

from attrs import define, field

LOOK_AGAIN = 1.0
"""Seconds after which to look again, where nobody may be there to tell when it is time."""

# Those further back than this look again more rarely, so that a thousand who wait cost no more than a few.
_NEAR = 10


class Waiter(Protocol):
    """Someone in the line, who is told to look again."""

    def set(self) -> None:
        """Tell it to look again."""

    def can_wake_beside(self, other: Waiter) -> bool:
        """Whether it will look again at all, while `other` waits."""


class Line(ABC):
    """Whatever is taken in the order of asking; safe between threads and event loops.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: OrderedDict[Waiter, int] = OrderedDict()
        self._numbers = itertools.count()
        _LINES.add(self)

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

    def _try(self, waiter: Waiter) -> float | None:
        """Take a slot and return None, or return the seconds after which to look again."""
        with self._lock:
            first = next((each for each in self._queue if each.can_wake_beside(waiter)), waiter)
            if first is waiter:
                if (pause := self._take(waiter)) is None:
                    return None
                self._queue.setdefault(waiter, next(self._numbers))
                return pause
            if waiter not in self._queue:
                self._join(waiter)
                self._queue[waiter] = next(self._numbers)
            return LOOK_AGAIN * max(1.0, (self._queue[waiter] - self._queue[first]) / _NEAR)

    def _leave(self, waiter: Waiter) -> None:
        with self._lock:
            if self._queue.pop(waiter, None) is not None:
                self._wake_first()
            self._left(waiter)

    def _wake_first(self) -> None:
        """Wake the first that can be; those whose event loop has stopped cannot."""
        for waiter in self._queue:
            waiter.set()
            if waiter.can_wake_beside(waiter):
                break

    def start_anew(self) -> None:
        """Forget, in a child process, those threads and loops that only its parent has."""
        self._lock = threading.Lock()
        self._queue.clear()

    @abstractmethod
    def _take(self, waiter: Waiter) -> float | None:
        """Take a slot for the first in line and return None, or return the seconds after which to look again."""

    def _join(self, waiter: Waiter) -> None:  # noqa: B027
        """Note that someone waits who is not the first."""

    def _left(self, waiter: Waiter) -> None:  # noqa: B027
        """Note that someone waits no more, with a slot or without."""


class _BlockingWaiter(threading.Event):
    def can_wake_beside(self, other: Waiter) -> bool:  # noqa: ARG002
        return True


@define(eq=False)
class _AsyncWaiter:
    _loop: asyncio.AbstractEventLoop
    _event: asyncio.Event = field(factory=asyncio.Event)

    def set(self) -> None:
        # The one who frees a slot may be in another thread, or may outlive this loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    def can_wake_beside(self, other: Waiter) -> bool:
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


_LINES: WeakSet[Line] = WeakSet()


def _after_fork() -> None:
    for line in list(_LINES):
        line.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
