"""Tasks: how they pass from state to state, and the records they show."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Literal
from uuid import uuid4

from attrs import define, field, frozen

from kie_registry.sandbox.options import Options

State = Literal["waiting", "queuing", "generating", "success", "fail"]


@frozen(kw_only=True)
class Ending:
    """How a task is to end.

    Attributes:
        latency: Seconds from creation to the end; None for the sandbox's own.
        fail_code: The ``failCode``; None for a task that succeeds.
        fail_message: The ``failMsg``.
        result: What ``resultJson`` holds; None for pictures (or other media) that show the request.
    """

    latency: float | None = None
    fail_code: str | None = None
    fail_message: str = ""
    result: Mapping[str, Any] | None = None


FAILED_AT_RANDOM = Ending(fail_code="501", fail_message="Generation failed. Please try again later.")


@define(eq=False, kw_only=True)
class Task:
    """A task that was accepted and billed.

    Attributes:
        id: Its id.
        record_id: The other id that createTask answers, which nothing else knows.
        model: The id of the model.
        input: The input as it was received, unknown keys and all.
        request: The whole body of the request as it was received.
        callback_url: Where its end is posted, if anywhere.
        created: When it was created, in seconds since 1970.
        latency: Seconds from its creation to its end.
        price: The credits that it cost.
        ending: How it ends.
        result: What ``resultJson`` holds once it succeeded.
    """

    id: str
    record_id: str
    model: str
    input: Mapping[str, Any]
    request: Mapping[str, Any] = field(repr=False)
    callback_url: str | None
    created: float
    latency: float
    price: float
    ending: Ending
    result: Mapping[str, Any] = field(factory=dict, repr=False)
    _clock: Callable[[], float] = field(repr=False)

    @property
    def ends(self) -> float:
        """When it ends or has ended, in seconds since 1970."""
        return self.created + self.latency

    @property
    def state(self) -> State:
        """Its state now, derived from the clock."""
        return self._state(self._progress(self._clock()))

    def record(self) -> dict[str, Any]:
        """Return what recordInfo answers as ``data``."""
        now = self._clock()
        progress = self._progress(now)
        state = self._state(progress)
        succeeded, failed = state == "success", state == "fail"
        ended = succeeded or failed
        param = {**self.request, "input": json.dumps(self.input, ensure_ascii=False)}
        return {
            "taskId": self.id,
            "model": self.model,
            "state": state,
            "param": json.dumps(param, ensure_ascii=False),
            "resultJson": json.dumps(self.result) if succeeded else "",
            "failCode": self.ending.fail_code if failed else None,
            "failMsg": self.ending.fail_message if failed else None,
            "costTime": _milliseconds(self.latency) if ended else None,
            "createTime": _milliseconds(self.created),
            "updateTime": _milliseconds(self.ends if ended else now),
            "completeTime": _milliseconds(self.ends) if ended else None,
            "progress": progress,
            "creditsConsumed": self.price if succeeded else None,
        }

    def _progress(self, now: float) -> int:
        """Return how much is done at a time, 0 to 100; 100 means that it ended."""
        if now >= self.ends:
            return 100
        return min(99, int(100 * max(0.0, now - self.created) / self.latency))

    def _state(self, progress: int) -> State:
        if progress == 100:
            return "success" if self.ending.fail_code is None else "fail"
        return "waiting" if progress < 20 else "queuing" if progress < 40 else "generating"


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


class TaskStore:
    """Every task of a sandbox, in order of creation."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._chance = random.Random(options.seed)  # noqa: S311  (not for secrets)
        self._tasks: dict[str, Task] = {}

    def create(self, request: Mapping[str, Any], ending: Ending | None = None) -> Task:
        """Take a task on, to end as told or else as chance has it."""
        ended_by_chance = self._chance.random() < self._options.failure_rate
        ending = ending or (FAILED_AT_RANDOM if ended_by_chance else Ending())
        task = Task(
            id=f"task_{uuid4().hex}",
            record_id=f"record_{uuid4().hex}",
            model=request["model"],
            input=request["input"],
            request=request,
            callback_url=request.get("callBackUrl"),
            created=self._options.clock(),
            latency=self._options.latency if ending.latency is None else ending.latency,
            price=self._options.price,
            ending=ending,
            clock=self._options.clock,
        )
        self._tasks[task.id] = task
        return task

    def get(self, task_id: str) -> Task | None:
        """Return a task, or None if there is none of this id."""
        return self._tasks.get(task_id)

    def all(self) -> list[Task]:
        """Return the tasks so far."""
        return list(self._tasks.values())
