"""The pauses between two reads: how long they are, and what ends them. Nobody sleeps here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Kie, LedgerError, hints
from kie_registry.effects import Run, Sleep
from kie_registry.flows.journal import Journal
from kie_registry.flows.pauses import Pauses
from kie_registry.ledger import Job, SqliteLedger, State

Open = Callable[..., Kie]


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "jobs.sqlite3")


def job(**fields: Any) -> Job:
    plain: dict[str, Any] = {"account": "a", "model": "m", "input": {}, "state": State.RUNNING, "task_id": "t"}
    return Job(**{**plain, "callback_url": "https://example.com/hook", **fields})


def pauses(kie: Kie, job: Job, *, kept: bool = True) -> Pauses:
    ledger = kie.ledger
    if ledger is not None and kept:
        ledger.add(job)
    journal = Journal(ledger if kept else None, job, kie.models.hooks, until="ended", written=kept)
    return Pauses(kie._calls.session, journal)


def slept(pauses: Pauses, seconds: float, *heard: bool) -> list[float]:
    """Return how long is slept in all, where hints come as `heard`; looks into the ledger are made."""
    flow, answers, pieces = pauses.sleep(seconds), list(heard), []
    answer: Any = None
    try:
        while True:
            effect = flow.send(answer)
            if isinstance(effect, Run):
                try:
                    answer = effect.function()
                except LedgerError as error:
                    effect = flow.throw(error)
            if isinstance(effect, Sleep):
                pieces.append(effect.seconds)
                answer = answers.pop(0) if answers else False
    except StopIteration:
        return pieces


def test_without_a_callback_url_a_pause_is_one_sleep(open_kie: Open, ledger: SqliteLedger) -> None:
    assert slept(pauses(open_kie(ledger=ledger), job(callback_url=None)), 5) == [5]


def test_without_a_ledger_a_pause_is_one_sleep(open_kie: Open, ledger: SqliteLedger) -> None:
    assert slept(pauses(open_kie(), job(), kept=False), 5) == [5]


def test_a_hint_ends_a_pause(open_kie: Open) -> None:
    assert slept(pauses(open_kie(), job(), kept=False), 5, True) == [5]


def test_the_ledger_is_looked_into_each_second(open_kie: Open, ledger: SqliteLedger) -> None:
    assert slept(pauses(open_kie(ledger=ledger), job()), 2.5) == [1.0, 1.0, 0.5]


def test_where_many_wait_they_look_more_rarely(open_kie: Open, ledger: SqliteLedger) -> None:
    others = [hints.expect("a", f"t{number}") for number in range(299)]
    first, *_ = slept(pauses(open_kie(ledger=ledger), job()), 100)
    # What other tests have left behind waits as well.
    assert first == pytest.approx(3.0, abs=0.5)
    others.clear()


def test_an_end_that_is_written_down_ends_a_pause_once(open_kie: Open, ledger: SqliteLedger) -> None:
    running = job()
    waiting = pauses(open_kie(ledger=ledger), running)
    ledger.move(running.id, State.SUCCEEDED)
    assert [slept(waiting, 5), slept(waiting, 5)] == [[1.0], [5]]


def test_what_had_ended_before_is_not_looked_for(open_kie: Open, ledger: SqliteLedger) -> None:
    kie, ended = open_kie(ledger=ledger), job()
    ledger.add(ended)
    ledger.move(ended.id, State.SUCCEEDED)
    found = ledger.get(ended.id)
    assert found is not None
    journal = Journal(ledger, found, kie.models.hooks, until="ended", written=True)
    assert slept(Pauses(kie._calls.session, journal), 5) == [5]


def test_a_ledger_that_cannot_be_read_ends_no_pause(
    open_kie: Open, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise LedgerError("the disk is gone")

    waiting = pauses(open_kie(ledger=ledger), job())
    monkeypatch.setattr(ledger, "get", fail)
    assert slept(waiting, 2) == [1.0, 1.0]
