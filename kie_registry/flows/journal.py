"""What one call writes down as it goes on: in the ledger, where there is one."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve

from kie_registry.call import Call
from kie_registry.effects import Flow, Keep
from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.events import Event, EventKind, Listener, logger, notify
from kie_registry.flows.unwritten import not_sent, not_written, write_sending
from kie_registry.ledger.job import Job, new_id
from kie_registry.ledger.opening import with_ledger
from kie_registry.ledger.states import HELD, State
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
        doubtful: Whether nobody knows what came of an earlier attempt.
        patient: Whether the id of a task that cannot be written is kept here for later, and nothing raised.

    Attributes:
        job: The job as it stands.
        unwritten: Why the id of its task could not be written down so far; None where it was, or there is none.
    """

    def __init__(
        self,
        ledger: Ledger | None,
        job: Job,
        hooks: Hooks,
        *,
        until: Until,
        written: bool = False,
        doubtful: bool = False,
        patient: bool = False,
    ) -> None:
        self.job = job
        self.unwritten: LedgerError | None = None
        self._ledger = ledger
        self._hooks = hooks
        self._until = until
        self._written = written
        self._doubtful = doubtful
        self._gone = False
        self._patient = patient

    @classmethod
    def of_task(cls, ledger: Ledger | None, account: str, task_id: str, hooks: Hooks) -> Flow[Journal]:
        """Return the journal of a task that is taken up by its id; one that writes nothing if no ledger knows it.

        Raises:
            LedgerError: The ledger cannot be read.
        """
        job = None if ledger is None else (yield Keep(lambda: ledger.find(account, task_id), ledger))
        if job is None or job.task_id != task_id:
            stranger = Job(account=account, model=None, input=None, state=State.RUNNING, task_id=task_id)
            return cls(None, stranger, hooks, until="ended")
        return cls(ledger, job, hooks, until="ended", written=True)

    @property
    def kept(self) -> bool:
        """Whether the job stands in a ledger."""
        return self._written

    def command(self, command: str) -> str:
        """Return a `kie` command as it is to be given for the ledger of this journal."""
        return with_ledger(command, getattr(self._ledger, "path", None))

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
        self._hooks.before_submit(self._call)

    def sending(self) -> Flow[None]:
        """Write down that createTask leaves now; what is not written is not sent.

        Raises:
            LedgerError: It cannot be written.
            IllegalMove: Somebody settled the job meanwhile, or sends it too.
        """
        seen = self.job
        changes: dict[str, Any] = {"attempt": seen.attempt + 1, "sent_at": time.time(), "reason": ""}
        if seen.batch is not None:
            # It was planned for whoever sends it.
            changes["account"] = seen.account
        self.job = job = evolve(seen, state=State.SENDING, **changes)
        if (ledger := self._ledger) is None:
            return
        # Even where the writing is interrupted it may have been done.
        before, self._written = self._written, True
        try:
            yield Keep(lambda: write_sending(ledger, job, seen if before else None, changes), ledger)
        except LedgerError as error:
            self.job, self._written = seen, before
            raise not_sent(error) from error.__cause__

    def accepted(self, task_id: str) -> Flow[None]:
        """Write down the id of the task, and tell plugins.

        Raises:
            LedgerError: It cannot be written, and this is not patient; the message says how to do that by hand.
        """
        yield from self._write_id(task_id, let_go=self._until == "submitted")
        if self.unwritten is not None:
            if not self._patient:
                raise self.unwritten
            logger.error("%s", self.unwritten, extra=self._ids())
        self._hooks.after_submit(self._call, task_id)

    def write_again(self, *, let_go: bool = False) -> Flow[None]:
        """Write down the id of the task, if it could not be before; with `let_go`, others may wait for it."""
        if self.unwritten is not None and self.unwritten.task_id is not None:
            yield from self._write_id(self.unwritten.task_id, let_go=let_go)

    def _write_id(self, task_id: str, *, let_go: bool) -> Flow[None]:
        try:
            try:
                yield from self._move(State.RUNNING, let_go=let_go, task_id=task_id, reason="")
            except IllegalMove as error:
                yield from self._was_settled(task_id, error)
            self.unwritten = None
        except LedgerError as error:
            self.unwritten = self._not_written(task_id, error)
            self.unwritten.__cause__ = self.unwritten.__cause__ or error

    def _was_settled(self, task_id: str, error: IllegalMove) -> Flow[None]:
        """Make sure that the task is written down, although somebody said before what came of the job."""
        ledger, job = self._ledger, self.job
        known = None if ledger is None else (yield Keep(lambda: ledger.get(job.id), ledger))
        if known is None or known.task_id is None:
            raise self._not_written(task_id, error) from error
        if known.task_id != task_id:
            yield from self.let_go()
            yield from self.one_more(task_id, job.attempt_id)
        elif self._until == "submitted":
            yield from self.let_go()

    def one_more(self, task_id: str, reference: str) -> Flow[None]:
        """Write down, as a job of its own, a task that came of an attempt while the job has another.

        Raises:
            LedgerError: It cannot be written.
            IllegalMove: The task is another job's.
        """
        job, ledger = self.job, self._ledger
        reason = f"one more task of job {job.id}, made by its attempt {reference}; it is paid too"
        more = evolve(job, id=new_id(), state=State.RUNNING, task_id=task_id, reason=reason, name=None, owner=None)
        # The batch knows one job by its key, and is done with that by the other task.
        more = evolve(more, batch=None, key=None)
        if ledger is not None:
            try:
                yield Keep(lambda: ledger.add(more), ledger)
            except LedgerError as error:
                raise self._not_written(task_id, error) from error
        self.job = more
        logger.warning("task %s is %s. It is job %s from now on", task_id, reason, more.id, extra=self._ids())

    def _not_written(self, task_id: str, error: LedgerError) -> LedgerError:
        if error.task_id == task_id and error.charged == "yes":
            return error
        settle = self.command(f"kie task settle {self.job.id} --task-id {task_id}")
        return not_written(self.job, task_id, settle, error)

    def postponed(self, reason: str) -> Flow[None]:
        """Write down that the attempt created nothing, and another is to follow."""
        yield from self._try(State.UNKNOWN if self._doubtful else State.PLANNED, seen=True, reason=reason)

    def refused(self, reason: str) -> Flow[None]:
        """Write down that certainly no task came of the attempt, and no other follows."""
        yield from self._try(State.UNKNOWN if self._doubtful else State.REFUSED, seen=True, reason=reason)

    def interrupted(self, reason: str) -> Flow[None]:
        """Write down that nothing was created, and this process sends no more; a batch's job another may send."""
        yield from (self.refused(reason) if self.job.batch is None else self.postponed(reason))

    def unknown(self, reason: str) -> Flow[None]:
        """Write down that nobody knows whether a task came of the attempt."""
        yield from self._try(State.UNKNOWN, seen=True, reason=reason)

    def ended(self, status: TaskStatus) -> Flow[None]:
        """Write down how the task ended, and tell plugins if this is the first that is heard of it."""
        failed = status.state == FAIL
        reason = status.fail_message or status.fail_code or "no reason given"
        changes: dict[str, Any] = {
            "credits": status.credits,
            "seconds": status.seconds,
            "result": status.result_json,
            "reason": reason if failed else self.job.reason,
        }
        let_go = self._until != "collected"
        yield from self.write_again()
        if (yield from self._try(State.FAILED if failed else State.SUCCEEDED, let_go=let_go, **changes)):
            self._hooks.after_result(self._call, status)
        elif let_go:
            # A callback, taken by somebody else, has written the end down before.
            yield from self.let_go()

    def collected(self, paths: Sequence[Path | str]) -> Flow[None]:
        """Write down where the files are: paths, or URLs."""
        places = [path if isinstance(path, str) else str(path.absolute()) for path in paths]
        yield from self._try(State.COLLECTED, files=tuple(places))

    def lost(self, reason: str) -> Flow[None]:
        """Write down that kie.ai keeps the task, or its files, no more."""
        yield from self._try(State.LOST, reason=reason)

    def let_go(self) -> Flow[None]:
        """Leave a job that this process holds, as it stands, to whoever collects it."""
        ledger, job = self._ledger, self.job
        held = self._written and job.state in HELD and not self._gone
        if ledger is not None and held and self.unwritten is None:
            try:
                yield Keep(lambda: ledger.release(job.id), ledger)
                self._gone = True
            except LedgerError as error:
                logger.warning("job %s: %s", job.id, error, extra=self._ids())

    def _move(self, to: State, *, seen: bool = False, let_go: bool = False, **changes: Any) -> Flow[None]:
        """Move the job; with `seen`, only where it stands as it is known here."""
        job, ledger = self.job, self._ledger
        self.job = evolve(job, state=to, **changes)
        # What follows makes sense to nobody who does not know the task.
        known = self.unwritten is None or to == State.RUNNING
        if ledger is not None and self._written and known:
            as_seen = job if seen else None
            move = Keep(lambda: ledger.move(job.id, to, seen=as_seen, let_go=let_go, **changes), ledger)
            try:
                yield move
                self._gone = let_go
            except (KeyboardInterrupt, asyncio.CancelledError):
                # The writing may have been cut short, and what has happened is worth a second one.
                with contextlib.suppress(LedgerError):
                    yield move
                raise

    def _try(self, to: State, *, seen: bool = False, let_go: bool = False, **changes: Any) -> Flow[bool]:
        """Make a move that changes nothing but the row; return whether it was made.

        What happened has happened: a ledger that cannot be written here stands in nobody's way, and is logged.
        """
        if self.job.state == to:
            return False
        try:
            yield from self._move(to, seen=seen, let_go=let_go, **changes)
        except IllegalMove as error:
            logger.debug("job %s: %s", self.job.id, error, extra=self._ids())
            return False
        except LedgerError as error:
            logger.error("job %s could not be written down as %s: %s", self.job.id, to, error, extra=self._ids())
        return True

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
