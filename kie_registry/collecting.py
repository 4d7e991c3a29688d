"""Collect what was submitted: wait for every task that nobody else waits for, and save its files."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.keeping import kept
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.prices import Prices
from kie_registry.batches.running.runner import Runner
from kie_registry.batches.running.saving import Saver
from kie_registry.calls import Calls
from kie_registry.errors import ConfigurationError
from kie_registry.events import Listener
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.http import AsyncHttp
    from kie_registry.ledger.protocol import Ledger

_COLLECTABLE = (State.RUNNING, State.SUCCEEDED)
_PAGE = 500


class Collection:
    """One round of collecting.

    Args:
        calls: The calls of the client.
        http: Its connections.
        directory: Where all files go; None for where each job was to put them, or else the working directory.
        deadline: Seconds for everything; by default the client's.
        on_event: Called with each `Event`.

    Raises:
        ConfigurationError: The client has no ledger.
    """

    def __init__(
        self,
        calls: Calls,
        http: AsyncHttp,
        *,
        directory: Path | None = None,
        deadline: float | None = None,
        on_event: Listener | None = None,
    ) -> None:
        if calls.session.ledger is None:
            raise ConfigurationError("there is no ledger to collect from: Kie(ledger=True) keeps one")
        self._ledger: Ledger = calls.session.ledger
        self._account = calls.session.account
        # Checked here, before anything is waited for.
        calls.session.deadline_at(deadline)
        self._runner = Runner(
            calls,
            http,
            self._ledger,
            Admission(math.inf, Prices(calls.registry)),
            Saver(directory),
            deadline=deadline,
            listener=on_event,
        )

    @classmethod
    def of(
        cls,
        calls: Calls,
        http: AsyncHttp,
        directory: str | os.PathLike[str] | None,
        deadline: float | None,
        on_event: Listener | None,
    ) -> Collection:
        """Return a round of collecting; raises as the class does."""
        place = None if directory is None else Path(directory).expanduser()
        return cls(calls, http, directory=place, deadline=deadline, on_event=on_event)

    async def run(self) -> AsyncIterator[Outcome]:
        """Collect, and yield what came of each job as it comes; jobs that another process sees to are left to it.

        Raises:
            LedgerError: The ledger cannot be read or written.
        """
        came: asyncio.Queue[Outcome | Exception] = asyncio.Queue()
        try:
            for _ in range(await self._begin(came)):
                what = await came.get()
                if isinstance(what, Exception):
                    raise what
                yield what
        finally:
            await self._runner.close()

    async def _begin(self, came: asyncio.Queue[Outcome | Exception]) -> int:
        """Begin with everything that nobody else collects, and return how much that is."""
        begun, waiting = 0, await kept(self._waiting)
        for at in range(0, len(waiting), _PAGE):
            for job in await self._runner.claim(job.id for job in waiting[at : at + _PAGE]):
                if job.state in _COLLECTABLE:
                    begun += 1
                    await self._runner.take_up(job, came.put_nowait)
        return begun

    def _waiting(self) -> list[Job]:
        """Return the jobs to collect, the oldest first."""
        self._ledger.recover()
        return self._ledger.jobs(account=self._account, states=_COLLECTABLE)[::-1]
