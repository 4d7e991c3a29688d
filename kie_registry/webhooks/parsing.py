"""What a callback says, read from a body that anybody may have sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field, frozen

from kie_registry.errors import InvalidRequest, Problem
from kie_registry.status import TaskStatus

_SPELLINGS = ("taskId", "task_id")
_LONGEST_ID = 256


@frozen
class Callback:
    """What a callback says. Its body is not signed: believe the task's record, and not this.

    Attributes:
        task_id: The id of the task.
        code: The ``code`` of the body: 200 for success, 501 for failure; None where there is none.
        message: The ``msg`` of the body.
        status: The state of the task as the body tells it; None where it tells none.
        raw: The whole body.
    """

    task_id: str
    code: int | None
    message: str
    status: TaskStatus | None
    raw: Mapping[str, Any] = field(repr=False)


def parse(body: bytes) -> Callback:
    """Read the body of a callback. The task id may stand in ``data`` or at the root, as ``taskId`` or ``task_id``.

    Raises:
        InvalidRequest: It is no JSON object, or names no task; the message never quotes it.
    """
    try:
        return _read(_load(body))
    except RecursionError:
        raise _invalid("is nested too deeply") from None


def _load(body: bytes) -> Any:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise _invalid(f"is no JSON, or was cut short: {error}") from None
    except UnicodeDecodeError:
        raise _invalid("is no JSON: it is no text in UTF-8") from None
    except ValueError:
        raise _invalid("holds a number of too many digits") from None


def _read(content: Any) -> Callback:
    if not isinstance(content, dict):
        raise _invalid("is no JSON object")
    data = content.get("data")
    record = data if isinstance(data, dict) else {}
    task_id = next(_ids(record, content), None)
    if task_id is None:
        raise _invalid("names no task: it takes data.taskId, data.task_id, taskId or task_id")
    code, message = content.get("code"), content.get("msg")
    return Callback(
        task_id,
        code if isinstance(code, int) and not isinstance(code, bool) else None,
        message if isinstance(message, str) else "",
        TaskStatus.from_record(task_id, record) if record.get("state") else None,
        content,
    )


def _ids(*places: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is given as the task's id, the most trusted place first."""
    for place in places:
        for name in _SPELLINGS:
            given = place.get(name)
            if isinstance(given, bool) or not isinstance(given, (str, int)):
                continue
            text = str(given)
            if not (text.strip() and text.isprintable() and len(text) <= _LONGEST_ID):
                raise _invalid(f"has a {name} that is no task id")
            yield text


def _invalid(wrong: str) -> InvalidRequest:
    return InvalidRequest([Problem("callback", wrong)])
