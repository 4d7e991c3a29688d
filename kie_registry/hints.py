"""Hints that a task may have ended, for those in this process who wait for it: threads and coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import threading
import time
from collections.abc import Callable
from weakref import WeakSet, WeakValueDictionary

# Windows shows an interruption only between two waits.
_LONGEST_WAIT = 1.0


class Hint:
    """What one who waits for a task is given. It keeps until it is waited for.

    Args:
        group: All hints for the same task; who holds one of them keeps the group.
    """

    def __init__(self, group: WeakSet[Hint]) -> None:
        self._group = group
        self._given = threading.Event()
        self._wake: Callable[[], object] | None = None

    def give(self) -> None:
        """Wake whoever waits for it, or will. May be called from any thread."""
        self._given.set()
        if (wake := self._wake) is not None:
            # The loop of a coroutine that was left behind may have ended.
            with contextlib.suppress(RuntimeError):
                wake()

    def on_given(self, wake: Callable[[], object]) -> None:
        """Have `wake` called each time it is given, from whatever thread, in place of being waited for."""
        self._wake = wake

    def wait(self, seconds: float) -> bool:
        """Block until it is given, up to `seconds`; return whether it was, and take it."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._given.is_set():
            self._given.wait(min(left, _LONGEST_WAIT))
        return self._take()

    async def wait_async(self, seconds: float) -> bool:
        """Do as `wait` does, without blocking the event loop."""
        woken = asyncio.Event()
        self._wake = functools.partial(asyncio.get_running_loop().call_soon_threadsafe, woken.set)
        try:
            # Looked at only now, so that a hint either is seen here or wakes.
            if not self._given.is_set():
                async with asyncio.timeout(seconds):
                    await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._wake = None
        return self._take()

    def _take(self) -> bool:
        given = self._given.is_set()
        self._given.clear()
        return given


def expect(account: str, task_id: str) -> Hint:
    """Return a hint for a task of this account, which is given as long as somebody holds it."""
    with _lock:
        group = _expected.setdefault((account, task_id), WeakSet())
        hint = Hint(group)
        group.add(hint)
        return hint


def give(account: str, task_id: str) -> bool:
    """Wake everybody in this process who waits for the task; return whether there is anybody."""
    with _lock:
        hints = list(_expected.get((account, task_id), ()))
    for hint in hints:
        hint.give()
    return bool(hints)


def expected() -> int:
    """Return the number of tasks that somebody in this process waits for."""
    with _lock:
        return len(_expected)


_lock = threading.Lock()
_expected: WeakValueDictionary[tuple[str, str], WeakSet[Hint]] = WeakValueDictionary()


def _after_fork() -> None:
    """Make the lock anew: a thread that only the parent has may have held it."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
