"""Send jobs so that those can be called back that have not left yet: they may wait long for their turn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from kie_registry.events import Event, Listener

T = TypeVar("T")


class Sending:
    """What is being sent. Belongs to the event loop in which it is used.

    Args:
        listener: Who is told of each step.
    """

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        # By their jobs, the coroutines that send, or wait for their turn to do so.
        self._senders: dict[str, asyncio.Task[Any]] = {}
        self._left: set[str] = set()
        self._recalled: set[str] = set()
        self._over = False

    @property
    def waiting(self) -> int:
        """How many have not left: their files are uploaded, or they wait for their turn."""
        return len(self._senders) - len(self._left)

    async def send(self, job_id: str, sending: Coroutine[Any, Any, T]) -> T | None:
        """Send a job, and return what that returns; None where it was called back before anything had left.

        Args:
            job_id: The job, of whose steps `hear` is told.
            sending: Sends it.
        """
        if (this := asyncio.current_task()) is None:
            return await sending
        self._senders[job_id] = this
        try:
            return await sending
        except asyncio.CancelledError:
            # It may have been cancelled by others as well.
            if job_id not in self._recalled or this.uncancel():
                raise
            return None
        finally:
            del self._senders[job_id]
            self._left.discard(job_id)
            self._recalled.discard(job_id)

    def recall(self) -> None:
        """Call back what has not left; what has, and is answered that it must be sent again, is not."""
        self._over = True
        for job_id in self._senders:
            self._recall(job_id)

    async def wait(self, seconds: float) -> None:
        """Wait, for so long, until those who send are done; after `recall` that is what has left."""
        if senders := set(self._senders.values()) - {asyncio.current_task()}:
            await asyncio.wait(senders, timeout=seconds)

    def hear(self, event: Event) -> None:
        """Hear of a step of a job that is being sent, and tell the listener."""
        job_id = event.job_id
        if job_id is not None and job_id in self._senders:
            if event.kind == "submitting":
                self._left.add(job_id)
            elif event.kind in ("limited", "retry"):
                self._left.discard(job_id)
                if self._over:
                    self._recall(job_id)
        if self._listener is not None:
            self._listener(event)

    def _recall(self, job_id: str) -> None:
        if job_id not in self._left | self._recalled:
            self._recalled.add(job_id)
            self._senders[job_id].cancel()
