"""Taking a callback: which job it is about, what is believed of it, and what it changes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import frozen

from kie_registry import (
    IllegalMove,
    Kie,
    LedgerError,
    RateLimited,
    Registry,
    ServerError,
    TaskStatus,
    hints,
    hookimpl,
)
from kie_registry.call import Call
from kie_registry.callback_urls import with_reference
from kie_registry.effects import drive
from kie_registry.flows import callback
from kie_registry.flows.callback import Outcome, Taken, take
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox

MODEL = "nano-banana-pro"
INPUT = {"prompt": "a lighthouse"}
HOOK = "https://example.com/hook"

SETTLED = [State.PLANNED, State.SENDING, State.UNKNOWN, State.REFUSED]
KNOWN = [State.SUCCEEDED, State.FAILED, State.COLLECTED, State.LOST]
WAYS = {
    State.PLANNED: [State.PLANNED],
    State.UNKNOWN: [State.UNKNOWN],
    State.REFUSED: [State.REFUSED],
    State.RUNNING: [State.RUNNING],
    State.SUCCEEDED: [State.RUNNING, State.SUCCEEDED],
    State.FAILED: [State.RUNNING, State.FAILED],
    State.COLLECTED: [State.RUNNING, State.SUCCEEDED, State.COLLECTED],
    State.LOST: [State.RUNNING, State.LOST],
}


@frozen
class Desk:
    """A client with a ledger, jobs in it, and tasks at the sandbox that a client which lost their ids has made."""

    kie: Kie
    box: Sandbox
    ledger: SqliteLedger

    @property
    def account(self) -> str:
        return self.kie._calls.session.account

    def job(self, state: State, task_id: str | None = None, attempt: int = 1, **fields: Any) -> Job:
        """Return a job of the ledger that has come to this state."""
        start = {"account": self.account, "model": MODEL, "input": INPUT, "callback_url": HOOK}
        job = Job(**{**start, "state": State.SENDING, "attempt": attempt, **fields})
        self.ledger.add(job)
        for step in WAYS.get(state, []):
            changes: dict[str, Any] = {"task_id": task_id} if step == State.RUNNING else {}
            self.ledger.move(job.id, step, **changes)
        return self.now(job)

    def now(self, job: Job) -> Job:
        found = self.ledger.get(job.id)
        assert found is not None
        return found

    def task(self, reference: str | None = None, *, latency: float = 0, **ending: Any) -> str:
        """Create a task whose answer nobody has noted; return its id."""
        self.box.end_next(latency=latency, **ending)
        address = with_reference(HOOK, reference) if reference else HOOK
        content = {"model": MODEL, "input": INPUT, "callBackUrl": address}
        url = f"{self.box.url}/api/v1/jobs/createTask"
        bearer = {"Authorization": f"Bearer {self.box.key}"}
        answer = httpx.post(url, json=content, headers=bearer, trust_env=False).json()
        task_id: str = answer["data"]["taskId"]
        return task_id

    def take(self, task_id: str, reference: str | None = None) -> Taken:
        calls = self.kie._calls
        return drive(take(calls.session, calls.registry.hooks, task_id, reference), self.kie._http)

    @property
    def reads(self) -> int:
        return sum("recordInfo" in request.path for request in self.box.requests)


@pytest.fixture
def desk(box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path) -> Desk:
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    return Desk(open_kie(ledger=ledger), box, ledger)


def test_the_end_of_a_running_task_is_written_down(desk: Desk) -> None:
    task_id = desk.task()
    job = desk.job(State.RUNNING, task_id)
    assert desk.take(task_id).outcome is Outcome.TAKEN
    now = desk.now(job)
    assert (now.state, now.credits, "resultUrls" in (now.result or "")) == (State.SUCCEEDED, 4.0, True)


def test_a_failure_is_written_down_with_its_reason(desk: Desk) -> None:
    task_id = desk.task(fail_code="501", fail_message="tired")
    job = desk.job(State.RUNNING, task_id)
    taken = desk.take(task_id)
    assert (taken.status and taken.status.state, desk.now(job).state, desk.now(job).reason) == (
        "fail",
        State.FAILED,
        "tired",
    )


@pytest.mark.parametrize("state", SETTLED)
def test_the_reference_settles_a_job_without_a_task(desk: Desk, state: State) -> None:
    job = desk.job(state)
    task_id = desk.task(job.attempt_id)
    assert desk.take(task_id, job.attempt_id).outcome is Outcome.TAKEN
    assert (desk.now(job).state, desk.now(job).task_id) == (State.SUCCEEDED, task_id)


def test_an_older_attempt_settles_as_well(desk: Desk) -> None:
    job = desk.job(State.UNKNOWN, attempt=3)
    reference = f"{job.id}-1"
    task_id = desk.task(reference)
    desk.take(task_id, reference)
    assert (desk.now(job).state, desk.now(job).task_id) == (State.SUCCEEDED, task_id)


@pytest.mark.parametrize("state", KNOWN)
def test_what_ended_before_is_a_duplicate_and_not_read(desk: Desk, state: State) -> None:
    task_id = desk.task()
    job = desk.job(state, task_id)
    before = desk.now(job)
    assert desk.take(task_id).outcome is Outcome.DUPLICATE
    assert (desk.now(job), desk.reads) == (before, 0)


def test_a_callback_that_comes_twice_changes_nothing_the_second_time(desk: Desk) -> None:
    job = desk.job(State.UNKNOWN)
    task_id = desk.task(job.attempt_id)
    desk.take(task_id, job.attempt_id)
    before = desk.now(job)
    assert desk.take(task_id, job.attempt_id).outcome is Outcome.DUPLICATE
    assert desk.ledger.jobs() == [before]


@pytest.mark.parametrize(
    "reference",
    [None, "", "nonsense", f"{'0' * 32}-1", "{id}-0", "{id}-2", "{id}-x", "{id}", "{id}-1-1", "{other}-1"],
)
def test_what_settles_nothing_is_not_even_read(desk: Desk, reference: str | None) -> None:
    job = desk.job(State.UNKNOWN)
    other = desk.job(State.UNKNOWN, account="another")
    task_id = desk.task(job.attempt_id)
    given = reference and reference.format(id=job.id, other=other.id)
    assert desk.take(task_id, given).outcome is Outcome.STRANGER
    assert (desk.reads, desk.now(job).state, desk.now(other).state) == (0, State.UNKNOWN, State.UNKNOWN)


def test_an_id_that_begins_like_that_of_a_job_is_a_stranger(desk: Desk) -> None:
    job = desk.job(State.RUNNING, "task_1")
    assert desk.take(job.id[:8]).outcome is Outcome.STRANGER


def param(**fields: Any) -> str:
    return json.dumps({"model": MODEL, **fields})


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"param": param(callBackUrl="{hook}")}, True),
        ({"param": {"callBackUrl": "{hook}"}}, True),
        ({"param": param(input=INPUT)}, True),
        ({"param": param(input=json.dumps(INPUT))}, True),
        ({"param": param(callBackUrl="", input=INPUT)}, True),
        ({"param": param(callBackUrl=HOOK, input=INPUT)}, False),
        ({"param": param(callBackUrl=f"{HOOK}?kie_attempt=other-1", input=INPUT)}, False),
        ({"param": param(input={"prompt": "another"})}, False),
        ({"param": param(callBackUrl="{hook}"), "model": "another"}, False),
        ({"param": param(callBackUrl="{hook}"), "model": None}, False),
        ({"param": param()}, False),
        ({"param": "[" * 100_000}, False),
        ({"param": None}, False),
        ({}, False),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_record_must_be_that_of_the_attempt(
    desk: Desk, box: Sandbox, record: Mapping[str, Any], fits: bool
) -> None:
    job = desk.job(State.UNKNOWN)
    hook = with_reference(HOOK, job.attempt_id)
    shown = json.loads(json.dumps(record).replace("{hook}", hook))
    data = {"taskId": "t1", "model": MODEL, "state": "success", "resultJson": "{}", **shown}
    box.answer_next("recordInfo", code=200, data=data)
    assert desk.take("t1", job.attempt_id).outcome is (Outcome.TAKEN if fits else Outcome.STRANGER)
    assert desk.now(job).state is (State.SUCCEEDED if fits else State.UNKNOWN)


@pytest.mark.parametrize("number", [1, 2])
def test_a_second_task_of_a_job_becomes_a_job_of_its_own(
    desk: Desk, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    job = desk.job(State.RUNNING, "task_of_the_second_attempt", attempt=2, directory="pictures", name="cat")
    reference = f"{job.id}-{number}"
    task_id = desk.task(reference)
    taken = desk.take(task_id, reference)
    more, first = desk.ledger.jobs()
    assert first == job
    assert (more.task_id, more.state, more.model, more.input) == (task_id, State.SUCCEEDED, MODEL, INPUT)
    assert (more.directory, more.name, taken.job and taken.job.id) == ("pictures", None, more.id)
    ours = [each for each in caplog.records if each.name == "kie_registry" and each.levelname == "WARNING"]
    assert [job.id in each.message for each in ours] == [True]


def test_a_job_that_is_being_sent_again_keeps_its_own_attempt(desk: Desk) -> None:
    job = desk.job(State.SENDING, attempt=2)
    reference = f"{job.id}-1"
    task_id = desk.task(reference)
    desk.take(task_id, reference)
    assert desk.now(job) == job
    assert [each.task_id for each in desk.ledger.jobs()] == [task_id, None]


def test_a_task_that_goes_on_is_settled_and_asked_about_again(desk: Desk) -> None:
    job = desk.job(State.UNKNOWN)
    task_id = desk.task(job.attempt_id, latency=math.inf)
    assert desk.take(task_id, job.attempt_id).outcome is Outcome.EARLY
    assert (desk.now(job).state, desk.now(job).task_id) == (State.RUNNING, task_id)


def test_whoever_works_on_the_job_keeps_it(desk: Desk) -> None:
    job = desk.job(State.SENDING, owner=desk.ledger.owner)
    task_id = desk.task(job.attempt_id)
    desk.take(task_id, job.attempt_id)
    assert (desk.now(job).state, desk.now(job).owner) == (State.SUCCEEDED, desk.ledger.owner)


def test_an_answer_that_arrives_at_the_same_moment_is_no_error(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.job(State.SENDING)
    task_id = desk.task(job.attempt_id)
    before(desk, monkeypatch, lambda: desk.ledger.move(job.id, State.RUNNING, task_id=task_id))
    assert desk.take(task_id, job.attempt_id).outcome is Outcome.TAKEN
    assert (desk.now(job).state, len(desk.ledger.jobs())) == (State.SUCCEEDED, 1)


def test_a_job_that_got_another_task_at_the_same_moment_is_looked_at_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = desk.job(State.UNKNOWN)
    task_id = desk.task(job.attempt_id)
    before(desk, monkeypatch, lambda: desk.ledger.move(job.id, State.RUNNING, task_id="settled_by_hand"))
    assert desk.take(task_id, job.attempt_id).outcome is Outcome.TAKEN
    assert [each.task_id for each in desk.ledger.jobs()] == [task_id, "settled_by_hand"]
    assert desk.reads == 1


def before(desk: Desk, monkeypatch: pytest.MonkeyPatch, others_move: Callable[[], None]) -> None:
    """Let others make a move just before the next one that is made here."""
    move = desk.ledger.move

    def moved_first(*arguments: Any, **changes: Any) -> None:
        monkeypatch.setattr(desk.ledger, "move", move)
        others_move()
        move(*arguments, **changes)

    monkeypatch.setattr(desk.ledger, "move", moved_first)


def test_what_is_moved_without_end_is_an_error_in_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: Any, **__: Any) -> None:
        raise IllegalMove("somebody else was faster")

    job = desk.job(State.UNKNOWN)
    task_id = desk.task(job.attempt_id)
    monkeypatch.setattr(desk.ledger, "move", taken)
    with pytest.raises(LedgerError, match="without end"):
        desk.take(task_id, job.attempt_id)


def test_a_record_that_cannot_be_read_changes_nothing(desk: Desk, box: Sandbox) -> None:
    job = desk.job(State.UNKNOWN)
    box.answer_next("recordInfo", status=500)
    with pytest.raises(ServerError):
        desk.take("t1", job.attempt_id)
    assert desk.now(job).state == State.UNKNOWN


def test_the_limit_on_reads_is_kept(
    box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "_WAIT_FOR_READ", 0.01)
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, reads=(1, 3600)), box, ledger)
    first, second = desk.task(), desk.task()
    desk.job(State.RUNNING, first)
    desk.job(State.RUNNING, second)
    desk.take(first)
    with pytest.raises(RateLimited, match="limit on reads"):
        desk.take(second)
    assert desk.reads == 1


def test_a_read_gives_its_slot_back(box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, reads=(1, 0.001)), box, ledger)
    outcomes = []
    for task_id in (desk.task(), desk.task()):
        desk.job(State.RUNNING, task_id)
        outcomes.append(desk.take(task_id).outcome)
    assert outcomes == [Outcome.TAKEN] * 2


def test_whoever_waits_here_is_given_a_hint(desk: Desk) -> None:
    task_id = desk.task()
    hint = hints.expect(desk.account, task_id)
    desk.job(State.RUNNING, task_id)
    desk.take(task_id)
    assert hint.wait(0)


class Heard:
    """A plugin that notes what it is told."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str | None, str]] = []

    @hookimpl
    def after_submit(self, call: Call, task_id: str) -> None:
        self.notes.append(("submitted", call.job_id, task_id))

    @hookimpl
    def after_result(self, call: Call, status: TaskStatus) -> None:
        self.notes.append((status.state, call.job_id, status.task_id))


def test_plugins_are_told_of_what_is_settled(box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path) -> None:
    registry, heard = Registry(), Heard()
    registry.register(heard)
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    desk = Desk(open_kie(ledger=ledger, registry=registry), box, ledger)
    job = desk.job(State.UNKNOWN)
    task_id = desk.task(job.attempt_id)
    desk.take(task_id, job.attempt_id)
    assert heard.notes == [("submitted", job.id, task_id), ("success", job.id, task_id)]


def test_without_a_ledger_a_task_that_nobody_waits_for_is_a_stranger(kie: Kie) -> None:
    calls = kie._calls
    taken = drive(take(calls.session, calls.registry.hooks, "t1", f"{'0' * 32}-1"), kie._http)
    assert taken.outcome is Outcome.STRANGER
