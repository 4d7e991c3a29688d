"""Settling and sending again while others move the same job: nothing is paid twice, every task has a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry import Event, IllegalMove, Kie, KieError, SubmitOutcomeUnknown
from kie_registry.effects import drive
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox

MODEL = "nano-banana-pro"


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite3")


@pytest.fixture
def kie(open_kie: Callable[..., Kie], ledger: SqliteLedger) -> Kie:
    return open_kie(ledger=ledger)


@pytest.fixture
def unknown(box: Sandbox, kie: Kie, ledger: SqliteLedger) -> Job:
    """A job whose first attempt has made a task, and whose answer was lost."""
    box.answer_next("createTask", cut="after")
    with pytest.raises(SubmitOutcomeUnknown):
        kie.submit(MODEL, "a cat")
    return the_job(ledger)


def the_job(ledger: SqliteLedger) -> Job:
    return ledger.jobs()[-1]


def send_again(kie: Kie, ledger: SqliteLedger, job: Job, on_event: Callable[[Event], None] | None = None) -> None:
    flow = kie._calls.send_again(ledger, job, kie._calls.session.deadline_at(None), on_event)
    drive(flow, kie._http)


def rows(ledger: SqliteLedger) -> set[str | None]:
    return {job.task_id for job in ledger.jobs()}


def test_of_two_who_send_again_at_once_one_does(
    box: Sandbox, kie: Kie, ledger: SqliteLedger, unknown: Job
) -> None:
    def and_another(event: Event) -> None:
        if event.kind == "submitting":
            with pytest.raises(IllegalMove, match="Nothing was sent now"):
                send_again(kie, ledger, unknown)

    send_again(kie, ledger, unknown, and_another)
    assert (len(box.tasks), the_job(ledger).task_id) == (2, box.tasks[1].id)


@pytest.mark.parametrize("failure", [{"code": 402}, {"code": 429}, {"cut": "before"}], ids=str)
def test_a_failure_to_send_again_leaves_the_earlier_attempt_unknown(
    box: Sandbox, open_kie: Callable[..., Kie], ledger: SqliteLedger, unknown: Job, failure: dict[str, object]
) -> None:
    box.answer_next("createTask", **failure)  # type: ignore[arg-type]
    with pytest.raises(KieError) as caught:
        send_again(open_kie(ledger=ledger, deadline=0.5), ledger, unknown)
    assert (the_job(ledger).state, caught.value.charged) == (State.UNKNOWN, "maybe")


def test_an_error_of_sending_again_says_that_the_earlier_attempt_may_have_been_billed(
    box: Sandbox, kie: Kie, ledger: SqliteLedger, unknown: Job
) -> None:
    box.answer_next("createTask", code=402)
    with pytest.raises(KieError, match="what came of the one before is still not known"):
        send_again(kie, ledger, unknown)


def test_both_tasks_have_rows_where_the_job_was_settled_while_it_was_sent(
    box: Sandbox, kie: Kie, ledger: SqliteLedger, unknown: Job
) -> None:
    (first,) = box.tasks

    def settle(event: Event) -> None:
        if event.kind == "submitting":
            ledger.move(unknown.id, State.RUNNING, task_id=first.id)

    send_again(kie, ledger, unknown, settle)
    assert rows(ledger) == {task.id for task in box.tasks}


def test_a_task_that_a_callback_wrote_down_first_is_anybodys_after_submit(
    box: Sandbox, kie: Kie, ledger: SqliteLedger
) -> None:
    box.answer_next("createTask", code=200, data={"taskId": "task_1"})

    def take_the_callback(event: Event) -> None:
        if event.kind == "submitting" and event.job_id is not None:
            ledger.move(event.job_id, State.RUNNING, task_id="task_1")

    kie.submit(MODEL, "a cat", on_event=take_the_callback)
    assert (the_job(ledger).state, the_job(ledger).owner) == (State.RUNNING, None)


def test_who_only_waits_leaves_a_job_with_its_owner(box: Sandbox, kie: Kie, ledger: SqliteLedger) -> None:
    task = kie.submit(MODEL, "a cat")
    # Another process that sees to it, whatever its id.
    ledger._database.write(lambda connection: connection.execute("UPDATE jobs SET owner = 'another'").rowcount)
    kie.task(task.id).wait()
    assert (the_job(ledger).state, the_job(ledger).owner) == (State.SUCCEEDED, "another")
