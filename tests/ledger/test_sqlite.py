"""What a ledger in a file keeps, and what it does with what other processes have left."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import Job, SqliteLedger, State
from tests.ledger.jobs import ACCOUNT, added, other_process


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite3")


WORDS: dict[str, Any] = {
    "plain": {"reason": "a reason"},
    "a surrogate in words of the server": {"reason": "half \ud83d of it"},
    "a surrogate in a task id": {"task_id": "task_\udcff"},
    "a folder whose name is no UTF-8": {"directory": "/tmp/caf\udce9"},
    "a file whose name is no UTF-8": {"files": ("/tmp/caf\udce9/a.png", "b")},
    "a surrogate in the result": {"result": '{"text": "\ud800"}'},
    "NUL": {"reason": "a\0b"},
    "other alphabets": {"input": {"prompt": "ein Kätzchen 🐈"}},
    "numbers": {"credits": 1.5, "seconds": 1e300, "sent_at": 0.0, "attempt": 7},
    "an input of any kind": {"input": {"a": [1, 2.5, None, True, {"b": "c"}], "n": 10**30}},
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_a_job_comes_back_as_it_was(ledger: SqliteLedger, words: dict[str, Any]) -> None:
    new = added(ledger, **words)
    assert ledger.get(new.id) == new
    assert ledger.jobs() == [new]


def test_a_job_is_found_by_a_task_id_with_a_surrogate(ledger: SqliteLedger) -> None:
    new = added(ledger, task_id="task_\udcff", state=State.RUNNING)
    assert ledger.find(ACCOUNT, "task_\udcff") == new


NAMES: list[tuple[str, int | None]] = [
    ("aa1" + "0" * 29, 0),
    ("aa1", 0),
    ("aa", None),
    ("ab", 2),
    ("", None),
    ("c", None),
    ("task_9", 2),
    ("task_", None),
    ("%", None),
    ("\udcff", None),
]


@pytest.mark.parametrize(("name", "which"), NAMES)
def test_find(ledger: SqliteLedger, name: str, which: int | None) -> None:
    jobs = [
        added(ledger, id="aa1" + "0" * 29),
        added(ledger, id="aa2" + "0" * 29),
        added(ledger, id="ab" + "0" * 30, task_id="task_9", state=State.RUNNING),
        added(ledger, id="c" * 32, account="another"),
    ]
    assert ledger.find(ACCOUNT, name) == (None if which is None else jobs[which])


def test_the_newest_come_first_and_no_more_than_asked_for(ledger: SqliteLedger) -> None:
    jobs = [added(ledger, created_at=created) for created in (3.0, 1.0, 2.0)]
    assert ledger.jobs(limit=2) == [jobs[2], jobs[1]]


@pytest.mark.parametrize("states", [[], [State.SENDING], [State.REFUSED], [State.SENDING, State.COLLECTED]])
def test_jobs_by_state(ledger: SqliteLedger, states: list[State]) -> None:
    new = added(ledger)
    assert ledger.jobs(states=states) == ([new] if State.SENDING in states else [])


def test_two_accounts_may_have_a_task_of_the_same_id(ledger: SqliteLedger) -> None:
    for account in ("one", "two"):
        added(ledger, account=account, task_id="task_1", state=State.RUNNING)
    assert len(ledger.jobs()) == 2


def test_a_move_says_what_stands_in_its_way(ledger: SqliteLedger) -> None:
    new = added(ledger, task_id="task_1", state=State.RUNNING)
    with pytest.raises(IllegalMove, match=f"Job {new.id} is running, and cannot become sending") as caught:
        ledger.move(new.id, State.SENDING)
    assert (caught.value.job_id, caught.value.task_id, caught.value.model) == (new.id, "task_1", "maker/model")


def test_a_task_is_one_jobs_alone(ledger: SqliteLedger) -> None:
    added(ledger, task_id="task_1", state=State.RUNNING)
    second = added(ledger)
    with pytest.raises(IllegalMove, match="task task_1 belongs to another job"):
        ledger.move(second.id, State.RUNNING, task_id="task_1")


def test_an_id_does_not_change(ledger: SqliteLedger) -> None:
    with pytest.raises(TypeError):
        ledger.move(added(ledger).id, State.RUNNING, id="0" * 32)


def test_the_latest_durations_of_a_model(ledger: SqliteLedger) -> None:
    for seconds in (1.0, None, 2.0):
        added(ledger, seconds=seconds)
    added(ledger, model="another/model", seconds=9.0)
    assert ledger.durations("maker/model") == [2.0, 1.0]


LEFT = {"planned": "refused", "sending": "unknown", "running": "running", "succeeded": "succeeded"}


def test_what_a_dead_process_leaves(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with other_process(path, *LEFT) as process:
        process.kill()
        process.wait()
        ledger = SqliteLedger(path)
        assert ledger.recover() == len(LEFT)
        assert [(each.state, each.owner) for each in ledger.jobs()][::-1] == [(now, None) for now in LEFT.values()]


def test_what_a_living_process_does_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    with other_process(path, *LEFT):
        ledger = SqliteLedger(path)
        assert ledger.recover() == 0
        assert [ledger.claim(each.id) for each in ledger.jobs()] == [None] * len(LEFT)
        assert [each.state for each in ledger.jobs()][::-1] == list(LEFT)


PATHS: dict[State, list[State]] = {
    State.PLANNED: [State.PLANNED],
    State.SENDING: [State.SENDING],
    State.UNKNOWN: [State.SENDING, State.UNKNOWN],
    State.REFUSED: [State.SENDING, State.REFUSED],
    State.RUNNING: [State.RUNNING],
    State.SUCCEEDED: [State.RUNNING, State.SUCCEEDED],
    State.FAILED: [State.RUNNING, State.FAILED],
    State.COLLECTED: [State.RUNNING, State.SUCCEEDED, State.COLLECTED],
    State.LOST: [State.RUNNING, State.LOST],
}
OVER = {State.REFUSED, State.FAILED, State.COLLECTED, State.LOST}


def brought(ledger: SqliteLedger, state: State, owner: str | None) -> str:
    """Add a job of this owner, bring it into a state, and return its id."""
    first, *others = PATHS[state]
    new = added(ledger, state=first, owner=owner)
    for each in others:
        ledger.move(new.id, each)
    return new.id


@pytest.mark.parametrize("state", PATHS)
def test_only_what_is_not_over_is_taken_on(ledger: SqliteLedger, state: State) -> None:
    claimed = ledger.claim(brought(ledger, state, owner=None))
    assert (claimed is None) == (state in OVER)


def test_of_two_who_find_a_dead_process_one_takes_its_job_on(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = added(ledger, state=State.RUNNING, owner="d" * 32)
    quicker: list[Job | None] = []

    def dead(owner: str) -> bool:
        monkeypatch.undo()
        quicker.append(ledger.claim(new.id))
        return False

    monkeypatch.setattr(ledger._owners, "alive", dead)
    assert ledger.claim(new.id) is None
    assert [each and each.id for each in quicker] == [new.id]


@pytest.mark.parametrize("state", PATHS)
def test_what_is_not_sent_yet_stays_its_owners(ledger: SqliteLedger, state: State) -> None:
    job_id = brought(ledger, state, owner=ledger.owner)
    ledger.release(job_id)
    assert [each.owner for each in ledger.jobs()] == [
        ledger.owner if state in {State.PLANNED, State.SENDING} else None
    ]


def test_nobody_lets_go_what_another_has(ledger: SqliteLedger) -> None:
    job_id = brought(ledger, State.RUNNING, owner="another")
    ledger.release(job_id)
    assert [each.owner for each in ledger.jobs()] == ["another"]


DAMAGE = ["state = 'dreaming'", "input = '{'", "files = 'x'", "files = '5'", "reason = CAST(x'ff' AS TEXT)"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_row_that_cannot_be_read_is_said_to_be_damaged(ledger: SqliteLedger, damage: str) -> None:
    new = added(ledger)
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute(f"UPDATE jobs SET {damage}")
    connection.close()
    with pytest.raises(LedgerError, match=rf"{ledger.path}: .* damaged"):
        ledger.get(new.id)


def test_the_file_is_its_users_alone(ledger: SqliteLedger) -> None:
    added(ledger)
    beside = {path.name: path.stat().st_mode & 0o777 for path in ledger.path.parent.glob("ledger.sqlite3*")}
    assert beside == {"ledger.sqlite3": 0o600, "ledger.sqlite3-wal": 0o600, "ledger.sqlite3-shm": 0o600}


def test_a_link_leads_to_the_same_owners_and_limits(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.sqlite3").symlink_to(tmp_path / "real" / "ledger.sqlite3")
    ledgers = [SqliteLedger(tmp_path / name) for name in ("link.sqlite3", "real/ledger.sqlite3")]
    slots = [ledger.window("create", "account", 1, 1_000.0).acquire(timeout=0) for ledger in ledgers]
    owners = {ledger.owner for ledger in ledgers}
    assert (slots, len(owners)) == ([True, False], 1)
