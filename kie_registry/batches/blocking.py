"""Iterate over what happens in an event loop, from code that has none, or whose own is running."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, TypeVar

from attrs import frozen

T = TypeVar("T")

# Windows shows an interruption only between two waits.
_LONGEST_WAIT = 1.0


@frozen
class _Item(Generic[T]):
    value: T


@frozen
class _End:
    """The end of an iteration, by this error or by none."""

    error: BaseException | None = None


def iterate(make: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    """Yield what an asynchronous iterator gives, which is made and runs in an event loop of a thread of its own.

    Whoever leaves the iteration, or is interrupted, waits until the iterator has cleaned up.
    """
    came: queue.SimpleQueue[_Item[T] | _End] = queue.SimpleQueue()
    working = _Working(make, came)
    thread = threading.Thread(target=working.run, name="kie-batch", daemon=True)
    thread.start()
    try:
        while not isinstance(item := _next(came), _End):
            yield item.value
        if item.error is not None:
            raise item.error
    finally:
        working.stop()
        thread.join()


def _next(came: queue.SimpleQueue[_Item[T] | _End]) -> _Item[T] | _End:
    while True:
        with contextlib.suppress(queue.Empty):
            return came.get(timeout=_LONGEST_WAIT)


class _Working(Generic[T]):
    """The thread's side."""

    def __init__(self, make: Callable[[], AsyncIterator[T]], came: queue.SimpleQueue[_Item[T] | _End]) -> None:
        self._make = make
        self._came = came
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def run(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._iterate())
        except asyncio.CancelledError:
            pass
        except BaseException as raised:
            error = raised
        self._came.put(_End(error))

    def stop(self) -> None:
        """End the iteration, if it has not ended."""
        with self._lock:
            self._stopped = True
            if self._loop is not None and self._task is not None:
                # It may have ended this very moment.
                with contextlib.suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._task.cancel)

    async def _iterate(self) -> None:
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
            if self._stopped:
                return
        iterator = self._make()
        try:
            async for value in iterator:
                self._came.put(_Item(value))
        finally:
            if (close := getattr(iterator, "aclose", None)) is not None:
                await close()
