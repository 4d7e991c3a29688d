"""Give a runner the jobs of one batch: first those whose tasks run already, then those that are to be sent."""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections import deque
from typing import TYPE_CHECKING

from kie_registry.batches.running.keeping import kept
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.runner import Finished, Runner
from kie_registry.errors import LedgerError
from kie_registry.events import logger
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

# Seconds that are given to answers which are awaited when all ends early.
_ANSWERS = 5.0
# Seconds between two looks for what callbacks have written into the ledger.
_LOOK_FOR_CALLBACKS = 1.0
# How many jobs are looked at each time, those first that were not for the longest time.
_LOOKED_AT = 500
_PAGE = 500
_AHEAD = 100
_SENDERS = 32
_TOLD = (State.SUCCEEDED, State.FAILED)
_UNDER_WAY = (State.RUNNING, State.SUCCEEDED)


class Feed:
    """Feeds a runner with the jobs of a batch.

    Args:
        runner: The runner.
        ledger: The ledger.
        batch: The id of the batch.
        finished: Told what came of each job.

    Attributes:
        begun: How many jobs the runner has been given so far, of which `finished` is told, or was.
    """

    def __init__(self, runner: Runner, ledger: Ledger, batch: str, finished: Finished) -> None:
        self.begun = 0
        self._runner = runner
        self._ledger = ledger
        self._batch = batch
        self._finished = finished
        # The ids of jobs of whose end a callback may tell.
        self._called_back: dict[str, None] = {}
        self._ahead: deque[Job] = deque()
        self._taking = asyncio.Lock()

    async def run(self) -> None:
        """Give the runner all there is; returns when the last job is sent, or no more may be.

        Raises:
            LedgerError: The ledger cannot be read or written; what was just being sent is seen to.
        """
        await self._take_up()
        senders = [asyncio.create_task(self._send()) for _ in range(_SENDERS)]
        try:
            await asyncio.wait(senders)
        finally:
            await self._end(senders)
            await self._runner.let_go(self._ahead)
        for sender in senders:
            sender.result()

    async def look_for_callbacks(self) -> None:
        """Tell the runner, once a second, of tasks whose end another process has written down. Ends never."""
        while True:
            await asyncio.sleep(_LOOK_FOR_CALLBACKS)
            try:
                await self._look_for_callbacks(list(itertools.islice(self._called_back, _LOOKED_AT)))
            except LedgerError as error:
                logger.warning("%s Until it can be read, only kie.ai is asked whether tasks have ended.", error)

    async def _look_for_callbacks(self, ids: list[str]) -> None:
        if not ids:
            return
        found = await kept(lambda: [self._ledger.get(job_id) for job_id in ids])
        ended = {job.task_id for job in found if job and job.task_id and job.state in _TOLD}
        if ended:
            self._runner.hurry(ended)
        for job_id in ids:
            if job_id in self._called_back:
                # It is the last one now.
                self._called_back[job_id] = self._called_back.pop(job_id)

    def _told(self, job: Job) -> Finished:
        """Return who is told of a job's end, of which a callback may tell until then."""
        if job.callback_url is None:
            return self._finished
        self._called_back[job.id] = None
        return functools.partial(self._end_of, job.id)

    def _end_of(self, job_id: str, what: Outcome | Exception) -> None:
        self._called_back.pop(job_id, None)
        self._finished(what)

    async def _take_up(self) -> None:
        after = 0
        while page := await kept(functools.partial(self._under_way, after)):
            claimed = await self._runner.claim(job.id for job in page)
            for job in claimed:
                if job.state in _UNDER_WAY:
                    self.begun += 1
                    await self._runner.take_up(job, self._told(job))
            ours = {job.id for job in claimed}
            for job in page:
                if job.id not in ours:
                    # Another process sees to it; what it costs is the batch's all the same.
                    self._runner.admission.remember(job)
            after = page[-1].number

    def _under_way(self, after: int) -> list[Job]:
        return self._ledger.batch(self._batch, states=_UNDER_WAY, after=after, limit=_PAGE)

    async def _send(self) -> None:
        try:
            while (job := await self._next()) is not None:
                await self._send_one(job)
        except Exception as error:
            # What the others are just sending may be paid by now, and is not given up.
            self._runner.stop(str(error) or type(error).__name__)
            raise

    async def _send_one(self, job: Job) -> None:
        sent = False
        self.begun += 1
        try:
            sent = await self._runner.send(job, self._told(job))
        finally:
            self.begun -= not sent
            if not sent:
                self._called_back.pop(job.id, None)

    async def _end(self, senders: list[asyncio.Task[None]]) -> None:
        """End the senders; what was just being sent may be answered, so that it is known what came of it."""
        try:
            if not all(sender.done() for sender in senders):
                self._runner.stop("it was left")
                await asyncio.wait(senders, timeout=_ANSWERS)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)

    async def _next(self) -> Job | None:
        """Return the next job to be sent, taken on for this process; None where there is none, or none may be."""
        async with self._taking:
            if not self._ahead and not self._runner.admission.reason:
                self._ahead.extend(await self._runner.take(self._batch, _AHEAD))
        return self._ahead.popleft() if self._ahead and not self._runner.admission.reason else None
