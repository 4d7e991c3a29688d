"""When to read a task's record."""

from __future__ import annotations

import itertools
import math

import pytest

from benchmarks.polling import collect, lognormal, simulate
from kie_registry.polling import Durations, Pace, Polling

MODEL = "model"
ENOUGH = 50


def reads(pace: Pace, until: float) -> list[float]:
    """Return the ages at which a task is read that goes on until then."""
    ages, age = [], 0.0
    while (age := age + pace.next_pause(age)) <= until:
        ages.append(age)
    return ages


def known(seconds: float, *, rate: float = 10.0) -> Polling:
    polling = Polling(rate)
    polling.durations.seed(MODEL, [seconds * factor for factor in (0.8, 0.9, 1.0, 1.1, 1.25)] * 10)
    return polling


@pytest.mark.parametrize(
    ("age", "pause"),
    [(0, 2.5), (29, 2.5), (31, 5), (61, 8), (119, 8), (121, 15), (599, 15), (601, 30), (10**6, 30)],
)
def test_a_single_task_of_an_unknown_model_is_read_as_kie_ai_advises(age: float, pause: float) -> None:
    pace = Polling(10).pace(None, fresh=True)
    pace.next_pause(0)
    assert pace.next_pause(age) == pause


@pytest.mark.parametrize(("fresh", "first"), [(True, 1.0), (False, 0.0)])
def test_a_task_that_is_taken_up_is_read_at_once(fresh: bool, first: float) -> None:
    assert Polling(10).pace(MODEL, fresh=fresh).next_pause(0) == first


@pytest.mark.parametrize("seconds", [15.0, 60.0, 240.0])
def test_a_known_model_is_read_once_early_and_then_not_before_its_quickest_tasks_end(seconds: float) -> None:
    ages = reads(known(seconds).pace(MODEL, fresh=True), seconds)
    assert ages[0] == 2.5
    assert seconds * 0.7 < ages[1] < seconds * 0.9


def test_a_model_so_quick_that_an_early_read_shows_nothing_is_not_read_early() -> None:
    assert reads(known(5).pace(MODEL, fresh=True), 5)[0] > 3


def test_there_is_no_early_read_for_each_of_a_crowd() -> None:
    polling = known(60)
    crowd = [polling.pace(MODEL, fresh=True) for _ in range(50)]
    assert crowd[0].next_pause(0) > 40


@pytest.mark.parametrize("seconds", [15.0, 60.0, 240.0, 3600.0])
def test_reads_grow_denser_until_the_usual_end(seconds: float) -> None:
    ages = reads(known(seconds).pace(MODEL, fresh=True), seconds * 1.15)[1:]
    pauses = [later - earlier for earlier, later in itertools.pairwise(ages)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(pauses))
    assert max(pauses) < 8


def test_a_task_that_is_late_is_read_more_and_more_rarely() -> None:
    ages = reads(known(60).pace(MODEL, fresh=True), 900)
    assert 20 < ages[-1] - ages[-2] <= 30


def test_what_is_learned_first_is_a_matter_of_one_task() -> None:
    polling = Polling(10)
    polling.pace(MODEL, fresh=True).ended(100)
    assert polling.pace(MODEL, fresh=False).model == MODEL
    assert 50 < reads(polling.pace(MODEL, fresh=True), 100)[1] < 90


def test_a_model_that_becomes_slower_is_learned_anew() -> None:
    durations = Durations()
    durations.seed(MODEL, [10] * ENOUGH)
    for _ in range(ENOUGH):
        durations.observe(MODEL, 100)
    expected = durations.expect(MODEL)
    assert expected is not None
    assert expected.at(0) == pytest.approx(100)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan])
def test_a_duration_that_is_none_teaches_nothing(seconds: float) -> None:
    durations = Durations()
    durations.observe(MODEL, seconds)
    assert durations.expect(MODEL) is None


@pytest.mark.parametrize(("model", "seconds"), [(None, 5.0), (MODEL, None)])
def test_a_task_without_model_or_result_teaches_nothing(model: str | None, seconds: float | None) -> None:
    polling = Polling(10)
    polling.pace(model, fresh=True).ended(seconds)
    assert polling.durations.expect(MODEL) is None


def test_what_is_seen_here_counts_as_later_than_what_the_ledger_remembers() -> None:
    durations = Durations()
    for _ in range(ENOUGH):
        durations.observe(MODEL, 10)
    durations.seed(MODEL, [1000] * ENOUGH)
    expected = durations.expect(MODEL)
    assert expected is not None
    assert expected.at(0) == pytest.approx(10)


def test_only_the_first_who_asks_is_to_look_for_earlier_tasks() -> None:
    durations = Durations()
    assert [durations.is_new(MODEL), durations.is_new(MODEL), durations.is_new("another")] == [True, False, True]


@pytest.mark.parametrize(("fresh", "pauses"), [(True, [1.0, 5.0, 5.0]), (False, [0.0, 5.0, 5.0])])
def test_a_fixed_interval_is_kept(fresh: bool, pauses: list[float]) -> None:
    pace = Polling(10, 5.0).pace(MODEL, fresh=fresh)
    assert [pace.next_pause(0), pace.next_pause(0), pace.next_pause(500)] == pauses


def test_a_wait_that_was_given_up_is_not_counted() -> None:
    polling = Polling(10)
    paces = [polling.pace(MODEL, fresh=True) for _ in range(3)]
    paces[0].ended(None)
    del paces[1]
    assert polling.tasks == 1


def test_of_a_thousand_the_last_is_read_as_rarely_as_the_first() -> None:
    polling = Polling(10)
    paces = [polling.pace(MODEL, fresh=False) for _ in range(1000)]
    last = paces[-1]
    last.next_pause(0)
    for pace in paces[:-1]:
        pace.ended(None)
    assert last.next_pause(30) > 50


@pytest.mark.parametrize("mean", [15, 60, 240])
@pytest.mark.parametrize("history", [True, False], ids=["known", "learning"])
def test_with_100_running_most_ends_are_seen_within_two_seconds(mean: float, history: bool) -> None:
    known = lognormal(mean, ENOUGH, seed=2) if history else []
    assert simulate(lognormal(mean, 600, seed=1), at_once=100, history=known).median < 2


@pytest.mark.parametrize("history", [True, False], ids=["known", "learning"])
@pytest.mark.parametrize(
    "durations",
    [
        [each * 0.6 + 0.5 for each in range(1000)],
        [min(each, 600) for each in lognormal(300, 1000, seed=1, variation=0.5)],
        [600.0] * 1000,
    ],
    ids=["of any duration", "lognormal", "of ten minutes"],
)
def test_a_thousand_that_are_collected_at_once_are_read_twelve_times_at_most(
    durations: list[float], history: bool
) -> None:
    assert collect(durations, history=durations[::20] if history else []).most_reads <= 12
