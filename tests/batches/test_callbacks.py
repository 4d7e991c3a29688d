"""Callbacks end the waiting for tasks, whoever takes them."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kie_registry import AsyncKie, LedgerError, Outcome
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.testing.serving import fast_sandbox
from kie_registry.webhooks import Receiver
from tests.batches.running import Runs, iterating
from tests.webhooks.conftest import KEY, served

pytestmark = pytest.mark.timeout(40)


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Options of a client that never reads by the clock, nor ends by it: what is not woken hangs."""
    monkeypatch.setattr("kie_registry.polling._FIRST_READ", 3600.0)
    return {"poll_interval": 3600.0, "deadline": 3600.0}


def test_a_callback_in_this_process_ends_the_waiting(runs: Runs, seldom: dict[str, Any]) -> None:
    with fast_sandbox(latency=0.3, webhook_key=KEY, callback_retry=0.05) as box:
        signing = evolve(runs, box=box, client=seldom)

        async def run() -> list[Outcome]:
            async with AsyncKie(box.key, ledger=runs.ledger, base_url=box.url) as kie:
                with served(Receiver(kie, key=KEY)) as url:
                    async with signing.batch("a", "b", callback_url=url) as batch:
                        return [outcome async for outcome in batch]

        assert [each.error for each in asyncio.run(run())] == [None, None]


def take(runs: Runs, prompt: str = "a", state: State = State.SUCCEEDED) -> None:
    """Write down the end of a task, as another process that has a callback."""
    result = json.dumps({"resultUrls": ["http://127.0.0.1:9/1.png"]})
    job = next(job for job in runs.jobs() if (job.input or {})["prompt"] == prompt)
    runs.ledger.move(job.id, state, result=result)


async def is_running(runs: Runs, *prompts: str) -> None:
    while not dict.fromkeys(prompts, State.RUNNING).items() <= runs.by_prompt().items():
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


@pytest.mark.parametrize("fail_code", [None, "501"])
def test_a_callback_that_another_process_takes_ends_the_waiting(
    runs: Runs, seldom: dict[str, Any], fail_code: str | None
) -> None:
    runs.box.end_next(latency=0.2, fail_code=fail_code)

    async def run() -> list[Outcome]:
        async with evolve(runs, client=seldom).batch("a", callback_url="http://127.0.0.1:9/") as batch:
            taking = asyncio.create_task(take_it())
            outcomes = [outcome async for outcome in batch]
            await taking
            return outcomes

    async def take_it() -> None:
        await is_running(runs, "a")
        take(runs, state=State.FAILED if fail_code else State.SUCCEEDED)

    (outcome,) = asyncio.run(run())
    assert (outcome.error is None) == (fail_code is None)


class Asked(SqliteLedger):
    """A ledger that remembers of which jobs it was asked, and cannot always say how they stand."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ids: set[str] = set()
        self.failing = 0

    def get(self, job_id: str) -> Job | None:
        self.ids.add(job_id)
        self.failing -= 1
        if self.failing >= 0:
            raise LedgerError("The ledger cannot be read.")
        return super().get(job_id)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have callbacks looked for all the time."""
    monkeypatch.setattr("kie_registry.batches.running.feeding._LOOK_FOR_CALLBACKS", 0.02)


@pytest.mark.usefixtures("often")
def test_nobody_looks_for_callbacks_of_tasks_that_have_ended(runs: Runs, seldom: dict[str, Any]) -> None:
    runs.box.end_next(latency=0.2, times=2)
    asked = Asked(runs.ledger.path)

    async def run() -> set[str]:
        waiting = evolve(runs, client=seldom, ledger=asked)
        async with (
            waiting.batch("a", "b", callback_url="http://127.0.0.1:9/") as batch,
            iterating(batch) as outcomes,
        ):
            coming = asyncio.ensure_future(anext(outcomes))
            await is_running(runs, "a", "b")
            take(runs, "a")
            await coming
            asked.ids.clear()
            while not asked.ids:
                await asyncio.sleep(0.02)
            return set(asked.ids)

    ids = asyncio.run(run())
    assert [(job.input or {})["prompt"] for job in runs.jobs() if job.id in ids] == ["b"]


@pytest.mark.usefixtures("often")
def test_of_very_many_tasks_one_part_is_looked_at_after_the_other(
    runs: Runs, seldom: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.batches.running.feeding._LOOKED_AT", 1)
    runs.box.end_next(latency=math.inf, times=3)
    asked = Asked(runs.ledger.path)

    async def run() -> None:
        waiting = evolve(runs, client=seldom, ledger=asked)
        async with (
            waiting.batch("a", "b", "c", callback_url="http://127.0.0.1:9/") as batch,
            iterating(batch) as outcomes,
        ):
            coming = asyncio.ensure_future(anext(outcomes))
            while len(asked.ids) < 3:
                await asyncio.sleep(0.02)
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    asyncio.run(run())
    assert asked.ids == {job.id for job in runs.jobs()}


@pytest.mark.usefixtures("often")
def test_callbacks_are_looked_for_again_when_the_ledger_can_be_read(
    runs: Runs, seldom: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    runs.box.end_next(latency=0.2)
    asked = Asked(runs.ledger.path)

    async def run() -> list[Outcome]:
        waiting = evolve(runs, client=seldom, ledger=asked)
        async with waiting.batch("a", callback_url="http://127.0.0.1:9/") as batch:
            taking = asyncio.create_task(take_it())
            outcomes = [outcome async for outcome in batch]
            await taking
            return outcomes

    async def take_it() -> None:
        await is_running(runs, "a")
        asked.failing = 2
        while asked.failing > 0:
            await asyncio.sleep(0.02)
        take(runs)

    assert [outcome.error for outcome in asyncio.run(run())] == [None]
    assert "only kie.ai is asked" in caplog.text
