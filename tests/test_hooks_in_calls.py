"""Hooks in real calls of both clients: when they come, what they see, and that none of them loses a task."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from kie_registry import (
    AsyncKie,
    InsufficientCredits,
    Kie,
    PluginError,
    Registry,
    TaskFailed,
    TaskStatus,
    hookimpl,
)
from kie_registry.call import Call
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options

MODEL = "nano-banana-pro"
EXAMPLE = Path(__file__).parents[1] / "examples" / "credits_per_project.py"


class Watcher:
    """Keeps what it is told, and calls `then` each time."""

    def __init__(self, then: Callable[[Call], object] = lambda call: None) -> None:
        self.told: list[str] = []
        self.calls: list[Call] = []
        self.then = then

    def keep(self, what: str, call: Call) -> None:
        self.told.append(what)
        self.calls.append(call)
        self.then(call)

    @hookimpl
    def before_submit(self, call: Call) -> None:
        self.keep("before", call)

    @hookimpl
    def after_submit(self, call: Call, task_id: str) -> None:
        self.keep(task_id, call)

    @hookimpl
    def after_result(self, call: Call, status: TaskStatus) -> None:
        self.keep(f"{status.state} {status.credits}", call)


def watched(*plugins: object) -> Registry:
    registry = Registry()
    registry.register(*plugins)
    return registry


def fail(_: Call) -> None:
    raise ValueError("a bug")


Generate = Callable[..., Any]


@pytest.fixture(params=["Kie", "AsyncKie"])
def generate(request: pytest.FixtureRequest, box: Sandbox) -> Generate:
    """Generate with a client of either kind, whose plugins are given."""

    def with_kie(plugin: object, *arguments: Any, **more: Any) -> Any:
        with Kie(box.key, registry=watched(plugin), **client_options(box)) as kie:
            return kie.generate(*arguments, **more)

    def with_async_kie(plugin: object, *arguments: Any, **more: Any) -> Any:
        async def run() -> Any:
            async with AsyncKie(box.key, registry=watched(plugin), **client_options(box)) as kie:
                return await kie.generate(*arguments, **more)

        return asyncio.run(run())

    return with_kie if request.param == "Kie" else with_async_kie


def test_each_hook_comes_once_in_order(generate: Generate) -> None:
    watcher = Watcher()
    result = generate(watcher, MODEL, "a cat")
    assert watcher.told == ["before", result.task_id, "success 4.0"]


def test_all_of_them_name_the_job_and_the_later_ones_its_attempt(generate: Generate) -> None:
    watcher = Watcher()
    generate(watcher, MODEL, "a cat")
    before, submitted, ended = watcher.calls
    assert before.job_id is not None
    assert {submitted.job_id, ended.job_id} == {before.job_id}
    assert (before.attempt_id, submitted.attempt_id) == (None, ended.attempt_id)
    assert submitted.attempt_id is not None


def test_they_see_what_kie_ai_gets(generate: Generate, box: Sandbox, photo: Path) -> None:
    watcher = Watcher()
    generate(watcher, "nano-banana-edit", "at night", images=[photo], callback_url=f"{box.url}/here")
    (task,) = box.tasks
    assert [call.input for call in watcher.calls] == [task.input] * 3
    assert {call.model for call in watcher.calls} == {"google/nano-banana-edit"}
    assert {call.callback_url for call in watcher.calls} == {f"{box.url}/here"}


def test_a_veto_sends_nothing(generate: Generate, box: Sandbox) -> None:
    with pytest.raises(PluginError, match="Nothing was submitted, nothing was spent"):
        generate(Watcher(fail), MODEL, "a cat")
    assert box.requests == []


class FailingLater(Watcher):
    @hookimpl
    def before_submit(self, call: Call) -> None:
        self.then = fail


def test_a_bug_in_a_later_hook_loses_nothing(generate: Generate) -> None:
    watcher = FailingLater()
    result = generate(watcher, MODEL, "a cat")
    assert watcher.told == [result.task_id, "success 4.0"]


def test_a_task_that_fails_is_told(generate: Generate, box: Sandbox) -> None:
    watcher = Watcher()
    failed = {"taskId": "task", "state": "fail", "failCode": "500", "failMsg": "no", "creditsConsumed": 0}
    box.answer_next("/jobs/recordInfo", data=failed)
    with pytest.raises(TaskFailed):
        generate(watcher, MODEL, "a cat")
    assert watcher.told[2] == "fail 0.0"


def test_after_a_refusal_no_other_hook_follows(generate: Generate, box: Sandbox) -> None:
    box.answer_next("/jobs/createTask", code=402)
    watcher = Watcher()
    with pytest.raises(InsufficientCredits):
        generate(watcher, MODEL, "a cat")
    assert watcher.told == ["before"]


def test_a_submission_that_is_tried_again_is_one(
    generate: Generate, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.create._LIMIT_PAUSES", (0.0,))
    box.answer_next("/jobs/createTask", code=429)
    watcher = Watcher()
    generate(watcher, MODEL, "a cat")
    assert len(watcher.told) == 3


def test_a_task_that_is_waited_for_twice_ends_once(box: Sandbox) -> None:
    watcher = Watcher()
    with Kie(box.key, registry=watched(watcher), **client_options(box)) as kie:
        task = kie.submit(MODEL, "a cat")
        task.wait()
        task.wait()
    assert watcher.told == ["before", task.id, "success 4.0"]


def test_the_end_of_a_task_taken_up_by_its_id_is_told(box: Sandbox, kie: Kie) -> None:
    watcher = Watcher()
    task_id = kie.submit(MODEL, "a cat").id
    with Kie(box.key, registry=watched(watcher), **client_options(box)) as other:
        other.task(task_id).wait()
    (call,) = watcher.calls
    assert (watcher.told, call.model, call.input) == (["success 4.0"], None, {})


def test_the_ledger_has_no_job_before_and_its_task_after(box: Sandbox, tmp_path: Path) -> None:
    known: list[str | None] = []

    def look(call: Call) -> None:
        job = kie.ledger.get(call.job_id or "") if kie.ledger else None
        known.append(job.task_id if job else None)

    options = client_options(box) | {"ledger": tmp_path / "ledger.sqlite3"}
    with Kie(box.key, registry=watched(Watcher(look)), **options) as kie:
        task = kie.submit(MODEL, "a cat")
    assert known == [None, task.id]


def test_hooks_run_in_the_context_of_their_call(box: Sandbox) -> None:
    project = ContextVar("project", default="none")
    seen: dict[str, str] = {}
    watcher = Watcher(lambda call: seen.setdefault(call.input["prompt"], project.get()))

    async def one(kie: AsyncKie, name: str) -> None:
        project.set(name)
        await kie.submit(MODEL, f"of {name}")

    async def both() -> None:
        async with AsyncKie(box.key, registry=watched(watcher), **client_options(box)) as kie:
            await asyncio.gather(one(kie, "a"), one(kie, "b"))

    asyncio.run(both())
    assert seen == {"of a": "a", "of b": "b"}


def test_the_example_counts_credits_per_project(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_API_KEY", box.key)
    monkeypatch.setenv("KIE_BASE_URL", box.url)
    command = [sys.executable, "-W", "error", str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stderr, done.stdout) == ("", "lighthouses: 8 credits\nharbours: 4 credits\n")
