"""A callback that arrives: it settles what is unknown, and wakes those who wait. Sent by the sandbox, signed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from kie_registry import AsyncKie, Kie, SubmitOutcomeUnknown
from kie_registry.ledger import SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options
from kie_registry.webhooks import Receiver
from tests.webhooks.conftest import KEY, MODEL, served, server_of, until

# Nobody who has read once would read again by the clock, nor end by it: what is not woken hangs.
SELDOM = {"poll_interval": 3600.0, "deadline": 3600.0}
pytestmark = pytest.mark.timeout(30)

# Long enough for a first read that finds the task still running.
LATENCY = 0.5


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "jobs.sqlite3")


@contextmanager
def receiving(kie: Kie | AsyncKie) -> Iterator[str]:
    with served(Receiver(kie, key=KEY)) as url:
        yield url


@asynccontextmanager
async def receiving_in_this_loop(kie: AsyncKie) -> AsyncIterator[str]:
    server = server_of(Receiver(kie, key=KEY), port=0)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    await task


def test_what_is_unknown_is_settled_and_can_be_waited_for(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger
) -> None:
    kie = open_kie(ledger=ledger)
    box.answer_next("createTask", cut="after")
    with receiving(kie) as url:
        with pytest.raises(SubmitOutcomeUnknown) as caught:
            kie.submit(MODEL, "a cat", callback_url=url)
        (job,) = until(lambda: ledger.jobs(states=[State.SUCCEEDED]))
    assert (job.id, job.task_id) == (caught.value.job_id, box.tasks[0].id)
    assert kie.task(job.task_id).wait().urls


def test_a_callback_is_sent_again_until_the_record_could_be_read(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger
) -> None:
    kie = open_kie(ledger=ledger)
    box.answer_next("recordInfo", status=500)
    with receiving(kie) as url:
        kie.submit(MODEL, "a cat", callback_url=url)
        until(lambda: box.callbacks[0].state == "delivered")
    assert box.callbacks[0].statuses == [503, 200]
    assert [job.state for job in ledger.jobs()] == [State.SUCCEEDED]


@pytest.mark.parametrize("kept", [True, False])
def test_a_callback_wakes_a_wait(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger, kept: bool
) -> None:
    kie = open_kie(ledger=ledger if kept else None, **SELDOM)
    box.end_next(latency=LATENCY)
    with receiving(kie) as url:
        task = kie.submit(MODEL, "a cat", callback_url=url)
        assert kie.task(task.id).wait().urls


def test_a_callback_wakes_whoever_follows_the_events(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(**SELDOM)
    box.end_next(latency=LATENCY)
    with receiving(kie) as url:
        task = kie.submit(MODEL, "a cat", callback_url=url)
        assert [status.state for status in kie.task(task.id).events()][-1] == "success"


def test_a_callback_wakes_all_who_wait(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(**SELDOM)
    box.end_next(latency=LATENCY)
    results: list[Any] = []
    with receiving(kie) as url:
        task = kie.submit(MODEL, "a cat", callback_url=url)
        waits = [threading.Thread(target=lambda: results.append(kie.task(task.id).wait())) for _ in range(3)]
        for each in waits:
            each.start()
        for each in waits:
            each.join()
    assert [result.task_id for result in results] == [task.id] * 3


@pytest.mark.parametrize("kept", [True, False])
def test_a_callback_wakes_a_coroutine(box: Sandbox, ledger: SqliteLedger, kept: bool) -> None:
    async def main() -> None:
        options = {**client_options(box), **SELDOM, "ledger": ledger if kept else None}
        async with AsyncKie(box.key, **options) as kie, receiving_in_this_loop(kie) as url:
            box.end_next(latency=LATENCY)
            task = await kie.submit(MODEL, "a cat", callback_url=url)
            assert (await kie.task(task.id).wait()).urls

    asyncio.run(main())


def test_a_callback_that_another_client_takes_wakes_as_well(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger
) -> None:
    """The receiver has a client and a thread of its own, and the ledger."""
    kie = open_kie(**SELDOM)
    box.end_next(latency=LATENCY)
    with receiving(open_kie(ledger=ledger)) as url:
        task = kie.submit(MODEL, "a cat", callback_url=url)
        assert kie.task(task.id).wait().urls


def test_without_callbacks_tasks_are_polled(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    kie = open_kie()
    task = kie.submit(MODEL, "a cat", callback_url="http://127.0.0.1:9/nobody")
    assert task.wait().urls


def test_it_can_be_mounted_in_an_application(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger
) -> None:
    kie = open_kie(ledger=ledger)
    app = Starlette(routes=[Mount("/hooks", app=Receiver(kie, key=KEY, path="/kie"))])
    with served(app) as url:
        kie.submit(MODEL, "a cat", callback_url=f"{url}hooks/kie")
        until(lambda: box.callbacks[0].state == "delivered")
    assert [job.state for job in ledger.jobs()] == [State.SUCCEEDED]
