"""How far a batch has come, in numbers."""

from __future__ import annotations

import math
import time

import pytest

from kie_registry import KieError, TaskTimeout
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.progress import Progress
from kie_registry.ledger import Job, State


def outcome(state: State = State.COLLECTED, error: KieError | None = None, credits_: float = 0.0) -> Outcome:
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


@pytest.mark.parametrize(("earlier", "now", "left"), [(0, 2, None), (0, 3, 35.0), (5, 3, 10.0), (5, 2, None)])
def test_the_time_left_goes_by_this_run_alone(earlier: int, now: int, left: float | None) -> None:
    progress = Progress(total=10)
    progress._began = time.monotonic() - 15
    for number in range(earlier + now):
        progress.count(outcome(), earlier=number < earlier)
    assert progress.rate == pytest.approx(now / 15, rel=0.01)
    assert progress.seconds_left == (None if left is None else pytest.approx(left, rel=0.01))


def test_what_ends_before_any_time_has_passed_tells_nothing_of_the_time_left() -> None:
    progress = Progress(total=10)
    progress._began = math.inf
    for _ in range(5):
        progress.count(outcome())
    assert (progress.rate, progress.seconds_left) == (0.0, None)
