"""Collect what was submitted: wait for every task that nobody else waits for, and save its files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from kie_registry.calls import Calls
from kie_registry.effects import Flow, Keep, drive_async
from kie_registry.errors import (
    ApiError,
    ConfigurationError,
    KieError,
    OutputExists,
    ResultUnreadable,
)
from kie_registry.events import Listener
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import GRACE_FRESH
from kie_registry.flows.wait import Watch
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State
from kie_registry.results import AsyncResult

if TYPE_CHECKING:
    from kie_registry.http import AsyncHttp
    from kie_registry.ledger.protocol import Ledger

_COLLECTABLE = (State.RUNNING, State.SUCCEEDED)

# Downloads share one line; more at once are not faster, and each holds a file open.
_DOWNLOADS = 8

# kie.ai keeps results for 14 days at most. What it does not know after that will not come back.
_KEPT = 14 * 24 * 3600.0
_GONE = frozenset({404, 410, 422})


@frozen
class Collected:
    """What came of one job.

    Attributes:
        job: The job, as it stands now.
        paths: Its files.
        result: Its result; None where there is none.
        error: Why it could not be collected, or None.
    """

    job: Job
    paths: Sequence[Path] = ()
    result: AsyncResult | None = field(default=None, repr=False)
    error: KieError | None = None


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
        self._calls = calls
        self._http = http
        self._directory = directory
        self._deadline_at = calls.session.deadline_at(deadline)
        self._listener = on_event
        self._downloads = asyncio.Semaphore(_DOWNLOADS)

    async def run(self) -> AsyncIterator[Collected]:
        """Collect, and yield what came of each job as it comes; jobs that another process sees to are left to it.

        Raises:
            LedgerError: The ledger cannot be read or written.
        """
        running = [asyncio.create_task(self._collect(job)) for job in await self._waiting()]
        try:
            for done in asyncio.as_completed(running):
                if (collected := await done) is not None:
                    yield collected
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _waiting(self) -> list[Job]:
        """Return the jobs to collect, the oldest first."""
        account = self._calls.session.account

        def read() -> list[Job]:
            self._ledger.recover()
            return self._ledger.jobs(account=account, states=_COLLECTABLE)[::-1]

        waiting: list[Job] = await self._kept(read)
        return waiting

    async def _collect(self, job: Job) -> Collected | None:
        """Collect one job; None where another process has it, or has collected it meanwhile."""
        claimed: Job | None = await drive_async(self._claim(job), self._http)
        if claimed is None:
            return None
        journal = Journal(self._ledger, claimed, self._calls.registry.hooks, until="collected", written=True)
        try:
            if claimed.state not in _COLLECTABLE:
                return None
            return await self._wait_and_save(journal)
        except KieError as error:
            if _is_gone(error, claimed):
                await drive_async(journal.lost(str(error)), self._http)
            return Collected(journal.job, error=error)
        finally:
            await drive_async(journal.let_go(), self._http)

    def _claim(self, job: Job) -> Flow[Job | None]:
        """Take a job on; one that was taken on when the collecting was cancelled is let go."""
        claimed: list[Job | None] = []
        try:
            yield Keep(lambda: claimed.append(self._ledger.claim(job.id)))
        except asyncio.CancelledError:
            if any(claimed):
                yield Keep(lambda: self._ledger.release(job.id))
            raise
        return claimed[0]

    async def _wait_and_save(self, journal: Journal) -> Collected:
        watch = Watch(
            self._calls.session,
            journal,
            deadline_at=self._deadline_at,
            fresh=_age(journal.job) < GRACE_FRESH,
            listener=self._listener,
        )
        status = await drive_async(watch.to_the_end(), self._http)
        result = AsyncResult.of(status, self._http, self._calls.download_url, journal)
        async with self._downloads:
            paths = await drive_async(self._save(result, journal.job), self._http)
        return Collected(journal.job, paths, result)

    def _save(self, result: AsyncResult, job: Job) -> Flow[list[Path]]:
        directory = self._directory or Path(job.directory or ".")
        try:
            return (yield from result.saving(directory, name=job.name, resume=True))
        except OutputExists:
            if job.name is None:
                raise
            # Another file has taken that name since; what was paid for is saved under a name of its own.
            return (yield from result.saving(directory, resume=True))

    async def _kept(self, function: Callable[[], Any]) -> Any:
        def flow() -> Flow[Any]:
            return (yield Keep(function))

        return await drive_async(flow(), self._http)


def _age(job: Job) -> float:
    return max(0.0, time.time() - (job.sent_at or job.created_at))


def _is_gone(error: KieError, job: Job) -> bool:
    """Whether what was not saved can never be saved any more."""
    gone = isinstance(error, ResultUnreadable) or (isinstance(error, ApiError) and error.code in _GONE)
    return gone and _age(job) > _KEPT
