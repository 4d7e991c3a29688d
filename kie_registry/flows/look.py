"""Look at a task: read its record once, within the limit on reads, and write down what it says."""

from __future__ import annotations

import contextlib
import time

from kie_registry.answers import Answer, Envelope
from kie_registry.effects import Acquire, Flow, Run
from kie_registry.errors import (
    ApiError,
    LedgerError,
    Maintenance,
    NotFound,
    RateLimited,
    ServerError,
    TaskTimeout,
    TransportError,
)
from kie_registry.events import Listener
from kie_registry.flows.ask import ask
from kie_registry.flows.journal import Journal
from kie_registry.session import Session
from kie_registry.status import SUCCESS, TaskStatus

# kie.ai may not know a fresh task for a while. An id that no ledger knows may be mistyped: less patience for it.
GRACE_FRESH = 90.0
_GRACE_TAKEN_UP = 15.0

# What passes by itself while a paid task goes on.
_PASSING = (TransportError, ServerError, Maintenance, RateLimited)


def read_status(session: Session, task_id: str) -> Flow[TaskStatus]:
    """Read the record of a task.

    Raises:
        NotFound: kie.ai does not know the task, or not yet.
        ApiError: kie.ai answers with an error.
        TransportError: No answer came.
    """
    from kie_generated.jobs import get_task

    kwargs = get_task.request_kwargs(task_id=task_id)
    # The record is read field by field here; as an object of the generated code it would be made first, and then
    # taken apart again, some thousand times in a batch.
    answer = yield from ask(session, session.settings.base_url, kwargs, Envelope.parse)
    if isinstance(answer.data, dict):
        status = TaskStatus.from_record(task_id, answer.data)
        # A task that ended may come under the code of its failure.
        if answer.ok or status.done:
            return status
    raise _error(answer, task_id)


def read_in_turn(session: Session, task_id: str, patience: float) -> Flow[TaskStatus | None]:
    """Read the record of a task within the limit on reads; None where that had no slot in `patience` seconds.

    Where the limit cannot be shared with other processes, this client shares it with none from then on: a task
    that is paid is worth more than that.

    Raises:
        NotFound: kie.ai does not know the task, or not yet.
        ApiError: kie.ai answers with an error.
        TransportError: No answer came.
    """
    window = session.reads
    if window is None:
        return (yield from read_status(session, task_id))
    try:
        granted = yield Acquire(window, patience, lambda: None)
    except LedgerError as error:
        session.share_reads_no_more(error)
        return (yield from read_in_turn(session, task_id, patience))
    if not granted:
        return None
    try:
        return (yield from read_status(session, task_id))
    finally:
        window.release()


class Look:
    """The looks at one task, and what was learned of it by them.

    Args:
        session: The client's session.
        journal: The journal of its job, which knows the task's id.
        deadline_at: The moment until which to wait, by the session's clock.
        fresh: Whether the task was created just now, in this call.
        listener: Who is told of changes.

    Attributes:
        journal: The journal.
        task_id: The id of the task.
    """

    # Ten thousand of them fit into one process.
    __slots__ = (
        "_age",
        "_deadline_at",
        "_fresh",
        "_grace",
        "_listener",
        "_pace",
        "_session",
        "_started",
        "_state",
        "_told",
        "_trouble",
        "journal",
        "task_id",
    )

    def __init__(
        self,
        session: Session,
        journal: Journal,
        *,
        deadline_at: float,
        fresh: bool,
        listener: Listener | None = None,
    ) -> None:
        self._session = session
        self.journal = journal
        self.task_id = journal.job.task_id or ""
        self._deadline_at = deadline_at
        self._listener = listener
        self._started = session.clock()
        self._grace = GRACE_FRESH if fresh or journal.kept else _GRACE_TAKEN_UP
        self._pace = session.polling.pace(journal.job.model, fresh=fresh)
        self._age = 0.0 if fresh else max(time.time() - (journal.job.sent_at or journal.job.created_at), 0.0)
        self._fresh = fresh
        self._state: str | None = None
        self._trouble: Exception | None = None
        self._told = ""

    def prepare(self) -> Flow[None]:
        """Learn from the ledger how long tasks of the model take, unless that was done before."""
        polling, ledger, model = self._session.polling, self._session.ledger, self._pace.model
        if ledger is not None and model is not None and polling.durations.is_new(model):
            # Whatever is wrong with the ledger is said where something must be written into it.
            with contextlib.suppress(LedgerError):
                polling.durations.seed(model, (yield Run(lambda: ledger.durations(model))))

    def pause(self) -> float:
        """Return the seconds until the next look is due, which is never after the deadline; ask once for each."""
        return min(self._pace.next_pause(self._age + self._session.clock() - self._started), self.left())

    def read(self) -> Flow[TaskStatus | None]:
        """Read the record and return what it says; None where kie.ai could not say, for a reason that passes.

        Raises:
            TaskTimeout: The deadline has passed; the task goes on.
            NotFound: kie.ai does not know the task, after a while of patience.
            ApiError: kie.ai answers with an error that will not pass by itself.
        """
        last = self.left() <= 0
        yield from self.journal.write_again()
        status = yield from self._ask()
        if status is not None:
            self._tell(status)
            if status.done:
                self._pace.ended(status.seconds if status.state == SUCCESS else None)
                yield from self.journal.ended(status)
            if status.done or not last:
                return status
        if last:
            raise self._timeout()
        return None

    def left(self) -> float:
        """Return the seconds until the deadline."""
        return self._deadline_at - self._session.clock()

    def _ask(self) -> Flow[TaskStatus | None]:
        """Read once; None where kie.ai could not say, for a reason that passes."""
        try:
            status = yield from read_in_turn(self._session, self.task_id, max(self.left(), 1.0))
        except NotFound as error:
            self._trouble = error
            if self._session.clock() - self._started > self._grace:
                raise self._about_a_paid_task(error) if self._fresh else error from None
            self._tell_of_trouble(f"kie.ai does not know task {self.task_id} (yet); asking again")
        except _PASSING as error:
            self._trouble = error
            self._tell_of_trouble(f"{error}; reading again until the deadline")
        except ApiError as error:
            raise self._about_a_paid_task(error) from None
        else:
            if status is not None:
                self._trouble, self._told = None, ""
            return status
        return None

    def _tell(self, status: TaskStatus) -> None:
        changed, self._state = status.state != self._state, status.state
        if changed:
            self.journal.tell(self._listener, "status", f"task {self.task_id} is {status.state}", status)

    def _tell_of_trouble(self, message: str) -> None:
        """Say it once, and again when it is another trouble."""
        if message != self._told:
            self._told = message
            self.journal.tell(self._listener, "retry", message)

    def _about_a_paid_task(self, error: ApiError) -> ApiError:
        """Say of an error, which ended the wait but not the task, what that means for the money."""
        error.args = (f"{error}. The task goes on. {how_to_go_on(self.task_id)}",)
        error.charged, error.retryable = "maybe", error.retryable and not self._fresh
        return error

    def _timeout(self) -> TaskTimeout:
        waited = self._session.clock() - self._started
        trouble = f" The last read failed: {self._trouble}." if self._trouble else ""
        error = TaskTimeout(
            f"Task {self.task_id} did not end within {waited:.3g} s (last state: "
            f"{self._state or 'not known'}).{trouble} It is paid, and goes on. "
            f"{how_to_go_on(self.task_id)}",
            task_id=self.task_id,
            model=self.journal.job.model,
            # To wait again is safe; to submit again is not.
            retryable=not self._fresh,
            charged="yes",
        )
        error.__cause__ = self._trouble
        return error


def how_to_go_on(task_id: str) -> str:
    """Say how to take a task up again that goes on."""
    return f"Take it up again with kie.task({task_id!r}).wait(), or `kie task wait {task_id}`."


def _error(answer: Answer, task_id: str) -> ApiError:
    doing = f"reading task {task_id}"
    unknown = answer.code == 404 or (answer.code == 422 and "null" in answer.message)
    if unknown:
        return NotFound(
            f"kie.ai does not know task {task_id} (code {answer.code}: {answer.message}). Check the id and the "
            "account of the key; a task made just now may take up to 90 s to be known.",
            task_id=task_id,
            code=answer.code,
            status=answer.status,
            server_message=answer.message,
        )
    return answer.error(doing, task_id=task_id)
