"""One job: a row of the ledger."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from kie_registry.ledger.states import State


def new_id() -> str:
    """Return an id for a job, which nobody can guess: it travels in callback URLs."""
    return uuid.uuid4().hex


@frozen(kw_only=True)
class Job:
    """What is known of one job.

    Attributes:
        id: Its id: 32 hexadecimal digits.
        account: Whose task it is: a digest of the API host and the key, from which neither can be had back; empty
            for a planned job that any account may send.
        model: The model id; None for a task that was made elsewhere and taken over.
        input: The input by native names, as it is sent; None likewise. In a planned job local files stand in it as
            ``file://`` addresses, or as addresses of any other file system, until they are uploaded.
        callback_url: Where kie.ai was asked to post the record, as the caller gave it.
        state: Where it stands.
        attempt: How often createTask has been begun for it; 0 before the first time.
        task_id: The id of its task, once there is one.
        owner: The process that works on it, or None; see `kie_registry.ledger.owners`.
        directory: Where its files are to go, if anybody said so.
        name: Their name without suffix, likewise.
        created_at: When it was written down, in seconds since 1970; so are the next two.
        changed_at: When it last changed.
        sent_at: When createTask was last begun, or None.
        reason: Why it is in its state, in words, where that is not plain.
        credits: The credits that it consumed, or None where kie.ai does not say.
        seconds: How long the task took, by kie.ai's clock, or None.
        result: kie.ai's ``resultJson``, once there is one.
        files: The paths of its files, once they are saved.
        batch: The batch that it is a job of, or None.
        key: By what the batch knows it again, different for each of its jobs.
        number: Its place in the ledger, in the order of writing down; 0 before.
    """

    id: str = field(factory=new_id)
    account: str
    model: str | None
    input: Mapping[str, Any] | None = field(repr=False)
    callback_url: str | None = None
    state: State = State.PLANNED
    attempt: int = 0
    task_id: str | None = None
    owner: str | None = None
    directory: str | None = None
    name: str | None = None
    created_at: float = field(factory=time.time)
    changed_at: float = field(factory=time.time)
    sent_at: float | None = None
    reason: str = ""
    credits: float | None = None
    seconds: float | None = None
    result: str | None = field(default=None, repr=False)
    files: tuple[str, ...] = ()
    batch: str | None = None
    key: str | None = None
    number: int = 0

    @property
    def attempt_id(self) -> str:
        """The reference of the present attempt, which travels in its callback URL."""
        return f"{self.id}-{self.attempt}"


def parse_attempt(reference: str) -> tuple[str, int] | None:
    """Return the job id and the number in an attempt's reference, or None where it is none."""
    job_id, dash, number = reference.partition("-")
    wellformed = dash and len(job_id) == 32 and job_id.isalnum() and job_id.isascii()
    return (
        (job_id, int(number)) if wellformed and number.isascii() and number.isdigit() and len(number) < 7 else None
    )
