"""Interrupting what runs in an event loop: once to end it well, twice to leave it, a third time by force."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Hears Ctrl-C (SIGINT) and SIGTERM, within a coroutine; a context manager.

    The first calls `once`, and if that returns False cancels the coroutine; the second cancels it; the third ends
    the process, as without us.

    Attributes:
        heard: How many there were.
    """

    def __init__(self, once: Callable[[], bool]) -> None:
        self.heard = 0
        self._once = once
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        for number in _SIGNALS:
            # The loop's own way to hear signals is not to be had on Windows; this one is, everywhere.
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, _number: int, _frame: object) -> None:
        # Between any two instructions: the loop does the rest.
        self._loop.call_soon_threadsafe(self._interrupt)

    def _interrupt(self) -> None:
        self.heard += 1
        if self.heard == 1 and self._once():
            return
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        if self._task is not None:
            self._task.cancel()
