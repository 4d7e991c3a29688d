"""The state of a task, read from its record however that is filled."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from kie_registry.wording import clip, writable

SUCCESS = "success"
FAIL = "fail"
# More than that is nothing that anybody reads, in messages, logs and ledgers.
_LONGEST_WORD = 200
_LONGEST_MESSAGE = 2_000


@frozen
class TaskStatus:
    """What kie.ai says of a task at one moment.

    Attributes:
        task_id: The id of the task.
        model: The model id, or None where the record does not say.
        state: ``waiting``, ``queuing``, ``generating``, ``success``, ``fail``, or a word not known here,
            which means that the task goes on; ``unknown`` where kie.ai does not know the task (yet).
        progress: From 0 to 1, or None; rarely told.
        created_at: When the task was created, or None.
        completed_at: When it ended, or None.
        fail_code: kie.ai's ``failCode``, or None.
        fail_message: kie.ai's ``failMsg``, or None; cut to 2,000 characters.
        credits: The credits consumed, or None; told after success at the earliest.
        result_json: kie.ai's ``resultJson`` as it stands, or None.
        raw: The whole record, with nothing cut.
    """

    task_id: str
    model: str | None
    state: str
    progress: float | None = None
    created_at: datetime.datetime | None = None
    completed_at: datetime.datetime | None = None
    fail_code: str | None = None
    fail_message: str | None = None
    credits: float | None = None
    result_json: str | None = field(default=None, repr=False)
    raw: Mapping[str, Any] = field(factory=dict, repr=False)

    @classmethod
    def from_record(cls, task_id: str, record: Mapping[str, Any]) -> TaskStatus:
        """Read a record of which any field may be missing, null or of an unexpected type."""
        progress = _number(record.get("progress"))
        return cls(
            task_id=task_id,
            model=_text(record.get("model"), _LONGEST_WORD),
            state=_text(record.get("state"), _LONGEST_WORD) or "unknown",
            progress=None if progress is None else min(max(progress / 100, 0.0), 1.0),
            created_at=_time(record.get("createTime")),
            completed_at=_time(record.get("completeTime")),
            fail_code=_text(record.get("failCode"), _LONGEST_WORD),
            fail_message=_text(record.get("failMsg"), _LONGEST_MESSAGE),
            credits=_number(record.get("creditsConsumed")),
            result_json=_json(record.get("resultJson")),
            raw=record,
        )

    @property
    def done(self) -> bool:
        """Whether the task ended, with a result or without."""
        return self.state in (SUCCESS, FAIL)

    @property
    def seconds(self) -> float | None:
        """From creation to completion, by kie.ai's clock; None before, or where it does not say."""
        if self.created_at is None or self.completed_at is None:
            return None
        return (self.completed_at - self.created_at).total_seconds()


def _text(value: Any, limit: int) -> str | None:
    return clip(writable(str(value)), limit) if value not in (None, "") else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _json(value: Any) -> str | None:
    """Return a result as JSON text, also where it came as the object itself; however long it is."""
    if value in (None, ""):
        return None
    return json.dumps(value) if isinstance(value, (dict, list)) else writable(str(value))


def _time(value: Any) -> datetime.datetime | None:
    milliseconds = _number(value)
    if not milliseconds:
        return None
    try:
        return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    except (OverflowError, OSError, ValueError):
        return None
