"""Iterate over what happens in an event loop, from code that has none, or whose own is running."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, TypeVar

from attrs import evolve, frozen

from kie_registry.batches.batch import AsyncBatch
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.progress import Progress
from kie_registry.http import AsyncHttp, Http
from kie_registry.results import Result

T = TypeVar("T")

# Windows shows an interruption only between two waits.
_LONGEST_WAIT = 1.0


class Batch:
    """A batch for code that does not wait: an iterable of `Outcome`; it runs while it is iterated over.

    It runs in an event loop of a thread of its own, so it may be used where another one runs, as in a notebook.

    Args:
        make: Makes the batch, for some connections.
        http: The connections of the client.
    """

    def __init__(self, make: Callable[[AsyncHttp], AsyncBatch], http: Http) -> None:
        self._http = http
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections = http.asynchronous()
        self._batch = make(self._connections)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self._batch.progress

    def stop(self, reason: str = "it was told to stop") -> None:
        """Send nothing more; what runs is still waited for and saved. May be called from any thread."""
        if (loop := self._loop) is None:
            self._batch.stop(reason)
            return
        # It may have ended this very moment.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._batch.stop, reason)

    def __iter__(self) -> Iterator[Outcome]:
        """Run the batch, and yield what came of each job; raises as `AsyncBatch` does."""

        async def run() -> AsyncIterator[Outcome]:
            self._loop = asyncio.get_running_loop()
            async for outcome in _and_close(aiter(self._batch), self._connections):
                yield outcome

        return _for_blocking_code(iterate(run), self._http)


def outcomes(make: Callable[[AsyncHttp], AsyncIterator[Outcome]], http: Http) -> Iterator[Outcome]:
    """Yield the outcomes of what is made for some connections, for code that does not wait."""
    connections = http.asynchronous()
    came = make(connections)
    return _for_blocking_code(iterate(lambda: _and_close(came, connections)), http)


async def _and_close(came: AsyncIterator[Outcome], connections: AsyncHttp) -> AsyncIterator[Outcome]:
    try:
        async for outcome in came:
            yield outcome
    finally:
        if (close := getattr(came, "aclose", None)) is not None:
            await close()
        await connections.close()


def _for_blocking_code(came: Iterator[Outcome], http: Http) -> Iterator[Outcome]:
    for outcome in came:
        result = outcome.result
        yield outcome if result is None else evolve(outcome, result=Result.like(result, http))


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
