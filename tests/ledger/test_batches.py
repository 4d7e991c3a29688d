"""What a ledger does with the jobs of a batch: planned once, taken by one process each, and never sent by two."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import Job, SqliteLedger, State
from tests.ledger.jobs import ACCOUNT, added, job, planned

OTHER = "e" * 32


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite3")


def keys(jobs: list[Job]) -> str:
    return "".join(each.key or "?" for each in jobs)


def own(ledger: SqliteLedger, owner: str | None) -> None:
    """Give all jobs to another process."""
    ledger.close()
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("UPDATE jobs SET owner = ?", (owner,))
        connection.commit()


PLANS: dict[str, tuple[list[tuple[str, str]], int]] = {
    "nothing": ([], 0),
    "all of another batch": ([("other", "a"), ("other", "b")], 2),
    "some new": ([("b", "a"), ("b", "c"), ("b", "b")], 1),
    "nothing new": ([("b", "b"), ("b", "a")], 0),
    "the same twice": ([("b", "c"), ("b", "c")], 1),
}


@pytest.mark.parametrize(("plan", "new"), PLANS.values(), ids=PLANS.keys())
def test_only_what_the_batch_has_not_is_planned(
    ledger: SqliteLedger, plan: list[tuple[str, str]], new: int
) -> None:
    before = planned(ledger, "a", "b")
    jobs = [job(state=State.PLANNED, batch=batch, key=key) for batch, key in plan]
    assert ledger.plan(jobs) == new
    assert len(ledger.jobs()) == len(before) + new
    assert ledger.batch("b")[:2] == before


def test_a_planned_job_is_as_it_was_given_and_nobodys(ledger: SqliteLedger) -> None:
    given = job(account="", state=State.PLANNED, batch="b", key="k", directory="/caf\udce9", owner=OTHER, name="n")
    ledger.plan([given])
    expected = {"owner": None, "number": 1, "directory": "/caf\udce9", "name": "n", "key": "k", "account": ""}
    (found,) = ledger.batch("b")
    assert found.id == given.id
    assert {name: getattr(found, name) for name in expected} == expected


def test_jobs_are_taken_in_the_order_of_planning_and_once(ledger: SqliteLedger) -> None:
    planned(ledger, *"cabde")
    planned(ledger, *"xy", batch="other")
    taken = [ledger.take("b", number) for number in (2, 0, 2, 9, 9)]
    assert [keys(each) for each in taken] == ["ca", "", "bd", "e", ""]
    assert {each.owner for part in taken for each in part} == {ledger.owner}


def test_jobs_are_taken_by_one_of_many_threads(ledger: SqliteLedger) -> None:
    planned(ledger, *map(str, range(200)))
    with ThreadPoolExecutor(8) as pool:
        taken = [each.number for part in pool.map(lambda _: ledger.take("b", 10), range(40)) for each in part]
    assert sorted(taken) == list(range(1, 201))


_TAKING = """
import sys
from pathlib import Path
from kie_registry.ledger import SqliteLedger
ledger = SqliteLedger(Path(sys.argv[1]))
while jobs := ledger.take("b", 3):
    print(*(job.number for job in jobs))
"""


def test_jobs_are_taken_by_one_of_many_processes(ledger: SqliteLedger) -> None:
    planned(ledger, *map(str, range(200)))
    command = [sys.executable, "-c", _TAKING, str(ledger.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [int(number) for process in processes for number in process.communicate()[0].split()]
    assert sorted(taken) == list(range(1, 201))


def let_go(ledger: SqliteLedger, taken: Job) -> None:
    ledger.release(taken.id)


def postponed(ledger: SqliteLedger, taken: Job) -> None:
    ledger.move(taken.id, State.SENDING, seen=taken, attempt=1)
    ledger.move(taken.id, State.PLANNED)
    ledger.release(taken.id)


def refused(ledger: SqliteLedger, taken: Job) -> None:
    ledger.move(taken.id, State.REFUSED, reason="why")
    ledger.replan("b")


def left(ledger: SqliteLedger, taken: Job) -> None:
    own(ledger, OTHER)
    ledger.recover()


FREED = {
    "let go": let_go,
    "postponed and let go": postponed,
    "refused and planned again": refused,
    "left by a process that ended": left,
}


@pytest.mark.parametrize("free", FREED.values(), ids=FREED.keys())
def test_a_job_can_be_taken_again(ledger: SqliteLedger, free: Callable[[SqliteLedger, Job], object]) -> None:
    planned(ledger, "a", "b")
    (first,) = ledger.take("b", 1)
    assert keys(ledger.take("b", 1)) == "b"
    free(ledger, first)
    assert [(each.key, each.state, each.reason) for each in ledger.take("b", 1)] == [("a", State.PLANNED, "")]


def test_only_refused_jobs_of_that_batch_are_planned_again(ledger: SqliteLedger) -> None:
    one, two = planned(ledger, "a", "b")
    (other,) = planned(ledger, "a", batch="other")
    for each in (one, other):
        ledger.move(each.id, State.REFUSED)
    ledger.move(two.id, State.RUNNING, task_id="t")
    assert ledger.replan("b") == 1
    assert [each.state for each in ledger.jobs()] == [State.REFUSED, State.RUNNING, State.PLANNED]


OWNED: list[tuple[str | None, bool]] = [(None, True), ("mine", True), (OTHER, False)]


@pytest.mark.parametrize(("owner", "sent"), OWNED)
def test_a_job_that_another_process_has_is_not_sent(ledger: SqliteLedger, owner: str | None, sent: bool) -> None:
    (seen,) = planned(ledger, "a")
    own(ledger, ledger.owner if owner == "mine" else owner)
    refusal = pytest.raises(IllegalMove, match=f"Job {seen.id} is planned, and another process sees to it")
    with contextlib.nullcontext() if sent else refusal:
        ledger.move(seen.id, State.SENDING, seen=seen, attempt=1, account=ACCOUNT)
    now = ledger.batch("b")[0]
    assert (now.state, now.account) == ((State.SENDING, ACCOUNT) if sent else (State.PLANNED, ""))


def test_what_came_of_a_job_is_written_whoever_has_it(ledger: SqliteLedger) -> None:
    new = added(ledger, owner=OTHER)
    ledger.move(new.id, State.RUNNING, task_id="t")
    assert [(each.state, each.owner) for each in ledger.jobs()] == [(State.RUNNING, OTHER)]


def test_a_task_of_one_account_is_no_others_when_a_job_gets_its_account(ledger: SqliteLedger) -> None:
    added(ledger, state=State.RUNNING, task_id="t")
    (seen,) = planned(ledger, "a")
    ledger.move(seen.id, State.SENDING, seen=seen, account=ACCOUNT)
    with pytest.raises(IllegalMove, match="task t belongs to another job"):
        ledger.move(seen.id, State.RUNNING, task_id="t")


@pytest.fixture
def mixed(ledger: SqliteLedger) -> SqliteLedger:
    """A ledger with a batch of jobs, in order: planned, running, planned, succeeded, running, failed."""
    jobs = planned(ledger, *"abcdef")
    planned(ledger, *"xyz", batch="other")
    for number in (1, 3, 4, 5):
        ledger.move(jobs[number].id, State.RUNNING, task_id=f"t{number}")
    ledger.move(jobs[3].id, State.SUCCEEDED, credits=4.0)
    ledger.move(jobs[5].id, State.FAILED, credits=1.5)
    return ledger


ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "abcdef"),
    "the first": ({"limit": 4}, "abcd"),
    "the next": ({"after": 4, "limit": 4}, "ef"),
    "after the last": ({"after": 6}, ""),
    "of two states, in the order of planning": ({"states": [State.RUNNING, State.PLANNED]}, "abce"),
    "the next of two states": ({"states": {State.RUNNING, State.PLANNED}, "after": 1, "limit": 2}, "bc"),
    "of a state in which none is": ({"states": [State.LOST]}, ""),
    "of no state": ({"states": []}, ""),
}


@pytest.mark.parametrize(("asked", "expected"), ASKED.values(), ids=ASKED.keys())
def test_the_jobs_of_a_batch(mixed: SqliteLedger, asked: dict[str, Any], expected: str) -> None:
    assert keys(mixed.batch("b", **asked)) == expected


def test_the_numbers_of_jobs_are_their_order(mixed: SqliteLedger) -> None:
    assert [each.number for each in mixed.batch("b")] == [1, 2, 3, 4, 5, 6]


def test_how_many_jobs_stand_where_and_what_they_cost(mixed: SqliteLedger) -> None:
    assert mixed.tally("b") == {
        State.PLANNED: (2, 0.0),
        State.RUNNING: (2, 0.0),
        State.SUCCEEDED: (1, 4.0),
        State.FAILED: (1, 1.5),
    }
    assert mixed.tally("none") == {}


def test_a_damaged_job_of_a_batch_is_named_and_nothing_is_taken(ledger: SqliteLedger) -> None:
    _, second = planned(ledger, "a", "b")
    ledger.close()
    with closing(sqlite3.connect(ledger.path)) as connection:
        connection.execute("UPDATE jobs SET input = '{' WHERE id = ?", (second.id,))
        connection.commit()
    with pytest.raises(LedgerError, match=f"{ledger.path}: what it says of job {second.id} cannot be read"):
        ledger.take("b", 2)
    assert keys(ledger.take("b", 1)) == "a"


ASKS: dict[str, Callable[[SqliteLedger], object]] = {
    "take": lambda ledger: ledger.take("b", 5),
    "batch": lambda ledger: ledger.batch("b", states=[State.PLANNED, State.RUNNING], after=3, limit=5),
    "tally": lambda ledger: ledger.tally("b"),
    "replan": lambda ledger: ledger.replan("b"),
    "recover": lambda ledger: ledger.recover(),
    "claim": lambda ledger: ledger.claim(ledger.batch("b")[0].id),
    "pending": lambda ledger: ledger.jobs(states=[State.RUNNING]),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS.keys())
def test_nothing_looks_at_all_rows_or_at_a_whole_batch(
    ledger: SqliteLedger, ask: Callable[[SqliteLedger], object]
) -> None:
    planned(ledger, *"abc")
    own(ledger, OTHER)
    said: list[str] = []
    trace: Callable[[str], None] = said.append
    ledger._database.read(lambda base: base.set_trace_callback(trace))  # type: ignore[attr-defined]
    ask(ledger)
    statements = [each for each in said if each.startswith(("SELECT", "UPDATE"))]
    with closing(sqlite3.connect(ledger.path)) as connection:
        plans = [row[3] for each in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {each}")]
    assert plans
    assert [plan for plan in plans if "SCAN jobs" in plan or "jobs_by_key" in plan] == []
