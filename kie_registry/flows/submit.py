"""Submit a task, and never twice.

A task is billed when kie.ai accepts it; there is no idempotency key, and no list of tasks. So createTask is sent
again only where it certainly created nothing: no connection came about, or the answer was 429. After every
other lost answer the outcome is unknown, and says so.
"""

from __future__ import annotations

import functools
from typing import Any

from attrs import frozen

from kie_registry import answers
from kie_registry.answers import Answer
from kie_registry.binding import Bound, check_file, in_order, problem_of
from kie_registry.contract import Contract
from kie_registry.effects import Acquire, Flow, Run, Sleep
from kie_registry.endpoint import create_request, parse_created
from kie_registry.errors import (
    InvalidRequest,
    KieError,
    Problem,
    RateLimited,
    SubmitOutcomeUnknown,
    TaskTimeout,
    TransportError,
)
from kie_registry.events import Event, Listener, notify
from kie_registry.flows.ask import ask
from kie_registry.flows.upload import upload_file
from kie_registry.limits import Window
from kie_registry.media import LocalFile, UnusableMedia, address_problem, inspect
from kie_registry.session import Session

# A server that is down is not worth the whole deadline; these add up to about half a minute.
_CONNECT_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
_LIMIT_PAUSES = (2.0, 4.0, 8.0, 10.0)


@frozen
class Submission:
    """What is to be submitted.

    Attributes:
        bound: The parameters, bound to the model.
        callback_url: Where kie.ai shall post the record when the task ends, or None.
        deadline_at: The moment until which it may take, by the session's clock.
        listener: Who is told of each step.
    """

    bound: Bound
    callback_url: str | None
    deadline_at: float
    listener: Listener | None

    @property
    def contract(self) -> Contract:
        """The contract of the model."""
        return self.bound.adapter.contract


def submit(session: Session, submission: Submission) -> Flow[str]:
    """Check everything, upload local files, create the task, and return its id.

    Raises:
        InvalidRequest: Something is wrong; nothing was sent.
        ApiError: kie.ai refused it; nothing was spent.
        TransportError: There was no connection; nothing was spent.
        SubmitOutcomeUnknown: The request was sent, and what came of it is not known.
    """
    files = yield from _inspect_all(submission)
    for slot, file in zip(submission.bound.slots, files, strict=True):
        address = yield from upload_file(session, file, submission.listener)
        submission.bound.put(slot, address)
    request = create_request(submission.contract, submission.bound.input, submission.callback_url)
    task_id = yield from _create(session, submission, request)
    notify(submission.listener, Event("submitted", f"task {task_id} is submitted", task_id))
    return task_id


def _inspect_all(submission: Submission) -> Flow[list[LocalFile]]:
    """Look into every local file, and raise all problems of the request at once."""
    bound = submission.bound
    problems, files = list(bound.problems), []
    for slot in bound.slots:
        try:
            file = yield Run(lambda slot=slot: inspect(slot.source, slot.label, slot.kind))  # type: ignore[misc]
        except UnusableMedia as error:
            problems.append(problem_of(bound.adapter, slot.native, str(error)))
        else:
            files.append(file)
            problems += check_file(bound.adapter, slot, file)
    if submission.callback_url is not None and (wrong := address_problem(submission.callback_url)):
        problems.append(Problem("callback_url", wrong))
    if problems:
        raise InvalidRequest(in_order(bound.adapter, problems), model=submission.contract.id)
    return files


def _create(session: Session, submission: Submission, request: dict[str, Any]) -> Flow[str]:
    connects, limits = iter(_CONNECT_PAUSES), iter(_LIMIT_PAUSES)
    model = submission.contract.id
    while True:
        _check_deadline(session, submission)
        try:
            answer = yield from _send_in_turn(session, submission, request)
        except TransportError as error:
            if error.sent:
                raise _unknown(model, str(error)) from error
            pause = next(connects, None) if error.retryable else None
            if pause is None or session.clock() + pause > submission.deadline_at:
                raise _spent_nothing(error, model) from None
            notify(submission.listener, Event("retry", f"{error}; trying again in {pause:g} s"))
        else:
            if answer.code != answers.RATE_LIMITED or _named_task(answer):
                return _task_id(answer, model)
            pause = next(limits, _LIMIT_PAUSES[-1])
            if session.clock() + pause > submission.deadline_at:
                raise answer.error(f"submitting to {model}", model=model)
            notify(submission.listener, Event("limited", f"kie.ai says 429; trying again in {pause:g} s"))
        yield Sleep(pause)


def _send_in_turn(session: Session, submission: Submission, request: dict[str, Any]) -> Flow[Answer]:
    """Send createTask in a slot of the rate limit."""
    model, window, counted = submission.contract.id, session.creates, True
    if window is not None:
        yield from _take_slot(session, window, submission)
    try:
        notify(submission.listener, Event("submitting", f"submitting to {model}"))
        parse = functools.partial(parse_created, submission.contract)
        return (yield from ask(session, session.settings.base_url, request, parse))
    except KieError as error:
        counted = not isinstance(error, TransportError) or error.sent
        raise
    except Exception as error:
        # Whatever else comes after the request has left must not look as if it could be tried again.
        raise _unknown(model, f"{type(error).__name__}: {error}") from error
    except BaseException as interruption:
        interruption.add_note(str(_unknown(model, "interrupted")))
        raise
    finally:
        if window is not None:
            window.release(counted=counted)


def _check_deadline(session: Session, submission: Submission) -> None:
    if session.clock() > submission.deadline_at:
        raise TaskTimeout(
            f"Submitting to {submission.contract.id}: the deadline passed before the task was submitted. "
            "Nothing was spent.",
            model=submission.contract.id,
            retryable=True,
        )


def _take_slot(session: Session, window: Window, submission: Submission) -> Flow[None]:
    left = submission.deadline_at - session.clock()
    message = "waiting for the rate limit on new tasks"
    waiting = Event("limited", message)
    granted = yield Acquire(window, left, lambda: notify(submission.listener, waiting))
    if not granted:
        raise RateLimited(
            f"The deadline passed while {message}. Nothing was sent, nothing was spent.",
            model=submission.contract.id,
            retryable=True,
        )


def _named_task(answer: Answer) -> str | None:
    """Return the task id in an answer, wherever it stands and however it is written."""
    found = getattr(answer.data, "task_id", answer.data or None)
    if isinstance(found, bool) or not isinstance(found, (str, int)):
        return None
    return str(found) or None


def _task_id(answer: Answer, model: str) -> str:
    """Return the id of the new task, or raise what the answer means."""
    task_id = _named_task(answer)
    accepted = answer.envelope_code == answers.OK or (answer.envelope_code is None and answer.status < 300)
    if task_id and accepted:
        return task_id
    if answer.code in answers.REFUSALS and not task_id:
        error = answer.error(f"submitting to {model}", model=model)
        error.args = (f"{error}. Nothing was spent.",)
        raise error
    where = f"HTTP {answer.status}, code {answer.code}" if answer.enveloped else f"HTTP {answer.status}"
    words = f", in kie.ai's words: {answer.message}" if answer.message else ""
    named = f"it names task {task_id}" if task_id else "no task id"
    raise _unknown(model, f"{where}, {named}{words}", answer, task_id)


def _unknown(
    model: str, reason: str, answer: Answer | None = None, task_id: str | None = None
) -> SubmitOutcomeUnknown:
    look = f"See `kie task show {task_id}`" if task_id else "See https://kie.ai/logs"
    return SubmitOutcomeUnknown(
        f"Submitting to {model}: the request was sent, but whether a task came of it is not known ({reason}). "
        f"It may have been billed; it is not sent again by itself. {look} before you repeat it.",
        model=model,
        task_id=task_id,
        code=answer.code if answer else None,
        status=answer.status if answer else None,
        server_message=answer.message if answer else "",
    )


def _spent_nothing(error: TransportError, model: str) -> TransportError:
    return TransportError(
        f"Submitting to {model}: {error}. Nothing was spent.", model=model, retryable=error.retryable
    )
