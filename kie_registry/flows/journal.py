"""What one call writes down as it goes on: in the ledger, where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve

from kie_registry.call import Call
from kie_registry.effects import Flow, Keep
from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.events import Event, EventKind, Listener, logger, notify
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State
from kie_registry.observing import Hooks
from kie_registry.status import FAIL, TaskStatus

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

Until: TypeAlias = Literal["submitted", "ended", "collected"]
"""How far this process sees to a job by itself; after that anybody may collect it."""


class Journal:
    """Keeps one job's row in step with what is known of it.

    Args:
        ledger: Where to write; None for nowhere.
        job: The job.
        hooks: Whom to tell.
        until: How far this process sees to it.
        written: Whether it stands in the ledger already.

    Attributes:
        job: The job as it stands.
    """

    def __init__(
        self, ledger: Ledger | None, job: Job, hooks: Hooks, *, until: Until, written: bool = False
    ) -> None:
        self.job = job
        self._ledger = ledger
        self._hooks = hooks
        self._until = until
        self._written = written

    @classmethod
    def of_task(cls, ledger: Ledger | None, account: str, task_id: str, hooks: Hooks) -> Flow[Journal]:
        """Return the journal of a task that is taken up by its id; one that writes nothing if no ledger knows it.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        job = None if ledger is None else (yield Keep(lambda: ledger.find(account, task_id)))
        if job is None or job.task_id != task_id:
            stranger = Job(account=account, model=None, input=None, state=State.RUNNING, task_id=task_id)
            return cls(None, stranger, hooks, until="ended")
        return cls(ledger, job, hooks, until="ended", written=True)

    @property
    def kept(self) -> bool:
        """Whether the job stands in a ledger."""
        return self._written

    def tell(
        self, listener: Listener | None, kind: EventKind, message: str, status: TaskStatus | None = None
    ) -> None:
        """Log an event of this job, and tell the listener."""
        job = self.job
        attempt_id = job.attempt_id if job.attempt else None
        event = Event(kind, message, job.task_id, status, job_id=job.id, attempt_id=attempt_id, model=job.model)
        notify(listener, event)

    def beginning(self) -> None:
        """Tell plugins that the job is about to be submitted; raises what one that vetoes it raises."""
        self._hooks.before_submit(self._call())

    def sending(self) -> Flow[None]:
        """Write down that createTask leaves now; what is not written is not sent.

        Raises:
            LedgerError: It cannot be written.
            IllegalMove: Somebody settled the job meanwhile.
        """
        ledger = self._ledger
        owner = None if ledger is None else ledger.owner
        changes: dict[str, Any] = {
            "attempt": self.job.attempt + 1,
            "sent_at": time.time(),
            "reason": "",
            "owner": owner,
        }
        self.job = job = evolve(self.job, state=State.SENDING, **changes)
        if ledger is None:
            return
        # Even where the writing is interrupted it may have been done.
        before, self._written = self._written, True
        try:
            if before:
                yield Keep(lambda: ledger.move(job.id, State.SENDING, **changes))
            else:
                yield Keep(lambda: ledger.add(job))
        except LedgerError as error:
            self._written = before
            yield from self.let_go()
            error.args = (f"{error} Nothing was sent, nothing was spent.",)
            raise

    def accepted(self, task_id: str) -> Flow[None]:
        """Write down the id of the task, and tell plugins.

        Raises:
            LedgerError: It cannot be written; the message says how to do that by hand.
        """
        owner = None if self._until == "submitted" else self.job.owner
        accept = partial(self._move, State.RUNNING, task_id=task_id, owner=owner, reason="")
        try:
            yield from accept()
        except (KeyboardInterrupt, asyncio.CancelledError):
            # The first write may have been cut short, and what is paid is worth a second one.
            with contextlib.suppress(LedgerError):
                yield from accept()
            raise
        except LedgerError as error:
            if not (isinstance(error, IllegalMove) and (yield from self._is_known_as(task_id))):
                raise self._not_written(task_id, error) from error
        self._hooks.after_submit(self._call(), task_id)

    def _not_written(self, task_id: str, error: LedgerError) -> LedgerError:
        return LedgerError(
            f"Task {task_id} is submitted, and paid, but its id could not be written down: {error} Keep "
            f"the id; `kie task settle {self.job.id} --task-id {task_id}` writes it down later.",
            model=self.job.model,
            task_id=task_id,
            job_id=self.job.id,
            charged="yes",
        )

    def postponed(self, reason: str) -> Flow[None]:
        """Write down that the attempt created nothing, and another is to follow."""
        yield from self._try(State.PLANNED, reason=reason)

    def refused(self, reason: str) -> Flow[None]:
        """Write down that certainly no task came of the job."""
        yield from self._try(State.REFUSED, reason=reason, owner=None)

    def unknown(self, reason: str) -> Flow[None]:
        """Write down that nobody knows whether a task came of the attempt."""
        yield from self._try(State.UNKNOWN, reason=reason, owner=None)

    def ended(self, status: TaskStatus) -> Flow[None]:
        """Write down how the task ended, and tell plugins if this is the first that is heard of it."""
        failed, owner = status.state == FAIL, self.job.owner
        changes: dict[str, Any] = {
            "credits": status.credits,
            "seconds": status.seconds,
            "result": status.result_json,
            "reason": (status.fail_message or status.fail_code or "no reason given")
            if failed
            else self.job.reason,
        }
        if failed or self._until == "ended":
            changes["owner"] = None
        if (yield from self._try(State.FAILED if failed else State.SUCCEEDED, **changes)):
            self._hooks.after_result(self._call(), status)
        elif "owner" in changes:
            # A callback, taken by somebody else, has written the end down before.
            self.job = evolve(self.job, owner=owner)
            yield from self.let_go()

    def collected(self, paths: Sequence[Path]) -> Flow[None]:
        """Write down where the files are."""
        files = tuple(str(path.absolute()) for path in paths)
        yield from self._try(State.COLLECTED, files=files, owner=None)

    def lost(self, reason: str) -> Flow[None]:
        """Write down that kie.ai keeps the task, or its files, no more."""
        yield from self._try(State.LOST, reason=reason, owner=None)

    def let_go(self) -> Flow[None]:
        """Leave the job, as it stands, to whoever collects it."""
        ledger, job = self._ledger, self.job
        if ledger is not None and self._written and job.owner is not None:
            self.job = evolve(job, owner=None)
            try:
                yield Keep(lambda: ledger.release(job.id))
            except LedgerError as error:
                logger.warning("job %s: %s", job.id, error, extra=self._ids())

    def _move(self, to: State, **changes: Any) -> Flow[None]:
        job, ledger = self.job, self._ledger
        self.job = evolve(job, state=to, **changes)
        if ledger is not None and self._written:
            try:
                yield Keep(lambda: ledger.move(job.id, to, **changes))
            except (KeyboardInterrupt, asyncio.CancelledError):
                # It may not have been written: the job is still to be let go.
                self.job = evolve(self.job, owner=job.owner)
                raise

    def _try(self, to: State, **changes: Any) -> Flow[bool]:
        """Make a move that changes nothing but the row; return whether it was made.

        What happened has happened: a ledger that cannot be written here stands in nobody's way, and is logged.
        """
        if self.job.state == to:
            return False
        try:
            yield from self._move(to, **changes)
        except IllegalMove as error:
            logger.debug("job %s: %s", self.job.id, error, extra=self._ids())
            return False
        except LedgerError as error:
            logger.error("job %s could not be written down as %s: %s", self.job.id, to, error, extra=self._ids())
        return True

    def _is_known_as(self, task_id: str) -> Flow[bool]:
        """Whether a callback was faster than the answer, and has written the same."""
        ledger, job = self._ledger, self.job
        known = None if ledger is None else (yield Keep(lambda: ledger.get(job.id)))
        return known is not None and known.task_id == task_id

    def _call(self) -> Call:
        job = self.job
        return Call(
            model=job.model,
            input=job.input or {},
            callback_url=job.callback_url,
            job_id=job.id,
            attempt_id=job.attempt_id if job.attempt else None,
        )

    def _ids(self) -> dict[str, Any]:
        return {"job_id": self.job.id, "task_id": self.job.task_id}
