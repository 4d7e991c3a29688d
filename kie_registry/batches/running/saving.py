"""Save what jobs gave, each where it was to go, so that doing it twice gives the same files."""

from __future__ import annotations

import time
from pathlib import Path

from kie_registry.effects import Flow
from kie_registry.errors import ApiError, KieError, OutputExists, ResultUnreadable
from kie_registry.ledger.job import Job
from kie_registry.results import BaseResult

# kie.ai keeps results for 14 days at most. What it does not know after that will not come back.
_KEPT = 14 * 24 * 3600.0
_GONE = frozenset({404, 410, 422})


class Saver:
    """Saves the files of jobs.

    Args:
        directory: Where all files go; None for where each job was to put them, or else the working directory.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory

    def save(self, result: BaseResult, job: Job) -> Flow[list[Path]]:
        """Save the files of a job; raises as `Result.save`."""
        directory = self._directory or Path(job.directory or ".")
        try:
            return (yield from result.saving(directory, name=job.name, resume=True))
        except OutputExists:
            if job.name is None:
                raise
            # Another file has taken that name since; what was paid for is saved under a name of its own.
            return (yield from result.saving(directory, resume=True))


def age_of(job: Job) -> float:
    """Return how long ago a job's task was created, in seconds, as far as is known."""
    return max(0.0, time.time() - (job.sent_at or job.created_at))


def is_gone(error: KieError, job: Job) -> bool:
    """Whether what was not saved can never be saved any more."""
    gone = isinstance(error, ResultUnreadable) or (isinstance(error, ApiError) and error.code in _GONE)
    return gone and age_of(job) > _KEPT
