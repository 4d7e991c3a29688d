"""Wait for many tasks at once: one heap of moments, and a few coroutines that read whatever is due.

A task that waits has no coroutine of its own: ten thousand of them would take more memory than all else.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Container

from attrs import define

from kie_registry import hints
from kie_registry.effects import drive_async
from kie_registry.flows.look import Look
from kie_registry.http import AsyncHttp
from kie_registry.status import TaskStatus

_READERS = 32

Ended = Callable[[TaskStatus | Exception], None]
"""Told of a task's last status, or of why it is waited for no more."""


@define(eq=False)
class _Waiting:
    """A task that waits.

    Attributes:
        look: What reads it.
        ended: Who is told of its end.
        turn: The number of its place in the heap, 0 while it is being read; places that it has left keep others.
        hurried: Whether there was word of its end while it was being read.
        hint: What gives such word, where a callback may come.
    """

    look: Look
    ended: Ended
    turn: int = 0
    hurried: bool = False
    hint: hints.Hint | None = None


class Poller:
    """Reads the records of many tasks, each when it is due. Belongs to the event loop in which it is used.

    Args:
        http: The connections of the client.
        account: Whose tasks they are.
    """

    def __init__(self, http: AsyncHttp, account: str) -> None:
        self._http = http
        self._account = account
        self._heap: list[tuple[float, int, _Waiting]] = []
        self._turns = itertools.count(1)
        self._readers: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._closed = False

    async def add(self, look: Look, ended: Ended) -> None:
        """Wait for a task; `ended` is called in this loop when that is over."""
        waiting = _Waiting(look, ended)
        if look.journal.job.callback_url is not None:
            loop = asyncio.get_running_loop()
            waiting.hint = hints.expect(self._account, look.task_id)
            waiting.hint.on_given(lambda: loop.call_soon_threadsafe(self._hurry, waiting))
        await drive_async(look.prepare(), self._http)
        self._plan(waiting)

    def hurry(self, task_ids: Container[str]) -> None:
        """Read these tasks now: there is word that they have ended."""
        for _, turn, waiting in list(self._heap):
            if turn == waiting.turn and waiting.look.task_id in task_ids:
                self._hurry(waiting)

    async def close(self) -> None:
        """Wait for nothing more; what is being read is given up."""
        self._closed = True
        self._heap.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        readers = list(self._readers)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    def _plan(self, waiting: _Waiting) -> None:
        """Give a task its next place in the heap."""
        pause = waiting.look.pause()
        if waiting.hurried:
            waiting.hurried, pause = False, 0.0
        self._put(waiting, pause)

    def _hurry(self, waiting: _Waiting) -> None:
        if waiting.turn:
            self._put(waiting, 0.0)
        else:
            waiting.hurried = True

    def _put(self, waiting: _Waiting, pause: float) -> None:
        # Word of an end may still come.
        if self._closed:
            return
        waiting.turn = next(self._turns)
        due = asyncio.get_running_loop().time() + pause
        heapq.heappush(self._heap, (due, waiting.turn, waiting))
        self._see_to_the_first()

    def _see_to_the_first(self) -> None:
        """Have the first in the heap read, if it is due, or look again when it is."""
        due = self._first_due()
        loop = asyncio.get_running_loop()
        if due is None:
            return
        if due <= loop.time():
            if len(self._readers) < _READERS:
                reader = loop.create_task(self._read_what_is_due())
                self._readers.add(reader)
                reader.add_done_callback(self._readers.discard)
        elif self._alarm is None or due < self._alarm.when():
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._see_to_the_first()

    def _first_due(self) -> float | None:
        while self._heap and self._heap[0][1] != self._heap[0][2].turn:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    async def _read_what_is_due(self) -> None:
        loop = asyncio.get_running_loop()
        while (due := self._first_due()) is not None and due <= loop.time():
            waiting = heapq.heappop(self._heap)[2]
            waiting.turn = 0
            # More may be due: another reader sees to that while this one waits for the answer.
            self._see_to_the_first()
            await self._read(waiting)
        # Before the last look, so that what comes due this very moment finds a reader.
        if (this := asyncio.current_task()) is not None:
            self._readers.discard(this)
        self._see_to_the_first()

    async def _read(self, waiting: _Waiting) -> None:
        try:
            status = await drive_async(waiting.look.read(), self._http)
            if status is None or not status.done:
                self._plan(waiting)
                return
        except Exception as error:
            waiting.ended(error)
        else:
            waiting.ended(status)
