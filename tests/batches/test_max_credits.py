"""A limit on credits, at the server: what it let be spent, and what a batch says of that."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from attrs import evolve

from kie_registry.ledger import Job, SqliteLedger
from kie_registry.sandbox.tasks import Task
from tests.batches.running import Runs
from tests.batches.test_stopping import ended

CATS = [f"cat {number}" for number in range(8)]


@pytest.mark.parametrize(("most", "tasks"), [(4, 1), (15.9, 3), (16, 4)])
def test_no_more_is_spent_than_allowed(runs: Runs, most: float, tasks: int) -> None:
    _, progress = ended(runs, *CATS, max_credits=most)
    assert (len(runs.sent()), 1000 - runs.box.balance) == (tasks, 4.0 * tasks)
    assert (progress.done, progress.left, progress.credits) == (tasks, 8 - tasks, 4.0 * tasks)
    assert f"of {most:g} credits are spent" in progress.stopped


def test_no_more_is_spent_however_many_kinds_there_are(runs: Runs) -> None:
    kinds: list[Any] = [
        {"prompt": "a", "aspect_ratio": ratio, "resolution": resolution}
        for ratio, resolution in itertools.product(("1:1", "2:3", "3:2", "16:9"), ("1K", "2K", "4K"))
    ]
    _, progress = ended(runs, *kinds, max_credits=20)
    assert (1000 - runs.box.balance, progress.done) == (20, 5)


def test_where_prices_grow_with_the_text_little_more_is_spent(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Task.record
    monkeypatch.setattr(
        Task, "record", lambda task: {**record(task), "creditsConsumed": float(len(task.input["prompt"]))}
    )
    ended(runs, "x", *[f"{number:020}" for number in range(30)], max_credits=100)
    assert sum(map(len, runs.sent())) == 81


def test_the_first_task_has_ended_before_the_second_is_sent(runs: Runs) -> None:
    runs.run(*CATS, max_credits=100)
    first, *others = runs.box.tasks
    assert first.ends <= min(task.created for task in others)


def test_a_later_run_counts_what_was_spent(runs: Runs) -> None:
    runs.run(*CATS, max_credits=8)
    runs.run(*CATS, max_credits=24)
    assert 1000 - runs.box.balance == 24


def test_a_later_run_counts_what_runs_still_and_what_is_unknown(runs: Runs) -> None:
    runs.box.answer_next("createTask", delay=0.0)
    runs.box.answer_next("createTask", cut="after")
    runs.box.end_next()
    runs.box.end_next()
    runs.box.end_next(latency=0.5, times=3)
    runs.run(*CATS[:5], concurrency=1, deadline=0.2)
    assert len(runs.sent()) == 5
    runs.run(*CATS, max_credits=28)
    assert 1000 - runs.box.balance == 28


def test_what_another_process_sees_to_counts_too(runs: Runs) -> None:
    runs.box.end_next()
    runs.box.end_next(latency=math.inf)
    runs.run(*CATS[:2], concurrency=1, deadline=0.2)

    class Theirs(SqliteLedger):
        def claim(self, job_id: str) -> Job | None:
            return None

    evolve(runs, ledger=Theirs(runs.ledger.path)).run(*CATS, max_credits=12)
    assert runs.sent() == CATS[:3]


def test_a_server_that_says_no_costs(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Task.record
    monkeypatch.setattr(Task, "record", lambda task: {**record(task), "creditsConsumed": None})
    _, progress = ended(runs, *CATS, max_credits=100)
    assert (len(runs.sent()), progress.done) == (1, 1)
    assert "nobody says what task" in progress.stopped


def test_tasks_that_all_fail_under_a_limit(runs: Runs) -> None:
    runs.box.end_next(fail_code="501", times=8)
    ended(runs, *CATS, max_credits=100)
    assert len(runs.sent()) == 3
