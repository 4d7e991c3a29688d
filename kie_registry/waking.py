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
    """Someone in the line, who is told to look again.

    Attributes:
        gone: Whether it waits no more, and went without a slot.
    """

    gone: bool

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
        self._holders: dict[Waiter, None] = {}
        self._numbers = itertools.count()
        _LINES.add(self)

    def acquire(self, timeout: float | None = None, waiting: Callable[[], object] | None = None) -> bool:
        """Take a slot, blocking up to `timeout` seconds; return whether there was one.

        `waiting` is called once if there is no slot at once.
        """
        waiter = _BlockingWaiter()
        granted = False
        try:
            granted = self._wait(waiter, timeout, waiting)
            return granted
        finally:
            if not granted:
                # Before anything that could be interrupted: nobody waits for one who is gone.
                waiter.gone = True
                self._leave(waiter)

    async def acquire_async(
        self, timeout: float | None = None, waiting: Callable[[], object] | None = None
    ) -> bool:
        """Do as `acquire` does, without blocking the event loop."""
        waiter = _AsyncWaiter(asyncio.get_running_loop())
        granted = False
        try:
            granted = await self._wait_async(waiter, timeout, waiting)
            return granted
        finally:
            if not granted:
                waiter.gone = True
                self._leave(waiter)

    def _wait(self, waiter: _BlockingWaiter, timeout: float | None, waiting: Callable[[], object] | None) -> bool:
        deadline = None if timeout is None else self._clock() + timeout
        while (pause := self._try(waiter)) is not None:
            if waiting is not None:
                waiting()
                waiting = None
            if (pause := _shorten(pause, deadline, self._clock())) <= 0:
                return False
            waiter.wait(pause)
            waiter.clear()
        return True

    async def _wait_async(
        self, waiter: _AsyncWaiter, timeout: float | None, waiting: Callable[[], object] | None
    ) -> bool:
        deadline = None if timeout is None else self._clock() + timeout
        while (pause := self._try(waiter)) is not None:
            if waiting is not None:
                waiting()
                waiting = None
            if (pause := _shorten(pause, deadline, self._clock())) <= 0:
                return False
            await waiter.wait(pause)
        return True

    def _try(self, waiter: Waiter) -> float | None:
        """Take a slot and return None, or return the seconds after which to look again."""
        with self._lock:
            self._drop_the_gone()
            first = next((each for each in self._queue if each.can_wake_beside(waiter)), waiter)
            if first is waiter:
                if (pause := self._take(waiter)) is not None:
                    self._queue.setdefault(waiter, next(self._numbers))
                    return pause
                if self._queue.pop(waiter, None) is not None:
                    self._wake_first()
                return None
            self._queue.setdefault(waiter, next(self._numbers))
            self._join(waiter)
            return LOOK_AGAIN * max(1.0, (self._queue[waiter] - self._queue[first]) / _NEAR)

    def _leave(self, waiter: Waiter) -> None:
        with self._lock:
            self._drop(waiter)
            self._wake_first()

    def _drop(self, waiter: Waiter) -> None:
        """Take back whatever `waiter` has; what is interrupted in the middle can be done again."""
        self._left(waiter)
        self._holders.pop(waiter, None)
        self._queue.pop(waiter, None)

    def _drop_the_gone(self) -> None:
        """Drop those whose leaving was interrupted; the first in line is enough, the others come to be that."""
        for waiter in [each for each in self._holders if each.gone]:
            self._drop(waiter)
        while (first := next(iter(self._queue), None)) is not None and first.gone:
            self._drop(first)

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
        self._holders.clear()

    @abstractmethod
    def _take(self, waiter: Waiter) -> float | None:
        """Make the first in line a holder and return None, or return the seconds after which to look again."""

    def _join(self, waiter: Waiter) -> None:  # noqa: B027
        """Note that someone looks who is not the first."""

    def _left(self, waiter: Waiter) -> None:  # noqa: B027
        """Note that someone waits no more, and takes no slot; perhaps more than once."""


class _BlockingWaiter(threading.Event):
    gone = False

    def can_wake_beside(self, other: Waiter) -> bool:  # noqa: ARG002
        return not self.gone


@define(eq=False)
class _AsyncWaiter:
    _loop: asyncio.AbstractEventLoop
    gone: bool = field(default=False, init=False)
    _event: asyncio.Event = field(factory=asyncio.Event, init=False)

    def set(self) -> None:
        # The one who frees a slot may be in another thread, or may outlive this loop.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    def can_wake_beside(self, other: Waiter) -> bool:
        """Not if the loop has stopped, or if `other` blocks the very loop that would run it."""
        blocked = isinstance(other, _BlockingWaiter) and _running_loop() is self._loop
        return self._loop.is_running() and not blocked and not self.gone

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
