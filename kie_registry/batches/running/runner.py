"""See to jobs from wherever they stand to their end: send, wait, save. Whatever runs many jobs runs them here."""

from __future__ import annotations

import asyncio
import functools
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve

from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.keeping import kept
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.poller import Poller
from kie_registry.batches.running.pool import Pool
from kie_registry.batches.running.saving import Saver, age_of, is_gone
from kie_registry.batches.running.sending import Sending
from kie_registry.batches.running.troubles import Troubles
from kie_registry.calls import Calls
from kie_registry.effects import Flow, drive_async
from kie_registry.errors import IllegalMove, KieError, LedgerError
from kie_registry.events import Listener, logger
from kie_registry.flows.journal import Journal, Until
from kie_registry.flows.look import GRACE_FRESH, Look
from kie_registry.flows.planned import OpenAddress, send_planned
from kie_registry.http import AsyncHttp
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State
from kie_registry.results import AsyncResult
from kie_registry.status import TaskStatus

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

Finished: TypeAlias = Callable[[Outcome | Exception], None]
"""Told what came of a job, or of a bug, which ends everything."""

# Downloads share one line; more at once are not faster, and each holds a file open.
_DOWNLOADS = 8

# Seconds that are given to answers which are awaited when the client is closed.
_ANSWERS = 5.0


class Runner:
    """Sees to jobs that this process has claimed. Belongs to the event loop in which it is used.

    Args:
        calls: The calls of the client.
        http: Its connections.
        ledger: The ledger of the jobs.
        admission: When jobs may be sent.
        saver: Saves the files; None to leave them at kie.ai.
        deadline: Seconds to wait for each task; by default the client's.
        listener: Called with each `Event`.
        open_address: Fetches inputs that lie on other file systems.
    """

    def __init__(
        self,
        calls: Calls,
        http: AsyncHttp,
        ledger: Ledger,
        admission: Admission,
        saver: Saver | None,
        *,
        deadline: float | None = None,
        listener: Listener | None = None,
        open_address: OpenAddress | None = None,
    ) -> None:
        self.admission = admission
        self._calls = calls
        self._http = http
        self._ledger = ledger
        self._saver = saver
        self._deadline = deadline
        self._listener = listener
        self._open_address = open_address
        self._until: Until = "ended" if saver is None else "collected"
        self._poller = Poller(http, calls.session.account)
        self._endings = Pool(_DOWNLOADS)
        self._troubles = Troubles(self.stop)
        self._held: set[str] = set()
        # Paid tasks whose ids the ledger does not have yet, by their jobs.
        self._unwritten: dict[str, Journal] = {}
        self._sending = Sending(listener)

    @property
    def waiting(self) -> int:
        """How many of the jobs that it was given have not left yet."""
        return self.admission.waiting + self._sending.waiting

    async def claim(self, job_ids: Iterable[str]) -> list[Job]:
        """Take jobs on for this process, and return those that no other has, as they stand now."""
        claimed: list[Job] = []
        # In the same order everywhere, so that no two who claim the same jobs wait for each other.
        in_order = sorted(job_ids)

        def claim() -> None:
            with self._ledger.together():
                claimed.extend(filter(None, map(self._ledger.claim, in_order)))

        return await self._holding(claim, claimed)

    async def take(self, batch: str, most: int) -> list[Job]:
        """Take on for this process the next jobs of a batch that are to be sent."""
        taken: list[Job] = []
        return await self._holding(lambda: taken.extend(self._ledger.take(batch, most)), taken)

    async def send(self, job: Job, finished: Finished) -> bool:
        """Send a planned job as soon as it may be, and see to its task; False where it was let go instead."""
        if not await self.admission.admit(job):
            await self.let_go([job])
            return False
        self._http.finishing.add(self._finish_sending)
        try:
            return await self._send_admitted(job, finished)
        except Exception:
            # A bug, after which others may go on: it may have come before the request has left, or after.
            self.admission.let_out(job, charged=True)
            raise

    async def _send_admitted(self, job: Job, finished: Finished) -> bool:
        try:
            journal = await self._sending.send(job.id, drive_async(self._send(job), self._http))
        except KieError as error:
            finished(await self._not_sent(job, error))
            return True
        if journal is None:
            self.admission.let_out(job, charged=False)
            await self.let_go([job])
            return False
        self._troubles.sent()
        if journal.unwritten is not None:
            self._unwritten[job.id] = journal
            self.stop(str(journal.unwritten))
        await self._follow(journal, finished, fresh=True)
        return True

    async def take_up(self, job: Job, finished: Finished) -> None:
        """See to a job whose task was created before."""
        self.admission.let_in(job)
        journal = Journal(self._ledger, job, self._calls.registry.hooks, until=self._until, written=True)
        await self._follow(journal, finished, fresh=age_of(job) < GRACE_FRESH)

    async def let_go(self, jobs: Iterable[Job]) -> None:
        """Leave jobs that were claimed, as they stand, to others."""
        await self._release([job.id for job in jobs])

    def stop(self, reason: str) -> None:
        """Send nothing more; what runs, or is just being sent, is still seen to."""
        self.admission.stop(reason)
        self._sending.recall()

    def hurry(self, task_ids: set[str]) -> None:
        """Read these tasks now: there is word that they have ended."""
        self._poller.hurry(task_ids)

    async def close(self) -> None:
        """See to nothing more, and leave all jobs as they stand to others."""
        self._http.finishing.discard(self._finish_sending)
        await self._poller.close()
        await self._endings.close()
        # Together, so that they wait but once for a ledger that is gone.
        again = [drive_async(journal.write_again(let_go=True), self._http) for journal in self._unwritten.values()]
        await asyncio.gather(*again)
        await self._release(list(self._held))

    async def _finish_sending(self) -> None:
        """Send nothing more, and wait for the answers that are on their way: what they say may be paid."""
        self.stop("the client was closed")
        await self._sending.wait(_ANSWERS)

    async def _holding(self, claim: Callable[[], object], claimed: list[Job]) -> list[Job]:
        """Claim jobs; even where this is cancelled, what was claimed is let go in the end."""
        try:
            await kept(claim)
        finally:
            self._held.update(job.id for job in claimed)
        return claimed

    def _send(self, job: Job) -> Flow[Journal]:
        contract = self._calls.registry.get(job.model or "").contract
        return send_planned(
            self._calls.session,
            self._ledger,
            job,
            contract,
            self._calls.registry.hooks,
            deadline_at=math.inf,
            listener=self._sending.hear,
            until=self._until,
            open_address=self._open_address,
        )

    async def _not_sent(self, job: Job, error: KieError) -> Outcome:
        """Return what came of a job that has no task, or none that is known."""
        # Who asks a ledger again that is gone waits again, and so would all others behind it.
        if not isinstance(error, LedgerError) or isinstance(error, IllegalMove):
            job = await self._as_it_stands(job)
            if job.state == State.PLANNED:
                job = await self._refused(job, error)
            self._held.discard(job.id)
        self.admission.let_out(job, charged=error.charged != "no")
        self._troubles.not_sent(error)
        return Outcome(job, error=error)

    async def _as_it_stands(self, job: Job) -> Job:
        try:
            found: Job | None = await kept(lambda: self._ledger.get(job.id))
        except LedgerError:
            return job
        return found or job

    async def _refused(self, job: Job, error: KieError) -> Job:
        """Write down why a job could not even be begun to be sent; nobody tries that again by itself."""
        try:
            await kept(lambda: self._ledger.move(job.id, State.REFUSED, seen=job, reason=str(error)))
        except LedgerError:
            return job
        return evolve(job, state=State.REFUSED, reason=str(error), owner=None)

    async def _follow(self, journal: Journal, finished: Finished, *, fresh: bool) -> None:
        look = Look(
            self._calls.session,
            journal,
            deadline_at=self._calls.session.deadline_at(self._deadline),
            fresh=fresh,
            listener=self._listener,
        )
        await self._poller.add(look, functools.partial(self._ended, journal, finished))

    def _ended(self, journal: Journal, finished: Finished, what: TaskStatus | Exception) -> None:
        self.admission.let_out(journal.job, charged=True)
        self._endings.add(functools.partial(self._end, journal, finished, what))

    async def _end(self, journal: Journal, finished: Finished, what: TaskStatus | Exception) -> None:
        try:
            outcome: Outcome | Exception = await self._known(journal, await self._outcome(journal, what))
        except Exception as error:
            outcome = error
        self._held.discard(journal.job.id)
        finished(outcome)

    async def _known(self, journal: Journal, outcome: Outcome) -> Outcome:
        """Say in an outcome that the ledger does not know the task, and the next run knows nothing of it then."""
        if journal.job.id in self._unwritten:
            await drive_async(journal.write_again(let_go=True), self._http)
            if journal.unwritten is None:
                del self._unwritten[journal.job.id]
        if journal.unwritten is None:
            return outcome
        return evolve(outcome, job=evolve(outcome.job, state=State.UNKNOWN), error=journal.unwritten)

    async def _outcome(self, journal: Journal, what: TaskStatus | Exception) -> Outcome:
        try:
            if isinstance(what, Exception):
                raise what
            result = AsyncResult.of(what, self._http, self._calls.download_url, journal)
            paths = await self._saved(result, journal)
            return Outcome(journal.job, paths, result)
        except KieError as error:
            # With another key nothing is known of it.
            ours = journal.job.account == self._calls.session.account
            if ours and is_gone(error, journal.job):
                await drive_async(journal.lost(str(error)), self._http)
            return Outcome(journal.job, error=error)
        finally:
            await drive_async(journal.let_go(), self._http)

    async def _saved(self, result: AsyncResult, journal: Journal) -> Sequence[Path]:
        if self._saver is None:
            return ()
        try:
            paths = await drive_async(self._saver.save(result, journal.job), self._http)
        except KieError as error:
            if not is_gone(error, journal.job):
                self._troubles.not_saved(error)
            raise
        self._troubles.saved()
        return paths

    async def _release(self, job_ids: list[str]) -> None:
        def release() -> None:
            with self._ledger.together():
                for job_id in job_ids:
                    self._ledger.release(job_id)

        if not job_ids:
            return
        try:
            await kept(release)
        except LedgerError as error:
            # Once more at the end.
            logger.warning("%s The jobs of this process are nobody's when it ends.", error)
        else:
            self._held.difference_update(job_ids)
