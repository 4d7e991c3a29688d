"""Settle a job of which nobody knows whether a task came of it: by what a person has found out."""

from __future__ import annotations

from kie_registry.contract import Contract
from kie_registry.effects import Flow, Keep
from kie_registry.errors import IllegalMove, InvalidRequest, KieError, Problem
from kie_registry.events import Listener
from kie_registry.flows.create import Creation
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import read_status
from kie_registry.ledger.job import Job
from kie_registry.ledger.protocol import Ledger
from kie_registry.ledger.states import State
from kie_registry.observing import Hooks
from kie_registry.session import Session
from kie_registry.status import TaskStatus


def settle_as(session: Session, ledger: Ledger, job: Job, task_id: str) -> Flow[TaskStatus]:
    """Write down that this is the task of the job, after a look at its record; return what that says.

    Raises:
        InvalidRequest: The task is one of another model.
        NotFound: kie.ai does not know the task.
        IllegalMove: The job has a task already, or the task is another job's.
    """
    status = yield from read_status(session, task_id)
    if status.model is not None and job.model is not None and status.model != job.model:
        wrong = f"{task_id} is a task of {status.model}, and job {job.id} is one of {job.model}"
        raise InvalidRequest([Problem("task_id", wrong)], model=job.model)
    yield Keep(lambda: ledger.move(job.id, State.RUNNING, task_id=task_id, reason="settled by hand"))
    return status


def settle_as_not_created(ledger: Ledger, job: Job) -> Flow[None]:
    """Write down that no task came of the job.

    Raises:
        IllegalMove: A task did come of it.
    """
    _check_unknown(job)
    reason = "settled by hand: nothing was created"
    yield Keep(lambda: ledger.move(job.id, State.REFUSED, seen=job, reason=reason))


def send_again(
    session: Session,
    ledger: Ledger,
    job: Job,
    contract: Contract,
    hooks: Hooks,
    *,
    deadline_at: float,
    listener: Listener | None,
) -> Flow[Journal]:
    """Submit a job once more, whose outcome is unknown; raises as submitting does.

    Raises:
        IllegalMove: Its outcome is known, or somebody else sends it again.
        PluginError: A plugin vetoes it; it is as it was.
    """
    _check_unknown(job)
    journal = Journal(ledger, job, hooks, until="submitted", written=True, doubtful=True)
    journal.beginning()
    try:
        yield from Creation(session, journal, contract, deadline_at=deadline_at, listener=listener).run()
    except KieError as error:
        if error.charged == "no":
            error.charged = "maybe"
            error.args = (f"{error} So much of this attempt; what came of the one before is still not known.",)
        raise
    return journal


def _check_unknown(job: Job) -> None:
    if job.state != State.UNKNOWN:
        raise IllegalMove(
            f"Job {job.id} is {job.state}: what came of it is known, and there is nothing to settle.",
            job_id=job.id,
            task_id=job.task_id,
            model=job.model,
        )
