"""Writing from an event loop: what many coroutines write at the same moment goes to the disk together."""

from __future__ import annotations

import asyncio
import copy
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from attrs import define

from kie_registry.errors import IllegalMove, LedgerError


class Together(Protocol):
    """Whatever can be written to in groups."""

    def together(self) -> AbstractContextManager[None]:
        """Write all that this thread writes within it at once, or raise LedgerError and write nothing."""


async def write_together(function: Callable[[], Any], ledger: Together) -> Any:
    """Call a function that writes to `ledger`, in a thread, and return what it returns once that is written.

    It is called even if this is cancelled, which then waits for it. Where a group of them cannot be written, each
    is called once more, by itself: a function does nothing but read and write the ledger.

    Raises:
        Exception: Whatever the function raises.
        LedgerError: What it wrote cannot be kept.
    """
    loop = asyncio.get_running_loop()
    wish = _Wish(function, loop.create_future())
    _hand_over(wish, ledger, loop)
    try:
        await wish.waiter
    except asyncio.CancelledError:
        if not wish.over:
            wish.waiter = loop.create_future()
            await wish.waiter
        raise
    return wish.outcome()


@define(eq=False)
class _Wish:
    """A function that is to be called, and what came of it."""

    function: Callable[[], Any]
    waiter: asyncio.Future[None]
    over: bool = False
    result: Any = None
    error: BaseException | None = None

    def fulfil(self) -> None:
        try:
            self.result, self.error = self.function(), None
        except BaseException as error:  # it is raised where the function is waited for
            self.error = error

    @property
    def trouble(self) -> LedgerError | None:
        """What is wrong with the ledger, by this wish; what is refused it alone is nothing."""
        wrong = isinstance(self.error, LedgerError) and not isinstance(self.error, IllegalMove)
        return self.error if wrong else None  # type: ignore[return-value]

    def outcome(self) -> Any:
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
            return self.result
        finally:
            # An error that is held by its own traceback would live on.
            del error


class _Writer:
    """Takes wishes as long as its thread runs, which fulfils all that have gathered at once."""

    def __init__(self, ledger: Together, first: _Wish) -> None:
        self._ledger: Together | None = ledger
        self._gathered = [first]
        self._lock = threading.Lock()

    def takes(self, wish: _Wish) -> bool:
        """Take a wish, or return False where the thread has ended."""
        with self._lock:
            if self._ledger is None:
                return False
            self._gathered.append(wish)
            return True

    def run(self, loop: asyncio.AbstractEventLoop) -> None:
        """Fulfil wishes until there are no more."""
        while (ledger := self._ledger) is not None:
            with self._lock:
                group, self._gathered = self._gathered, []
                if not group:
                    self._ledger = None
                    return
            _fulfil(group, ledger)
            try:
                loop.call_soon_threadsafe(_wake, group)
            except RuntimeError:
                # The loop is closed, and nobody waits; what others gave before that is still written.
                continue


_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, _Writer]] = WeakKeyDictionary()
"""Event loop -> the id of a ledger -> who writes, or has written, to it."""


def _hand_over(wish: _Wish, ledger: Together, loop: asyncio.AbstractEventLoop) -> None:
    writers = _writers.setdefault(loop, {})
    writer = writers.get(id(ledger))
    if writer is None or not writer.takes(wish):
        writer = _Writer(ledger, wish)
        loop.run_in_executor(None, writer.run, loop)
        writers[id(ledger)] = writer


def _wake(group: list[_Wish]) -> None:
    for wish in group:
        wish.over = True
        if not wish.waiter.done():
            wish.waiter.set_result(None)


def _fulfil(group: list[_Wish], ledger: Together) -> None:
    if len(group) == 1:
        group[0].fulfil()
        return
    try:
        with ledger.together():
            for wish in group:
                wish.fulfil()
    except Exception:  # nothing of it is written
        _fulfil_one_by_one(group)


def _fulfil_one_by_one(group: list[_Wish]) -> None:
    """Give each of a group that failed another chance, until one fails by itself as well.

    The first that had trouble may be its cause, such as by reading a row that is damaged; it comes last.
    """
    failure: LedgerError | None = None
    first = next((wish for wish in group if wish.trouble is not None), None)
    for wish in sorted(group, key=lambda wish: wish is first):
        if failure is None:
            wish.fulfil()
            failure = wish.trouble
        else:
            # Each has its own: those who catch it add to its message.
            wish.error = copy.copy(failure)


if hasattr(os, "register_at_fork"):
    # Its parent's threads do not run in a child process.
    os.register_at_fork(after_in_child=_writers.clear)
