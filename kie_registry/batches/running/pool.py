"""Do things a few at a time, without a coroutine for what waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

Work: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Pool:
    """Does what it is given, in that order, so many at once. Belongs to the event loop in which it is used.

    What is done must raise nothing.

    Args:
        most: How many may be under way at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: deque[Work] = deque()
        self._workers: set[asyncio.Task[None]] = set()

    def add(self, work: Work) -> None:
        """Do this too."""
        self._waiting.append(work)
        if len(self._workers) < self._most:
            worker = asyncio.get_running_loop().create_task(self._do_what_waits())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def close(self) -> None:
        """Do nothing more; what is under way is given up."""
        self._waiting.clear()
        workers = list(self._workers)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _do_what_waits(self) -> None:
        while self._waiting:
            await self._waiting.popleft()()
        # What is added from now on needs another worker.
        if (this := asyncio.current_task()) is not None:
            self._workers.discard(this)
