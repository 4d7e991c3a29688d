"""What becomes of a job in a worker that was not simply done: others go on with it, or nobody does by himself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kie_registry.answers import KEY_USED_UP
from kie_registry.batches.running.keeping import kept
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.errors import (
    AuthenticationError,
    IllegalMove,
    InsufficientCredits,
    KieError,
    LedgerError,
    TaskTimeout,
)
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

# What is the account's fault and not the job's, which another account may do.
_OF_THE_ACCOUNT = (AuthenticationError, InsufficientCredits)

_GIVEN_UP = {State.PLANNED: State.REFUSED, State.SENDING: State.UNKNOWN}

_log = logging.getLogger("kie_registry.batches")


def is_of_the_account(outcome: Outcome) -> bool:
    """Whether a job was refused for the account's sake."""
    error = outcome.error
    refused = isinstance(error, _OF_THE_ACCOUNT) or (error is not None and error.code == KEY_USED_UP)
    return refused and outcome.job.state == State.REFUSED


def is_not_over(outcome: Outcome) -> bool:
    """Whether a job's task runs on, or another process says what came of it."""
    elsewhere = isinstance(outcome.error, IllegalMove) and outcome.error.charged == "no"
    return elsewhere or isinstance(outcome.error, TaskTimeout)


async def give_back(ledger: Ledger, job_id: str) -> None:
    """Leave a job that was refused for the account's sake to accounts that are not."""

    def plan_anew() -> None:
        with ledger.together():
            ledger.move(job_id, State.PLANNED, reason="")
            ledger.release(job_id)

    try:
        await kept(plan_anew)
    except LedgerError as error:
        _log.warning("job %s stays refused: %s", job_id, error)


async def give_up(ledger: Ledger, job: Job, error: Exception) -> Outcome:
    """Have nobody try a job again by himself that failed as nobody foresaw, and return what came of it."""
    _log.error("job %s", job.id, exc_info=error)
    reason = f"{type(error).__name__}: {error}"

    def settle() -> Job:
        found = ledger.get(job.id) or job
        if found.state in _GIVEN_UP:
            ledger.move(job.id, _GIVEN_UP[found.state], seen=found, reason=reason)
        return ledger.get(job.id) or found

    try:
        job = await kept(settle)
    except LedgerError as trouble:
        _log.warning("job %s: %s", job.id, trouble)
    unsent = job.state in (State.PLANNED, State.REFUSED)
    spent = "Nothing was spent." if unsent else "It may have been paid."
    message = f"{reason}. Job {job.id} is {job.state}. {spent}"
    return Outcome(job, error=KieError(message, job_id=job.id, charged="no" if unsent else "maybe"))
