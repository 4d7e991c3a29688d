"""Create a task, and never twice.

A task is billed when kie.ai accepts it; there is no idempotency key, and no list of tasks. So createTask is sent
again only where it certainly created nothing: no connection came about, or the answer was 429. After every
other lost answer the outcome is unknown, and says so.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from kie_registry import answers
from kie_registry.answers import Answer
from kie_registry.callback_urls import with_reference
from kie_registry.contract import Contract
from kie_registry.effects import Acquire, Flow, Sleep
from kie_registry.endpoint import create_request, parse_created
from kie_registry.errors import (
    ApiError,
    KieError,
    LedgerError,
    RateLimited,
    SubmitOutcomeUnknown,
    TaskTimeout,
    TransportError,
)
from kie_registry.events import EventKind, Listener
from kie_registry.flows.ask import ask
from kie_registry.flows.journal import Journal
from kie_registry.limits import RateLimit
from kie_registry.session import Session

# A server that is down is not worth the whole deadline; these add up to about half a minute.
_CONNECT_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LIMIT_PAUSES = (2.0, 4.0, 8.0, 10.0)


class Creation:
    """The creation of one task.

    Args:
        session: The client's session.
        journal: The journal of the job, which holds the model and its input.
        contract: The contract of the model.
        deadline_at: The moment until which it may take, by the session's clock.
        listener: Who is told of each step.
    """

    def __init__(
        self,
        session: Session,
        journal: Journal,
        contract: Contract,
        *,
        deadline_at: float,
        listener: Listener | None,
    ) -> None:
        self._session = session
        self._journal = journal
        self._contract = contract
        self._deadline_at = deadline_at
        self._listener = listener
        self._sent = False

    def run(self) -> Flow[str]:
        """Create the task and return its id, which is written down by then.

        Raises:
            ApiError: kie.ai refused it; nothing was spent.
            TransportError: There was no connection; nothing was spent.
            TaskTimeout: The deadline passed before; nothing was spent.
            SubmitOutcomeUnknown: The request was sent, and what came of it is not known.
            LedgerError: The ledger cannot be written; the message says what was spent.
        """
        try:
            task_id = yield from self._create()
        except GeneratorExit:
            raise
        except BaseException as error:
            yield from self._write_down(error)
            raise
        try:
            yield from self._journal.accepted(task_id)
            self._journal.tell(self._listener, "submitted", f"task {task_id} is submitted")
        except (KeyboardInterrupt, asyncio.CancelledError) as interruption:
            interruption.add_note(
                f"Task {task_id} is submitted, and paid. `kie task wait {task_id}` saves its files."
            )
            yield from self._journal.let_go()
            raise
        return task_id

    def _create(self) -> Flow[str]:
        connects, limits = iter(_CONNECT_PAUSES), iter(_LIMIT_PAUSES)
        while True:
            self._check_deadline()
            try:
                answer = yield from self._send_in_turn()
            except TransportError as error:
                if error.sent:
                    raise self._unknown(str(error)) from error
                pause = next(connects, None) if error.retryable else None
                if pause is None or self._left() < pause:
                    raise self._spent_nothing(error) from None
                yield from self._try_again("retry", f"{error}; trying again in {pause:g} s")
            else:
                if answer.code != answers.RATE_LIMITED or _named_task(answer):
                    return self._task_id(answer)
                pause = next(limits, _LIMIT_PAUSES[-1])
                if self._left() < pause:
                    raise self._refusal(answer)
                yield from self._try_again("limited", f"kie.ai says 429; trying again in {pause:g} s")
            yield Sleep(pause)

    def _try_again(self, kind: EventKind, message: str) -> Flow[None]:
        self._sent = False
        self._journal.tell(self._listener, kind, message)
        yield from self._journal.postponed(message)

    def _send_in_turn(self) -> Flow[Answer]:
        """Send createTask in a slot of the rate limit."""
        window, counted = self._session.creates, False
        if window is not None:
            yield from self._take_slot(window)
        try:
            yield from self._journal.sending()
            request = self._request()
            self._journal.tell(self._listener, "submitting", f"submitting to {self._contract.id}")
            parse = functools.partial(parse_created, self._contract)
            self._sent = counted = True
            return (yield from ask(self._session, self._session.settings.base_url, request, parse))
        except TransportError as error:
            self._sent = counted = error.sent
            raise
        except KieError:
            raise
        except Exception as error:
            if not self._sent:
                raise
            # Whatever else comes after the request has left must not look as if it could be tried again.
            raise self._unknown(f"{type(error).__name__}: {error}") from error
        finally:
            if window is not None:
                window.release(counted=counted)

    def _request(self) -> dict[str, Any]:
        """Return the request of this attempt, whose reference travels in the callback URL."""
        job = self._journal.job
        callback_url = job.callback_url
        if callback_url is not None and self._journal.kept:
            callback_url = with_reference(callback_url, job.attempt_id)
        return create_request(self._contract, job.input or {}, callback_url)

    def _take_slot(self, window: RateLimit) -> Flow[None]:
        message = "waiting for the rate limit on new tasks"
        waiting = functools.partial(self._journal.tell, self._listener, "limited", message)
        try:
            granted = yield Acquire(window, self._left(), waiting)
        except LedgerError as error:
            error.args = (f"{error} Nothing was sent, nothing was spent.",)
            raise
        if not granted:
            raise RateLimited(
                f"The deadline passed while {message}. Nothing was sent, nothing was spent.",
                model=self._contract.id,
                job_id=self._journal.job.id,
                retryable=True,
            )

    def _check_deadline(self) -> None:
        if self._left() < 0:
            raise TaskTimeout(
                f"Submitting to {self._contract.id}: the deadline passed before the task was submitted. "
                "Nothing was spent.",
                model=self._contract.id,
                job_id=self._journal.job.id,
                retryable=True,
            )

    def _left(self) -> float:
        return self._deadline_at - self._session.clock()

    def _write_down(self, error: BaseException) -> Flow[None]:
        """Write down what an error means for the job, and say it of an interruption."""
        if isinstance(error, SubmitOutcomeUnknown):
            yield from self._journal.unknown(str(error.__cause__ or error))
        elif isinstance(error, LedgerError):
            # What is wrong is not the job, which a batch may send when that is over.
            yield from self._journal.interrupted(str(error))
        elif isinstance(error, KieError):
            yield from self._journal.refused(str(error))
        elif not self._sent:
            yield from self._journal.interrupted(str(error) or "interrupted; no task was created")
        else:
            error.add_note(str(self._unknown("interrupted")))
            yield from self._journal.unknown("interrupted before the answer came")

    def _task_id(self, answer: Answer) -> str:
        """Return the id of the new task, or raise what the answer means."""
        task_id = _named_task(answer)
        accepted = answer.envelope_code == answers.OK or (answer.envelope_code is None and answer.status < 300)
        # What is no such name can neither be asked for nor shown.
        if task_id and accepted and task_id.strip() == task_id and task_id.isprintable():
            return task_id
        if answer.code in answers.REFUSALS and not task_id:
            raise self._refusal(answer)
        where = f"HTTP {answer.status}, code {answer.code}" if answer.enveloped else f"HTTP {answer.status}"
        words = f", in kie.ai's words: {answer.message}" if answer.message else ""
        shown = task_id if task_id is None or task_id.isprintable() else repr(task_id)
        named = f"it names task {shown}" if task_id else "no task id"
        raise self._unknown(f"{where}, {named}{words}", answer, task_id)

    def _refusal(self, answer: Answer) -> ApiError:
        model = self._contract.id
        error = answer.error(f"submitting to {model}", model=model, job_id=self._journal.job.id)
        error.args = (f"{error}. Nothing was spent.",)
        return error

    def _unknown(
        self, reason: str, answer: Answer | None = None, task_id: str | None = None
    ) -> SubmitOutcomeUnknown:
        return SubmitOutcomeUnknown(
            f"Submitting to {self._contract.id}: the request was sent, but whether a task came of it is not known "
            f"({reason}). It may have been billed; it is not sent again by itself. {self._way_out(task_id)}",
            model=self._contract.id,
            task_id=task_id,
            job_id=self._journal.job.id,
            code=answer.code if answer else None,
            status=answer.status if answer else None,
            server_message=answer.message if answer else "",
        )

    def _way_out(self, task_id: str | None) -> str:
        look = f"See `kie task show {task_id}`" if task_id else "See https://kie.ai/logs"
        if not self._journal.kept:
            return f"{look} before you repeat it."
        job_id = self._journal.job.id
        settle = self._journal.command(f"kie task settle {job_id}")
        return (
            f"It is job {job_id} of the ledger. {look}, then say `{settle} --task-id ID` if there is a task, or "
            "`--not-created`, or `--retry` to send it again."
        )

    def _spent_nothing(self, error: TransportError) -> TransportError:
        return TransportError(
            f"Submitting to {self._contract.id}: {error}. Nothing was spent.",
            model=self._contract.id,
            job_id=self._journal.job.id,
            retryable=error.retryable,
        )


def _named_task(answer: Answer) -> str | None:
    """Return the task id in an answer, wherever it stands and however it is written."""
    found = getattr(answer.data, "task_id", answer.data or None)
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    return str(found) or None
