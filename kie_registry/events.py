"""What happens during a call, for those who watch it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal, TypeAlias

from attrs import frozen

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
    """

    kind: EventKind
    message: str
    task_id: str | None = None
    status: TaskStatus | None = None


Listener: TypeAlias = Callable[[Event], None]


def notify(listener: Listener | None, event: Event) -> None:
    """Log `event`, and tell the listener; what it raises is logged, because a paid task must not be lost."""
    logger.debug("%s: %s", event.kind, event.message, extra={"task_id": event.task_id})
    if listener is None:
        return
    try:
        listener(event)
    except Exception:
        logger.exception("the listener for events failed on %r; the call goes on", event.kind)
