"""What it means for the money where a ledger could not be written, or nobody knows whether it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger


def write_sending(ledger: Ledger, job: Job, seen: Job | None, changes: Mapping[str, Any]) -> None:
    """Write down that a job is being sent; again, where nobody heard whether the first time succeeded.

    Args:
        ledger: The ledger.
        job: The job as it is to stand there.
        seen: As it stands there so far; None where it is new.
        changes: The fields that change.

    Raises:
        LedgerError: It cannot be written, or somebody else sends or has settled it.
    """
    try:
        if seen is None:
            ledger.add(evolve(job, owner=ledger.owner))
        else:
            ledger.move(job.id, State.SENDING, seen=seen, **changes)
    except IllegalMove:
        known = ledger.get(job.id)
        ours = (State.SENDING, ledger.owner, job.attempt, job.sent_at)
        if known is None or (known.state, known.owner, known.attempt, known.sent_at) != ours:
            raise


def not_sent(error: LedgerError) -> LedgerError:
    """Say it of what kept a request from being sent."""
    if isinstance(error, IllegalMove):
        error.charged = "maybe"
        words = f"Nothing was sent now; `kie task show {error.job_id}` says how the job stands."
    else:
        words = "Nothing was sent, nothing was spent."
    error.args = (f"{error} {words}",)
    return error


def not_written(job: Job, task_id: str, settle: str, error: LedgerError) -> LedgerError:
    """Say it of what kept the id of a task from being written down.

    Args:
        job: The job.
        task_id: Its task.
        settle: The command that writes it down later.
        error: What is wrong.
    """
    return type(error)(
        f"Task {task_id} is submitted, and paid, but its id could not be written down: {error} Keep "
        f"the id; `{settle}` writes it down later.",
        model=job.model,
        task_id=task_id,
        job_id=job.id,
        charged="yes",
    )
