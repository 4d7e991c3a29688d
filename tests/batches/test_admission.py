"""When jobs are let in: never more than may run, never more than may be spent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import evolve

from kie_registry import Registry
from kie_registry.batches.running.admission import Admission
from kie_registry.batches.running.prices import Prices
from kie_registry.ledger import Job, State
from tests.batches.manifests import EDIT, PRO, REGISTRY


def job(resolution: str = "1K", **changes: Any) -> Job:
    return Job(account="me", input={"prompt": "a", "resolution": resolution}, **{"model": PRO, **changes})


def admission(most: float = 9, max_credits: float | None = None) -> Admission:
    return Admission(most, Prices(REGISTRY), max_credits=max_credits)


Ask = Callable[[Admission, Job], bool | None]


@pytest.fixture
def is_let_in() -> Iterator[Ask]:
    """Says whether a job is let in, or None where it has to wait."""

    async def ask(gate: Admission, one: Job) -> bool | None:
        asking = asyncio.create_task(gate.admit(one))
        await asyncio.sleep(0)
        asking.cancel()
        return asking.result() if asking.done() else None

    with asyncio.Runner() as runner:
        yield lambda gate, one: runner.run(ask(gate, one))


def cost(gate: Admission, credits_: float | None, one: Job | None = None) -> None:
    """Let a job in, and out again when it has cost that much."""
    one = one or job()
    gate.let_in(one)
    gate.let_out(evolve(one, state=State.SUCCEEDED, credits=credits_), charged=True)


def test_so_many_run_at_once(is_let_in: Ask) -> None:
    gate, first = admission(most=2), job()
    assert [is_let_in(gate, each) for each in (first, job(), job())] == [True, True, None]
    gate.let_out(first, charged=True)
    assert (is_let_in(gate, job()), gate.running) == (True, 2)


def test_whoever_waits_is_let_in_when_another_ends() -> None:
    async def run() -> bool:
        gate, first = admission(most=1), job()
        assert await gate.admit(first)
        waiting = asyncio.create_task(gate.admit(job()))
        await asyncio.sleep(0)
        gate.let_out(first, charged=True)
        return await waiting

    assert asyncio.run(run())


def test_whoever_waits_is_told_that_no_more_is_sent() -> None:
    async def run() -> list[bool]:
        gate = admission(most=1)
        assert await gate.admit(job())
        waiting = [asyncio.create_task(gate.admit(job())) for _ in range(3)]
        await asyncio.sleep(0)
        gate.stop("enough")
        gate.stop("another reason")
        assert gate.reason == "enough"
        return await asyncio.gather(*waiting)

    assert asyncio.run(run()) == [False] * 3


@pytest.mark.parametrize("others", ["1K", "4K"])
def test_the_first_of_a_model_goes_alone(is_let_in: Ask, others: str) -> None:
    gate, first = admission(max_credits=100), job()
    assert [is_let_in(gate, each) for each in (first, job(others))] == [True, None]
    gate.let_out(evolve(first, credits=4.0), charged=True)
    assert is_let_in(gate, job(others)) is True


def test_of_two_models_the_first_ones_go_one_after_the_other(is_let_in: Ask) -> None:
    gate, first = admission(max_credits=100), job()
    assert [is_let_in(gate, each) for each in (first, job(model=EDIT))] == [True, None]
    gate.let_out(evolve(first, credits=4.0), charged=True)
    assert [is_let_in(gate, each) for each in (job(model=EDIT), job(model="another"))] == [True, None]


def test_the_first_of_a_model_does_not_wait_for_kinds_of_another_that_is_known(is_let_in: Ask) -> None:
    gate = admission(max_credits=100)
    cost(gate, 4.0)
    assert [is_let_in(gate, each) for each in (job("4K"), job(model=EDIT))] == [True, True]


def test_the_price_of_a_kind_whose_rest_runs_already_is_known_for_all_of_it(is_let_in: Ask) -> None:
    gate, resumed = admission(max_credits=100), [job() for _ in range(5)]
    for each in resumed:
        gate.let_in(each)
    gate.let_out(evolve(resumed[0], credits=4.0), charged=True)
    assert [is_let_in(gate, job(each)) for each in ("2K", "4K", "8K")] == [True, True, None]


def test_the_first_of_each_other_kind_goes_before_the_rest_of_it(is_let_in: Ask) -> None:
    gate, first = admission(max_credits=100), job("4K")
    cost(gate, 4.0)
    assert [is_let_in(gate, each) for each in (first, job("4K"))] == [True, None]
    gate.let_out(evolve(first, credits=8.0), charged=True)
    assert [is_let_in(gate, job("4K")) for _ in range(3)] == [True, True, None]


def test_kinds_are_tried_at_the_price_of_their_model(is_let_in: Ask) -> None:
    gate = admission(max_credits=11)
    cost(gate, 4.0)
    assert [is_let_in(gate, job(each)) for each in ("2K", "4K")] == [True, None]


def test_one_kind_more_is_tried_at_once_than_are_known(is_let_in: Ask) -> None:
    gate = admission(most=99, max_credits=1000)
    tried, kinds = [], iter(range(99))
    for _ in range(4):
        batch = [job(str(next(kinds))) for _ in range(10)]
        batch = [each for each in batch if is_let_in(gate, each)]
        tried.append(len(batch))
        for each in batch:
            gate.let_out(evolve(each, credits=4.0), charged=True)
    assert tried == [1, 2, 4, 8]


def test_one_more_runs_at_once_than_prices_were_seen(is_let_in: Ask) -> None:
    gate, ran = admission(most=99, max_credits=1000), []
    for _ in range(4):
        batch = [each for each in [job() for _ in range(10)] if is_let_in(gate, each)]
        ran.append(len(batch))
        for each in batch:
            gate.let_out(evolve(each, credits=4.0), charged=True)
    assert ran == [1, 2, 4, 8]


@pytest.mark.parametrize(("most", "let_in"), [(19.9, 1), (20, 2), (24, 3), (99, 4)])
def test_what_runs_counts_at_the_price_of_its_kind(is_let_in: Ask, most: float, let_in: int) -> None:
    gate = admission(max_credits=most)
    for _ in range(3):
        cost(gate, 4.0)
    assert [is_let_in(gate, job()) for _ in range(5)].count(True) == let_in


@pytest.mark.parametrize(("most", "let_in"), [(19, True), (18.9, None)])
def test_what_ran_before_its_price_was_known_counts_too(is_let_in: Ask, most: float, let_in: bool | None) -> None:
    gate, others = admission(max_credits=most), [job() for _ in range(3)]
    for each in others:
        gate.let_in(each)
    for _ in range(3):
        cost(gate, 1.0)
    gate.let_out(evolve(others.pop(), credits=4.0), charged=True)
    # 7 are spent, and 8 expected.
    assert is_let_in(gate, job()) is let_in


def test_a_task_that_failed_for_nothing_tells_no_price(is_let_in: Ask) -> None:
    gate, one = admission(max_credits=100), job()
    gate.let_in(one)
    gate.let_out(evolve(one, state=State.FAILED, credits=0.0), charged=True)
    assert [is_let_in(gate, job()) for _ in range(2)] == [True, None]


def test_a_higher_price_holds_for_what_runs_already(is_let_in: Ask) -> None:
    gate = admission(max_credits=30)
    cost(gate, 4.0)
    gate.let_in(job())
    cost(gate, 8.0)
    # 12 are spent, 8 expected; 8 more are 28, and another 8 too many.
    assert [is_let_in(gate, job()) for _ in range(2)] == [True, None]


@pytest.mark.parametrize("resolution", ["1K", "4K"])
@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
def test_what_nobody_says_the_cost_of_counts_at_the_price_of_its_kind_or_model(
    is_let_in: Ask, state: State, resolution: str
) -> None:
    gate, one = admission(max_credits=12), job(resolution)
    cost(gate, 4.0)
    gate.let_in(one)
    gate.let_out(evolve(one, state=state), charged=True)
    assert [is_let_in(gate, job()) for _ in range(2)] == [True, None]


def test_what_certainly_cost_nothing_counts_nothing(is_let_in: Ask) -> None:
    gate, one = admission(max_credits=8), job()
    cost(gate, 4.0)
    gate.let_in(one)
    gate.let_out(evolve(one, state=State.REFUSED), charged=False)
    assert is_let_in(gate, job()) is True


def test_a_failure_before_the_price_is_known_counts_when_it_is(is_let_in: Ask) -> None:
    gate, one = admission(max_credits=12), job()
    gate.let_in(one)
    gate.let_out(evolve(one, state=State.FAILED), charged=True)
    cost(gate, 4.0)
    assert [is_let_in(gate, job()) for _ in range(2)] == [True, None]


@pytest.mark.parametrize(("state", "times"), [(State.SUCCEEDED, 1), (State.UNKNOWN, 1), (State.FAILED, 3)])
def test_where_nobody_ever_says_a_cost_no_more_is_sent(state: State, times: int) -> None:
    gate = admission(max_credits=100)
    for _ in range(times):
        assert gate.reason == ""
        one = job(task_id="task_1")
        gate.let_in(one)
        gate.let_out(evolve(one, state=state), charged=True)
    assert gate.reason == "nobody says what task task_1 has cost, so a limit on credits cannot be kept"


def test_what_was_spent_in_an_earlier_run_counts_and_tells_the_price(is_let_in: Ask) -> None:
    gate = admission(max_credits=16)
    for state, credits_ in ((State.COLLECTED, 4.0), (State.UNKNOWN, None)):
        gate.remember(job(state=state, credits=credits_))
    assert [is_let_in(gate, job()) for _ in range(3)] == [True, True, None]


@pytest.mark.parametrize(
    ("price", "words"),
    [(4.0, "the next costs 4"), (None, "nobody knows what the next job costs")],
    ids=str,
)
def test_who_asks_when_all_is_spent_is_told_so(is_let_in: Ask, price: float | None, words: str) -> None:
    gate = admission(max_credits=4)
    cost(gate, 4.0, None if price else job(model=EDIT))
    assert is_let_in(gate, job()) is False
    assert gate.reason.startswith("4 of 4 credits are spent")
    assert words in gate.reason


def test_without_a_limit_nobody_asks_for_prices(is_let_in: Ask) -> None:
    gate = Admission(9, Prices(Registry(entry_points=False)))
    cost(gate, None)
    assert is_let_in(gate, job()) is True
