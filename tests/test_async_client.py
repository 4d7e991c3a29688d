"""The asynchronous client: the same calls, awaited, many at once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry import AsyncKie, InvalidRequest, Kie, SubmitOutcomeUnknown, TaskTimeout
from kie_registry.sandbox import Sandbox

MODEL = "nano-banana-pro"


def run(box: Sandbox, use: Callable[[AsyncKie], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        defaults = {"base_url": box.url, "upload_url": box.url, "poll_interval": 0.02, "creates": None}
        async with AsyncKie(box.key, **{**defaults, **options}) as kie:
            return await use(kie)

    return asyncio.run(main())


def test_generate_and_save(box: Sandbox, photo: Path, tmp_path: Path) -> None:
    async def use(kie: AsyncKie) -> list[Path]:
        result = await kie.generate("nano-banana-edit", "night", images=[photo])
        return await result.save(tmp_path / "out")

    (path,) = run(box, use)
    assert path.name.startswith("nano-banana-edit-task_")
    assert path.stat().st_size > 0


def test_submit_status_events_and_taking_up_again(box: Sandbox) -> None:
    async def use(kie: AsyncKie) -> tuple[str, list[str], int]:
        task = await kie.submit(MODEL, "a cat")
        states = [status.state async for status in task.events()]
        again = await kie.task(task.id).wait()
        return (await task.status()).state, states, len(again.urls)

    state, states, files = run(box, use)
    assert (state, states[-1], files) == ("success", "success", 1)


def test_the_other_calls(box: Sandbox, photo: Path) -> None:
    async def use(kie: AsyncKie) -> tuple[float, str, str]:
        result = await kie.generate(MODEL, "a cat")
        return await kie.credits(), await kie.upload(photo), await kie.download_url(result.urls[0])

    credits_left, uploaded, link = run(box, use)
    assert credits_left == 996.0
    assert uploaded.endswith(".jpg")
    assert link.startswith(box.url)


def test_many_at_once(box: Sandbox) -> None:
    async def use(kie: AsyncKie) -> set[str]:
        results = await asyncio.gather(*(kie.generate(MODEL, f"cat {n}", deadline=60) for n in range(20)))
        return {result.task_id for result in results}

    assert run(box, use) == {task.id for task in box.tasks}


def test_waiting_does_not_block_the_loop(box: Sandbox) -> None:
    box.end_next(latency=0.3)

    async def use(kie: AsyncKie) -> int:
        turns = 0
        task = asyncio.ensure_future(kie.generate(MODEL, "a cat"))
        while not task.done():
            turns += 1
            await asyncio.sleep(0)
        return turns

    assert run(box, use) > 50


def test_a_wrong_request_sends_nothing(box: Sandbox) -> None:
    async def use(kie: AsyncKie) -> None:
        await kie.generate(MODEL, "a cat", resolution="8K")

    with pytest.raises(InvalidRequest):
        run(box, use)
    assert box.requests == []


def test_a_lost_answer_is_unknown(box: Sandbox) -> None:
    box.answer_next("createTask", cut="after")

    async def use(kie: AsyncKie) -> None:
        await kie.submit(MODEL, "a cat")

    with pytest.raises(SubmitOutcomeUnknown):
        run(box, use)
    assert len(box.tasks) == 1


def test_a_missed_deadline(box: Sandbox) -> None:
    box.end_next(latency=60)

    async def use(kie: AsyncKie) -> None:
        await kie.generate(MODEL, "a cat", deadline=0.2)

    with pytest.raises(TaskTimeout):
        run(box, use)


def test_cancelling_gives_its_slot_back(box: Sandbox) -> None:
    box.answer_next("createTask", delay=30)

    async def use(kie: AsyncKie) -> str:
        first = asyncio.ensure_future(kie.submit(MODEL, "a cat"))
        while not box.requests:
            await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        return (await kie.submit(MODEL, "another cat")).id

    assert run(box, use, creates=(1, 0.1)).startswith("task_")


def balances_in_two_loops(box: Sandbox) -> list[float]:
    kie = AsyncKie(box.key, base_url=box.url, poll_interval=0.02)

    async def use() -> float:
        balance = await kie.credits()
        await kie.generate(MODEL, "a cat")
        return balance

    return [asyncio.run(use()), asyncio.run(use())]


# Nobody can close what is left open in a loop that has ended; it goes with the client.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_one_client_in_two_event_loops(box: Sandbox) -> None:
    assert balances_in_two_loops(box) == [1000.0, 996.0]
    gc.collect()


def test_a_blocking_call_inside_a_loop_does_not_wait_for_that_loop(box: Sandbox) -> None:
    async def use(kie: AsyncKie) -> str:
        await kie.submit(MODEL, "first")
        queued = [asyncio.ensure_future(kie.submit(MODEL, "queued")) for _ in range(2)]
        await asyncio.sleep(0)
        with Kie(box.key, base_url=box.url, creates=(1, 0.2), deadline=10) as blocking:
            task = blocking.submit(MODEL, "blocking")
        await asyncio.gather(*queued)
        return task.id

    assert run(box, use, creates=(1, 0.2)).startswith("task_")


def test_results_can_be_saved_after_closing(box: Sandbox, tmp_path: Path) -> None:
    async def main() -> list[Path]:
        async with AsyncKie(box.key, base_url=box.url, poll_interval=0.02) as kie:
            result = await kie.generate(MODEL, "a cat")
        return await result.save(tmp_path)

    assert len(asyncio.run(main())) == 1


def test_the_repr_does_not_show_the_key() -> None:
    assert "secret" not in repr(AsyncKie("secret"))
