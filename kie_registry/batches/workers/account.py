"""One account of a worker: its runner, and the worker of procrastinate's that brings it jobs."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.jobs import Job as Row
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker as Feeder

from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.prices import Prices
from kie_registry.batches.running.runner import Runner
from kie_registry.batches.workers.manager import PatientManager
from kie_registry.batches.workers.queue import ANYBODY, TASK, is_submitted, queue_of
from kie_registry.batches.workers.settling import give_back, give_up, is_not_over, is_of_the_account
from kie_registry.batches.workers.timings import Timings
from kie_registry.errors import KieError, LedgerError, Maintenance, TransportError
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

# Jobs that are taken on and wait to be sent: enough to be busy, and few enough to leave others theirs.
_AHEAD = 20
_PORTIONS_AT_ONCE = 4
_NEVER = 24 * 3600.0

# What passes by itself. After anything else that stops a runner, an account has nothing more to do here.
_PASSING = (LedgerError, Maintenance, TransportError)

_log = logging.getLogger("kie_registry.batches")

NewRunner = Callable[[Admission], Runner]


class _Leaving(Exception):
    """A portion goes back into the queue, because the worker stops."""


class _Again(BaseRetryStrategy):
    """Puts a portion back: at once where the worker stops, and in a while after an error."""

    def __init__(self, pause: float) -> None:
        self._pause = int(max(1, pause))

    def get_retry_decision(self, *, exception: BaseException, job: Row) -> RetryDecision:  # noqa: ARG002
        return RetryDecision(retry_in={"seconds": 0 if isinstance(exception, _Leaving) else self._pause})


class Account:
    """Sees to jobs with one API key, until it is stopped.

    Args:
        id: The account, as the ledger knows it.
        new_runner: Makes a runner of it.
        ledger: The ledger.
        prices: What jobs cost.
        saves: Whether files are saved here.
        concurrency: How many of its tasks may run at once.
        connector: Connections to the queue.
        database: What the database is called in messages.
        timings: How often it is looked for jobs.
        finished: Told what came of each job.

    Attributes:
        in_hand: The ids of the jobs that are seen to here.
        unsaved: Those whose files could not be saved here.
        trouble: Why it sees to nothing more; None where it does, or was stopped.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        new_runner: NewRunner,
        ledger: Ledger,
        prices: Prices,
        *,
        saves: bool,
        concurrency: int,
        connector: BaseAsyncConnector,
        database: str,
        timings: Timings,
        finished: Callable[[Outcome], None],
    ) -> None:
        self.id = id
        self.in_hand: set[str] = set()
        self.unsaved: set[str] = set()
        self.trouble: KieError | None = None
        self._concurrency = concurrency
        self._new_runner: Callable[[], Runner] = lambda: new_runner(Admission(concurrency, prices))
        self._runners = [self._new_runner()]
        self._timings = timings
        self._ledger = ledger
        self._finished = finished
        self._under_way = (State.RUNNING, State.SUCCEEDED) if saves else (State.RUNNING,)
        self._unsent = 0
        self._doing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._feeder = self._fed_by(connector, database)

    async def run(self) -> None:
        """See to jobs until stopped, and then to those in hand until they end."""
        if not self._stopping.is_set():
            await self._feeder.run()  # type: ignore[no-untyped-call]
        while self.in_hand:
            self._changed.clear()
            await self._changed.wait()

    def stop(self) -> None:
        """Take no more; what runs is seen to."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._feeder.stop()  # type: ignore[no-untyped-call]
            for runner in self._runners:
                runner.stop("the worker was stopped")
        self._changed.set()

    async def close(self) -> None:
        """See to nothing more; what is in hand is left to others."""
        for task in self._doing:
            task.cancel()
        await asyncio.gather(*self._doing, return_exceptions=True)
        for runner in self._runners:
            await runner.close()

    def _fed_by(self, connector: BaseAsyncConnector, database: str) -> Feeder:
        app = App(connector=connector)
        app.job_manager = PatientManager(connector, self._has_room, self._stopping, database)
        app.task(name=TASK, retry=_Again(self._timings.sweep / 2))(self._take)
        return Feeder(
            app,
            queues=[ANYBODY, queue_of(self.id)],
            concurrency=_PORTIONS_AT_ONCE,
            fetch_job_polling_interval=self._timings.look,
            abort_job_polling_interval=_NEVER,
            # Its listening ends with its connection, and so would the worker.
            listen_notify=False,
            delete_jobs="always",
            install_signal_handlers=False,
            update_heartbeat_interval=self._timings.beat,
            stalled_worker_timeout=self._timings.dead_after,
        )

    async def _has_room(self) -> bool:
        """Wait until another job may be taken on; False where none is any more."""
        while not self._stopping.is_set():
            if self._runners[-1].admission.reason:
                await self._rest()
            elif self._unsent < _AHEAD:
                return True
            else:
                self._changed.clear()
                await self._changed.wait()
        return False

    async def _rest(self) -> None:
        """Begin anew after a while where the runner stopped for what passes; else see to nothing more."""
        reason = self._runners[-1].admission.reason
        if self.trouble is None or isinstance(self.trouble, _PASSING):
            _log.warning("account %s waits %g s, because %s", self.id, self._timings.rest, reason)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._timings.rest)
        if self.trouble is None or isinstance(self.trouble, _PASSING):
            self.trouble = None
            self._runners.append(self._new_runner())
        else:
            _log.error("account %s sends nothing more: %s", self.id, reason)
            self.stop()

    async def _take(self, jobs: list[str]) -> None:
        """Take on the jobs of a portion; its row leaves the queue when all of them are somebody's."""
        waiting = list(jobs)
        while waiting:
            if not await self._has_room():
                raise _Leaving
            room = max(_AHEAD - self._unsent, 1)
            some, waiting = waiting[:room], waiting[room:]
            await self._claim([job_id for job_id in some if job_id not in self.in_hand])

    async def _claim(self, job_ids: list[str]) -> None:
        # Of what is in hand nobody thinks that it has slipped.
        self.in_hand.update(job_ids)
        taken: set[str] = set()
        runner = self._runners[-1]
        try:
            for job in await runner.claim(job_ids):
                if self._is_for_us(job):
                    self._unsent += 1
                    self._do(self._give(runner, job))
                    taken.add(job.id)
                else:
                    await runner.let_go([job])
        finally:
            self.in_hand.difference_update(set(job_ids) - taken)

    def _is_for_us(self, job: Job) -> bool:
        runs_here = job.state in self._under_way and job.account == self.id
        return is_submitted(job.batch) and (job.state == State.PLANNED or runs_here)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    async def _give(self, runner: Runner, job: Job) -> None:
        finished = functools.partial(self._ended, job.id)
        try:
            if job.state != State.PLANNED:
                await runner.take_up(job, finished)
                return
            await self._wait_for_earlier(runner)
            if not await runner.send(job, finished):
                self._ended(job.id, None)
        except LedgerError as error:
            runner.admission.let_out(job, charged=True)
            self._ended(job.id, error)
        except Exception as error:
            runner.admission.let_out(job, charged=True)
            self._ended(job.id, await give_up(self._ledger, job, error))
            self.unsaved.add(job.id)
        finally:
            self._unsent -= 1
            self._changed.set()

    async def _wait_for_earlier(self, runner: Runner) -> None:
        """Wait until as few tasks run as may, those of earlier runners included, or nothing is to be sent."""
        admissions = [each.admission for each in self._runners]
        while any(each.running for each in admissions if each is not runner.admission):
            if runner.admission.reason or sum(each.running for each in admissions) < self._concurrency:
                return
            self._changed.clear()
            await self._changed.wait()

    def _ended(self, job_id: str, what: Outcome | Exception | None) -> None:
        """Hear what came of a job; None where it was let go."""
        if isinstance(what, Outcome) and is_not_over(what):
            _log.info("job %s is left for now: %s", job_id, what.error)
            what = None
        if isinstance(what, Outcome) and what.error is not None:
            if self._runners[-1].admission.reason and self.trouble is None:
                self.trouble = what.error
            if is_of_the_account(what):
                self._do(self._give_back(job_id))
                return
        self.in_hand.discard(job_id)
        self.unsaved.discard(job_id)
        self._changed.set()
        if isinstance(what, Outcome):
            if what.error is not None and what.job.state == State.SUCCEEDED:
                self.unsaved.add(job_id)
            self._tell(what)
        elif what is not None:
            _log.error("job %s: %s", job_id, what, exc_info=what)

    async def _give_back(self, job_id: str) -> None:
        await give_back(self._ledger, job_id)
        self._ended(job_id, None)

    def _tell(self, outcome: Outcome) -> None:
        try:
            self._finished(outcome)
        except Exception:
            _log.exception("job %s: who was told of its end failed; the work goes on", outcome.job.id)
