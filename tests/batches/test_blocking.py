"""Batches and collecting for code that does not wait: in a loop or without, left early or interrupted."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry import ConfigurationError, InvalidRequest, Kie, Outcome, Result
from kie_registry.batches.blocking import iterate
from kie_registry.ledger import State
from tests.batches.manifests import PRO, prompts
from tests.batches.running import DEFAULTS, Runs
from tests.descriptors import none_left_open

pytestmark = pytest.mark.timeout(30)
CATS = [f"cat {number}" for number in range(12)]


@pytest.fixture
def kie(open_kie: Callable[..., Kie], runs: Runs) -> Kie:
    return open_kie(ledger=runs.ledger)


@pytest.fixture
def batch(kie: Kie, runs: Runs) -> Callable[..., Any]:
    """Makes batches of prompts."""
    return lambda *texts, **options: kie.batch(prompts(*texts), runs.out, defaults=DEFAULTS, **options)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "kie-batch"]


Make = Callable[..., Any]


def test_outcomes_come_one_by_one_and_say_how_far_it_is(batch: Make, runs: Runs) -> None:
    one = batch("a", "b")
    seen = [(outcome.error, one.progress.done) for outcome in one]
    assert (seen[-1], one.progress.total, len(runs.pictures())) == ((None, 2), 2, 2)
    assert threads() == []


def test_results_can_be_saved_elsewhere_without_waiting(batch: Make, tmp_path: Path) -> None:
    (outcome,) = batch("a")
    assert isinstance(outcome.result, Result)
    (path,) = outcome.result.save(tmp_path / "elsewhere")
    assert path.is_file()


def test_run_again_it_gives_what_came_before(batch: Make, runs: Runs, tmp_path: Path) -> None:
    list(batch("a"))
    (outcome,) = batch("a")
    assert (len(runs.sent()), len(outcome.result.save(tmp_path / "elsewhere"))) == (1, 1)


def test_it_runs_where_a_loop_runs_already(batch: Make) -> None:
    async def notebook() -> int:
        return len(list(batch("a", "b")))

    assert asyncio.run(notebook()) == 2


def test_a_wrong_job_is_told_by_the_first_step(batch: Make) -> None:
    with pytest.raises(InvalidRequest, match="nothing was spent"):
        next(iter(batch("a" * 100_000)))


def leave(outcomes: Iterator[Outcome]) -> None:
    for _ in outcomes:
        break


def interrupt(outcomes: Iterator[Outcome]) -> None:
    def work() -> None:
        for _ in outcomes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()


@pytest.mark.parametrize("end", [leave, interrupt])
def test_who_leaves_early_lets_everything_go(
    batch: Make, runs: Runs, end: Callable[[Iterator[Outcome]], None]
) -> None:
    runs.box.end_next(latency=0.0)
    runs.box.latency = 0.3
    end(iter(batch(*CATS, concurrency=4)))
    assert (threads(), runs.held(), runs.states()[State.UNKNOWN]) == ([], [], 0)
    list(batch(*CATS))
    assert (sorted(runs.sent()), len(runs.pictures())) == (sorted(CATS), 12)


def test_nothing_is_left_open(batch: Make, runs: Runs) -> None:
    list(batch("a"))
    runs.box.latency = 0.2
    with none_left_open():
        leave(iter(batch("a", "b", "c")))
        runs.ledger.close()
        gc.collect()


def test_stopping_from_another_thread(batch: Make, runs: Runs) -> None:
    runs.box.latency = 0.2
    one: Any = batch(*CATS, concurrency=2, on_event=lambda _: threading.Thread(target=one.stop).start())
    list(one)
    assert one.progress.stopped == "it was told to stop"
    assert len(runs.sent()) == one.progress.done < 12
    one.stop()


def test_what_is_not_iterated_over_does_nothing(batch: Make, runs: Runs) -> None:
    one = batch("a")
    one.stop()
    assert (list(one), runs.creates()) == ([], 0)


def test_a_transport_that_can_only_block(open_kie: Callable[..., Kie], runs: Runs) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    only_blocks = type("OnlyBlocks", (httpx.BaseTransport,), {"handle_request": transport.handle_request})()
    with pytest.raises(ConfigurationError, match="OnlyBlocks"):
        open_kie(ledger=runs.ledger, transport=only_blocks).batch(prompts("a"))


def test_without_a_ledger_of_its_own_a_client_keeps_the_default_one(
    open_kie: Callable[..., Kie], runs: Runs
) -> None:
    for _ in range(2):
        list(open_kie().batch(prompts("a"), runs.out, defaults=DEFAULTS))
    assert runs.sent() == ["a"]


# iterating over what another loop gives


async def three() -> AsyncIterator[int]:
    for number in range(3):
        yield number


def test_what_an_asynchronous_iterator_gives() -> None:
    assert list(iterate(three)) == [0, 1, 2]


@pytest.mark.parametrize("error", [ValueError("a bug"), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_what_an_asynchronous_iterator_raises(error: BaseException) -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        raise error

    came = iterate(failing)
    assert next(came) == 1
    with pytest.raises(type(error)):
        next(came)


def test_who_leaves_waits_for_the_iterator_to_clean_up() -> None:
    cleaned = []

    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    came = iterate(endless)
    next(came)
    came.close()  # type: ignore[attr-defined]
    assert cleaned == [True]


# collecting


def test_collecting_without_waiting(kie: Kie, runs: Runs) -> None:
    for text in ("a", "b"):
        kie.submit(PRO, text)
    came = list(kie.collect(runs.out))
    assert [(type(each.result), len(each.paths)) for each in came] == [(Result, 1)] * 2
    assert (list(kie.collect(runs.out)), threads()) == ([], [])


def test_what_a_batch_left_running_can_be_collected(batch: Make, kie: Kie, runs: Runs) -> None:
    runs.box.end_next(latency=0.0)
    runs.box.latency = 0.2
    leave(iter(batch("a", "b", "c")))
    list(kie.collect())
    assert (len(runs.pictures()), runs.states()[State.COLLECTED]) == (len(runs.sent()),) * 2
