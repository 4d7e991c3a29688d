"""Take a callback: a hint that a task has ended, of which nothing is believed but what the task's record says.

In the URL of a callback travels the reference of the attempt that asked for it. So it also tells what came of an
attempt whose answer was lost.
"""

from __future__ import annotations

import json
import logging
from enum import Enum, auto
from typing import Any

from attrs import frozen

from kie_registry import hints
from kie_registry.call import Call
from kie_registry.callback_urls import reference_in
from kie_registry.effects import Flow, Run
from kie_registry.errors import IllegalMove, LedgerError, RateLimited
from kie_registry.events import log
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import read_in_turn
from kie_registry.ledger.job import Job, parse_attempt
from kie_registry.ledger.protocol import Ledger
from kie_registry.ledger.states import State
from kie_registry.observing import Hooks
from kie_registry.session import Session
from kie_registry.status import TaskStatus

# A callback is answered within seconds; one that had to wait longer is sent again.
_WAIT_FOR_READ = 5.0

# How often to look where a job stands, while others move it at the same moment.
_LOOKS = 5


class Outcome(Enum):
    """What came of a callback."""

    TAKEN = auto()
    """Whoever waits for the task is told, and its end is written down where there is a ledger."""
    DUPLICATE = auto()
    """The end of the task was written down before; nothing was done."""
    STRANGER = auto()
    """Nobody here knows the task; nothing was done."""
    EARLY = auto()
    """The record does not say yet that the task has ended."""


@frozen
class Taken:
    """What came of a callback, and which job it is about.

    Attributes:
        outcome: What came of it.
        job: The job as it stands; None where no ledger knows it.
        status: What the record says; None where it was not read.
    """

    outcome: Outcome
    job: Job | None = None
    status: TaskStatus | None = None


def take(session: Session, hooks: Hooks, task_id: str, reference: str | None) -> Flow[Taken]:
    """Take a callback that names this task, and came to a URL with this reference, if with any.

    Raises:
        LedgerError: The ledger cannot be read or written.
        ApiError: The record could not be read; so it is with the others.
        TransportError: No answer came.
    """
    if (ledger := session.ledger) is not None:
        return (yield from _Taking(session, ledger, hooks, task_id, reference).run())
    return _tell_those_who_wait(session, task_id)


def _tell_those_who_wait(session: Session, task_id: str) -> Taken:
    """Tell those in this process who wait for a task that no ledger knows; they read the record themselves."""
    return Taken(Outcome.TAKEN if hints.give(session.account, task_id) else Outcome.STRANGER)


@frozen
class _Taking:
    """The taking of one callback, where there is a ledger."""

    session: Session
    ledger: Ledger
    hooks: Hooks
    task_id: str
    reference: str | None

    def run(self) -> Flow[Taken]:
        status = None
        for _ in range(_LOOKS):
            job = yield Run(self._find)
            if job is None:
                return _tell_those_who_wait(self.session, self.task_id)
            known = job.task_id == self.task_id
            if known and job.state != State.RUNNING:
                return Taken(Outcome.DUPLICATE, job)
            status = status or (yield from self._read())
            if not known and not _fits(job, self.reference, status):
                return Taken(Outcome.STRANGER, None, status)
            try:
                journal = self._journal(job) if known else (yield from self._adopt(job))
            except IllegalMove:
                continue  # somebody moved the job meanwhile
            return (yield from self._end(journal, status))
        raise LedgerError(f"The job of task {self.task_id} is moved by others without end.", task_id=self.task_id)

    def _find(self) -> Job | None:
        """Return the job whose task this is, or else the one whose attempt the reference names."""
        account = self.session.account
        job = self.ledger.find(account, self.task_id)
        if job is not None and job.task_id == self.task_id:
            return job
        attempt = parse_attempt(self.reference or "")
        job = None if attempt is None else self.ledger.get(attempt[0])
        if attempt is None or job is None or job.account != account or not 1 <= attempt[1] <= job.attempt:
            return None
        return job

    def _read(self) -> Flow[TaskStatus]:
        status = yield from read_in_turn(self.session, self.task_id, _WAIT_FOR_READ)
        if status is None:
            raise RateLimited(
                f"The record of task {self.task_id} could not be read within {_WAIT_FOR_READ:g} s: the limit on "
                "reads is used up.",
                task_id=self.task_id,
                retryable=True,
            )
        return status

    def _adopt(self, job: Job) -> Flow[Journal]:
        """Write down that this is the task of the job, or one more of them; return its journal.

        Raises:
            IllegalMove: The job, or the task, is not what it was.
        """
        sent_again = job.state == State.SENDING and self.reference != job.attempt_id
        if job.task_id is not None or sent_again:
            return (yield from self._add_one_more(job))
        journal = self._journal(job)
        try:
            yield from journal.accepted(self.task_id)
        except LedgerError as error:
            raise (error.__cause__ if isinstance(error.__cause__, IllegalMove) else error) from None
        message = f"job {job.id} was {job.state}; task {self.task_id} came of it, as its callback tells"
        log(logging.INFO, message, kind="callback", job_id=job.id, task_id=self.task_id, model=job.model)
        return journal

    def _add_one_more(self, job: Job) -> Flow[Journal]:
        """Write down a task that came of an attempt while the job has, or will have, another."""
        journal = self._journal(job)
        yield from journal.one_more(self.task_id, self.reference or job.attempt_id)
        more = journal.job
        call = Call(model=job.model, input=job.input or {}, callback_url=job.callback_url, job_id=more.id)
        self.hooks.after_submit(lambda: call, self.task_id)
        return journal

    def _journal(self, job: Job) -> Journal:
        # Whoever works on the job keeps it until the files are saved, or as long as it wants.
        return Journal(self.ledger, job, self.hooks, until="collected", written=True)

    def _end(self, journal: Journal, status: TaskStatus) -> Flow[Taken]:
        """Write down how the task ended, and wake those who wait for it."""
        if not status.done:
            return Taken(Outcome.EARLY, journal.job, status)
        yield from journal.ended(status)
        hints.give(self.session.account, self.task_id)
        return Taken(Outcome.TAKEN, journal.job, status)


def _fits(job: Job, reference: str | None, status: TaskStatus) -> bool:
    """Whether the record is that of a task which the attempt may have made."""
    if status.model != job.model:
        return False
    request = _object(status.raw.get("param"))
    address = request.get("callBackUrl")
    if isinstance(address, str) and address:
        return reference_in(address) == reference
    return "input" in request and _object(request["input"]) == job.input


def _object(value: Any) -> dict[str, Any]:
    """Return a JSON object, however it stands in a record; an empty one where there is none."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}
