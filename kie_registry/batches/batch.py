"""A batch on this machine: checked whole, planned in the ledger, run, and written beside its files."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from kie_registry.batches.folders.folder import BatchFolder
from kie_registry.batches.manifests.jobs import Jobs, Source
from kie_registry.batches.options import BatchOptions
from kie_registry.batches.preparing import Preparation, Prepared
from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.feeding import Feed
from kie_registry.batches.running.keeping import kept
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.prices import Prices
from kie_registry.batches.running.progress import Progress
from kie_registry.batches.running.remembered import ENDED, remembered
from kie_registry.batches.running.runner import Runner
from kie_registry.batches.running.saving import Saver
from kie_registry.calls import Calls
from kie_registry.errors import ConfigurationError
from kie_registry.http import AsyncHttp
from kie_registry.ledger.job import Job
from kie_registry.results import AsyncResult

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

_PAGE = 500


class AsyncBatch:
    """A batch on this machine, an asynchronous iterable of `Outcome`; it runs while it is iterated over.

    Jobs that ended in earlier runs come first; the others as they end. All is in the ledger, so whatever
    interrupts it, the same batch goes on from there. It may be iterated over once.

    Args:
        calls: The calls of the client, whose session has a ledger.
        http: Its connections.
        source: Its jobs.
        options: How to run it.

    Attributes:
        before_sending: Awaited before the first job is sent, where one is left; what it raises ends the batch.

    Raises:
        ConfigurationError: An option is out of range.
    """

    before_sending: Callable[[], Awaitable[None]] | None = None

    def __init__(self, calls: Calls, http: AsyncHttp, source: Source, options: BatchOptions) -> None:
        if calls.session.ledger is None:
            raise ConfigurationError("a batch needs a ledger: Kie(ledger=True) keeps one")
        options.check()
        self._ledger: Ledger = calls.session.ledger
        self._progress = Progress()
        self._feed: Feed | None = None
        self._ended = 0
        self._calls = calls
        self._http = http
        self._source = source
        self._options = options
        self._runner: Runner | None = None

    @classmethod
    def of(
        cls,
        calls: Calls,
        http: AsyncHttp,
        jobs: Jobs,
        defaults: Mapping[str, Any] | None,
        options: BatchOptions,
    ) -> AsyncBatch:
        """Return the batch of some jobs, or of a manifest."""
        return cls(calls, http, Source.of(jobs, defaults or {}), options)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        if self._feed is not None and self._runner is not None:
            self._progress.running = self._feed.begun - self._ended - self._runner.waiting
            self._progress.stopped = self._runner.admission.reason
        return self._progress

    def stop(self, reason: str = "it was told to stop") -> None:
        """Send nothing more; what runs is still waited for and saved. To be called in the loop of the batch."""
        self._progress.stopped = self._progress.stopped or reason
        if self._runner is not None:
            self._runner.stop(reason)

    async def __aiter__(self) -> AsyncGenerator[Outcome]:
        """Run the batch, and yield what came of each job.

        Raises:
            InvalidRequest: Lines are wrong; nothing was sent.
            ConfigurationError: The directory cannot be used, or holds another batch or account; nothing was sent.
            LedgerError: The ledger cannot be read or written.
        """
        if self._runner is not None:
            raise ConfigurationError("a batch may be iterated over once; another one goes on where it stopped")
        self._runner = runner = self._new_runner()
        preparation = Preparation(self._calls, self._ledger, self._source, self._options)
        prepared: list[Prepared] = []
        try:
            # Whoever is cancelled meanwhile lets it go as well.
            await kept(lambda: prepared.append(preparation.run()))
            begun, remember = prepared[0].begun, prepared[0].remember
            batch = begun.batch
            self._progress.total, self._progress.skipped = prepared[0].total, prepared[0].skipped.lines
            self._progress.withdrawn, self._progress.kept = begun.withdrawn, begun.kept
            async with contextlib.aclosing(self._earlier(batch, runner)) as outcomes:
                async for outcome in outcomes:
                    yield outcome
            if self.before_sending is not None and self._progress.left:
                await self.before_sending()
            async with contextlib.aclosing(self._run(batch, runner)) as outcomes:
                async for outcome in outcomes:
                    # A line for a file: a thread for each would cost more than the system does.
                    remember(outcome)
                    yield outcome
        finally:
            for each in prepared:
                await kept(each.close)

    async def _earlier(self, batch: str, runner: Runner) -> AsyncGenerator[Outcome]:
        """Yield what came of the jobs that ended in earlier runs."""
        after = 0
        while jobs := await kept(functools.partial(self._page, batch, after)):
            for job in jobs:
                outcome = self._where_it_is(remembered(job, AsyncResult, self._http))
                runner.admission.remember(job)
                self._progress.count(outcome, earlier=True)
                yield outcome
            after = jobs[-1].number

    def _where_it_is(self, outcome: Outcome) -> Outcome:
        """Return an outcome with the paths that its files have by now."""
        if self._options.directory is None:
            return outcome
        where = BatchFolder(self._options.directory).where
        return evolve(outcome, paths=[Path(where(str(path))) for path in outcome.paths])

    def _page(self, batch: str, after: int) -> list[Job]:
        return self._ledger.batch(batch, states=ENDED, after=after, limit=_PAGE)

    async def _run(self, batch: str, runner: Runner) -> AsyncGenerator[Outcome]:
        came: asyncio.Queue[Outcome | Exception | None] = asyncio.Queue()
        feed = self._feed = Feed(runner, self._ledger, batch, came.put_nowait)
        feeding = [asyncio.create_task(feed.run())]
        # Nobody waits for the outcomes of what was not begun.
        feeding[0].add_done_callback(lambda _: came.put_nowait(None))
        if self._options.callback_url is not None:
            feeding.append(asyncio.create_task(feed.look_for_callbacks()))
        try:
            while not (feeding[0].done() and self._ended == feed.begun):
                what = await came.get()
                if isinstance(what, Exception):
                    raise what
                if what is not None:
                    self._ended += 1
                    self._progress.count(what)
                    yield what
            await feeding[0]
        finally:
            for task in feeding:
                task.cancel()
            await asyncio.gather(*feeding, return_exceptions=True)
            await runner.close()

    def _new_runner(self) -> Runner:
        options = self._options
        prices = Prices(self._calls.registry)
        admission = Admission(options.concurrency, prices, max_credits=options.max_credits)
        if self._progress.stopped:
            admission.stop(self._progress.stopped)
        saver = None if options.directory is None else Saver(options.directory)
        return Runner(
            self._calls,
            self._http,
            self._ledger,
            admission,
            saver,
            deadline=options.deadline,
            listener=options.on_event,
        )
