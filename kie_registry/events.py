"""What happens during a call, for those who watch it: listeners, and the logger ``kie_registry``.

Each step is one record. Beside its message it has these attributes, for formatters that write JSON; None is what
is not known (yet):

===============  ==================================================================================
``kind``         the step; see `Event`
``model``        the model id
``job_id``       the job, from the first step of a call to the last
``attempt_id``   the submission, of which a job may need several
``task_id``      the task at kie.ai
``state``        the state of the task, with ``status`` steps
``credits``      what the task cost, with the last ``status`` step, where kie.ai says so
===============  ==================================================================================

Steps are logged at INFO; that a task is still waiting or running, and that a plugin is loaded, at DEBUG. WARNING
and above are kept for what somebody should mend: a plugin or a listener that fails (``kind`` is ``hook`` or
``listener``), and a callback that is refused (``callback``). No record holds the API key or a prompt.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from attrs import field, frozen

from kie_registry.status import TaskStatus

EventKind = Literal["upload", "submitting", "submitted", "status", "limited", "retry"]

logger = logging.getLogger("kie_registry")


@frozen
class Event:
    """One step of a call.

    Attributes:
        kind: ``upload`` (a local file is being sent), ``submitting`` (createTask leaves now), ``submitted``
            (there is a task id), ``status`` (the state of the task changed), ``limited`` (a rate limit makes
            us wait) or ``retry`` (something that cost nothing is tried again).
        message: A line for people.
        task_id: The id of the task, once there is one.
        status: The status, with ``status`` events.
        model: The model id, where it is known.
        job_id: The id of the job, where it has one.
        attempt_id: The id of the submission, where it has one.
    """

    kind: EventKind
    message: str
    task_id: str | None = None
    status: TaskStatus | None = None
    model: str | None = field(default=None, kw_only=True)
    job_id: str | None = field(default=None, kw_only=True)
    attempt_id: str | None = field(default=None, kw_only=True)


Listener: TypeAlias = Callable[[Event], None]


def notify(listener: Listener | None, event: Event) -> None:
    """Log `event`, and tell the listener; what it raises is logged, because a paid task must not be lost."""
    going_on = event.status is not None and not event.status.done
    level = logging.DEBUG if going_on else logging.INFO
    if logger.isEnabledFor(level):
        log(level, f"{event.kind}: {event.message}", **_fields(event))
    if listener is None:
        return
    try:
        listener(event)
    except Exception:
        failure = f"the listener for events failed on {event.kind!r}; the call goes on"
        log(logging.ERROR, failure, failed=True, **{**_fields(event), "kind": "listener"})


def log(level: int, message: str, *, failed: bool = False, **fields: Any) -> None:
    """Log a record with these attributes; what the program's own logging raises must not lose a paid task.

    Args:
        level: Its level.
        message: Its message.
        failed: Whether to add the traceback of the exception that is being handled.
        fields: Its attributes.
    """
    try:
        logger.log(level, "%s", message, exc_info=failed, extra=fields)
    except Exception:
        # As logging itself does where a handler fails.
        if logging.raiseExceptions:
            traceback.print_exc()


def _fields(event: Event) -> dict[str, Any]:
    status = event.status
    return {
        "kind": event.kind,
        "model": event.model or (status.model if status else None),
        "job_id": event.job_id,
        "attempt_id": event.attempt_id,
        "task_id": event.task_id,
        "state": status.state if status else None,
        "credits": status.credits if status else None,
    }
