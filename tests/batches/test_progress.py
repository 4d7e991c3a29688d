"""How far a batch has come, in numbers."""

from __future__ import annotations

import asyncio
import math
import time

import pytest
from attrs import evolve

from kie_registry import KieError, TaskTimeout
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.progress import Progress
from kie_registry.ledger import Job, State
from tests.batches.running import Runs, iterating


def outcome(
    state: State = State.COLLECTED, error: KieError | None = None, credits_: float | None = 0.0
) -> Outcome:
    return Outcome(Job(account="me", model=None, input=None, state=state, credits=credits_), error=error)


def test_each_job_is_one_of_five() -> None:
    progress = Progress(total=9)
    for each in (
        outcome(),
        outcome(State.SUCCEEDED, KieError("disk full")),
        outcome(State.RUNNING, TaskTimeout("late")),
        outcome(State.UNKNOWN, KieError("cut")),
    ):
        progress.count(each)
    progress.running = 2
    assert (progress.done, progress.failed, progress.late, progress.unknown) == (1, 2, 1, 1)
    assert (progress.running, progress.ended, progress.left) == (2, 4, 3)


def test_credits_of_earlier_runs_count_too() -> None:
    progress = Progress(total=2)
    progress.count(outcome(credits_=4.0), earlier=True)
    progress.count(outcome(State.FAILED, KieError("no"), credits_=2.0))
    assert (progress.credits, progress.earlier) == (6.0, 1)


@pytest.mark.parametrize(
    ("state", "credits_", "unpriced"),
    [
        (State.FAILED, None, 1),
        (State.UNKNOWN, None, 1),
        (State.RUNNING, None, 1),
        (State.LOST, 4.0, 0),
        (State.REFUSED, None, 0),
    ],
)
def test_what_may_have_cost_something_is_told(state: State, credits_: float | None, unpriced: int) -> None:
    progress = Progress(total=1)
    progress.count(outcome(state, KieError("no"), credits_))
    assert progress.unpriced == unpriced


@pytest.mark.parametrize(
    ("total", "earlier", "now", "left"),
    [
        (10, 0, 2, None),
        (10, 0, 3, 35.0),
        (10, 5, 3, 10.0),
        (10, 5, 2, None),
        (50, 0, 4, None),
        (50, 0, 5, 135.0),
        (1000, 0, 9, None),
        (1000, 0, 10, 1485.0),
    ],
)
def test_the_time_left_goes_by_enough_of_this_run_alone(
    total: int, earlier: int, now: int, left: float | None
) -> None:
    progress = Progress(total=total)
    progress._began = time.monotonic() - 15
    for number in range(earlier + now):
        progress.count(outcome(), earlier=number < earlier)
    assert progress.rate == pytest.approx(now / 15, rel=0.01)
    assert progress.seconds_left == (None if left is None else pytest.approx(left, rel=0.01))


@pytest.mark.parametrize("state", [State.REFUSED, State.UNKNOWN])
def test_what_is_refused_says_nothing_of_how_fast_tasks_are(state: State) -> None:
    progress = Progress(total=10)
    progress._began = time.monotonic() - 15
    for _ in range(5):
        progress.count(outcome(state, KieError("no")))
    assert (progress.rate, progress.seconds_left) == (0.0, None)


def test_what_ends_before_any_time_has_passed_tells_nothing_of_the_time_left() -> None:
    progress = Progress(total=10)
    progress._began = math.inf
    for _ in range(5):
        progress.count(outcome())
    assert (progress.rate, progress.seconds_left) == (0.0, None)


def test_what_waits_for_the_rate_limit_does_not_run(runs: Runs) -> None:
    async def two_of_five() -> tuple[int, int, int]:
        async with runs.batch(*"abcde") as batch, iterating(batch) as outcomes:
            await anext(outcomes)
            await anext(outcomes)
            progress = batch.progress
            return progress.done, progress.running, progress.left

    runs = evolve(runs, client={"creates": (2, 3600)})
    assert asyncio.run(two_of_five()) == (2, 0, 3)
