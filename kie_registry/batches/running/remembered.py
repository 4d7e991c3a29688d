"""What a ledger remembers of jobs that ended before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kie_registry.batches.running.outcomes import Outcome
from kie_registry.errors import KieError, SubmitOutcomeUnknown
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State
from kie_registry.results import BaseResult
from kie_registry.status import FAIL, SUCCESS, TaskStatus

ENDED = (State.COLLECTED, State.FAILED, State.UNKNOWN, State.LOST)
"""States in which a batch does nothing more by itself."""


def remembered(job: Job, kind: type[BaseResult], http: Any) -> Outcome:
    """Return what came of a job in an earlier run.

    Args:
        job: The job, in one of `ENDED`.
        kind: The class of its result.
        http: The connections with which the result can be saved elsewhere.
    """
    if job.state in (State.UNKNOWN, State.LOST):
        return Outcome(job, error=_error(job))
    status = TaskStatus(
        job.task_id or "",
        job.model,
        FAIL if job.state == State.FAILED else SUCCESS,
        fail_message=job.reason or None,
        credits=job.credits,
        result_json=job.result,
    )
    paths = [Path(file) for file in job.files]
    try:
        return Outcome(job, paths, kind.of(status, http))
    except KieError as error:
        return Outcome(job, paths, error=error)


def _error(job: Job) -> KieError:
    reason = job.reason.rstrip(".")
    if job.state == State.UNKNOWN:
        return SubmitOutcomeUnknown(
            f"Job {job.id} was sent, and what came of it is not known: {reason}. It may have been billed. See "
            f"https://kie.ai/logs; `kie task settle {job.id}` then says what came of it.",
            model=job.model,
            job_id=job.id,
        )
    return KieError(
        f"Job {job.id}: {reason}. Its files were not saved in time, and kie.ai keeps them no more.",
        model=job.model,
        task_id=job.task_id,
        job_id=job.id,
        charged="yes",
    )
