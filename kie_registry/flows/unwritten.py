"""What it means for the money where a ledger could not be written."""

from __future__ import annotations

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger.job import Job


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
