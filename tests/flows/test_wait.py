"""Waiting: what a record leads to, how often it is read, and what a deadline leaves behind."""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry import (
    AuthenticationError,
    Event,
    InvalidRequest,
    Kie,
    NotFound,
    ResultUnreadable,
    TaskFailed,
    TaskTimeout,
)
from kie_registry.ledger import SqliteLedger, State
from kie_registry.sandbox import Sandbox

MODEL = "nano-banana-pro"


def record(**fields: Any) -> dict[str, Any]:
    return {"taskId": "t", "model": MODEL, "state": "success", "resultJson": '{"resultUrls": []}', **fields}


def test_a_task_goes_through_its_states(box: Sandbox, kie: Kie) -> None:
    box.end_next(latency=0.4)
    states = [status.state for status in kie.submit(MODEL, "a cat").events()]
    assert states[-1] == "success"
    assert states == [state for state in ("waiting", "queuing", "generating", "success") if state in states]


def test_the_result_tells_what_was_paid(kie: Kie) -> None:
    result = kie.generate(MODEL, "a cat")
    assert (result.model, result.credits) == (MODEL, 4.0)
    assert result.seconds == pytest.approx(0.05, abs=0.01)
    assert result.data["resultUrls"] == list(result.urls)


def test_failure_carries_code_and_message(box: Sandbox, kie: Kie) -> None:
    box.end_next(fail_code="501", fail_message="the model is tired")
    with pytest.raises(TaskFailed, match="the model is tired") as caught:
        kie.generate(MODEL, "a cat")
    error = caught.value
    assert (error.fail_code, error.fail_message, error.charged) == ("501", "the model is tired", "maybe")
    assert error.task_id == box.tasks[0].id


@pytest.mark.parametrize(("consumed", "charged"), [(0, "no"), (4.0, "yes"), (None, "maybe")])
def test_failure_says_whether_credits_were_spent(
    box: Sandbox, kie: Kie, consumed: float | None, charged: str
) -> None:
    box.answer_next("recordInfo", code=200, data=record(state="fail", creditsConsumed=consumed))
    with pytest.raises(TaskFailed) as caught:
        kie.task("t").wait()
    assert caught.value.charged == charged


UNREADABLE: dict[str, Any] = {
    "no URLs": '{"resultUrls": []}',
    "no JSON": "not json {",
    "a list": "[1]",
    "missing": None,
    "empty": "",
    "URLs that are none": '{"resultUrls": [null, 5, "ftp://x/y"]}',
}


@pytest.mark.parametrize("result_json", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_success_without_a_result_keeps_what_came(box: Sandbox, kie: Kie, result_json: str | None) -> None:
    box.answer_next("recordInfo", code=200, data=record(resultJson=result_json))
    with pytest.raises(ResultUnreadable) as caught:
        kie.task("t").wait()
    assert (caught.value.raw, caught.value.charged) == (result_json or None, "yes")


def test_a_result_that_is_no_file(box: Sandbox, kie: Kie) -> None:
    box.end_next(result={"resultObject": {"text": "hello"}})
    result = kie.generate(MODEL, "a cat")
    assert (result.urls, result.data) == ((), {"resultObject": {"text": "hello"}})


def test_one_url_in_place_of_a_list(box: Sandbox, kie: Kie) -> None:
    box.end_next(result={"resultUrls": "http://127.0.0.1/1.png"})
    assert kie.generate(MODEL, "a cat").urls == ("http://127.0.0.1/1.png",)


PASSING: dict[str, dict[str, Any]] = {
    "an unknown state": {"code": 200, "data": record(state="dreaming")},
    "no state": {"code": 200, "data": record(state=None)},
    "HTTP 500": {"code": 500, "status": 500},
    "code 500": {"code": 500},
    "maintenance": {"code": 455},
    "429": {"code": 429},
    "HTML": {"status": 502, "body": "<html>"},
    "an empty body": {"body": ""},
    "data null": {"code": 200, "data": None, "json": {"code": 200, "msg": "ok", "data": None}},
    "a cut connection": {"cut": "before"},
    "not known yet": {"code": 422, "message": "recordInfo is null"},
    "not found yet": {"code": 404, "status": 404},
}


@pytest.mark.parametrize("answer", PASSING.values(), ids=PASSING.keys())
def test_what_passes_by_itself_is_waited_out(box: Sandbox, kie: Kie, answer: dict[str, Any]) -> None:
    task = kie.submit(MODEL, "a cat")
    box.answer_next("recordInfo", times=2, **answer)
    assert len(task.wait(deadline=10).urls) == 1


def test_a_refused_key_ends_the_wait(box: Sandbox, kie: Kie) -> None:
    task = kie.submit(MODEL, "a cat")
    box.answer_next("recordInfo", code=401)
    with pytest.raises(AuthenticationError) as caught:
        task.wait()
    assert (caught.value.task_id, caught.value.charged) == (task.id, "maybe")
    assert f"kie task wait {task.id}" in str(caught.value)


def test_a_failure_under_the_code_of_an_error_is_a_failure(box: Sandbox, kie: Kie) -> None:
    box.answer_next("recordInfo", code=501, data=record(state="fail", failMsg="tired"))
    with pytest.raises(TaskFailed, match="tired"):
        kie.task("t").wait()


def test_a_result_that_is_nested_beyond_reason(box: Sandbox, kie: Kie) -> None:
    box.answer_next("recordInfo", code=200, data=record(resultJson="[" * 100_000))
    with pytest.raises(ResultUnreadable):
        kie.task("t").wait()


def test_an_interruption_while_waiting_names_the_task(box: Sandbox, kie: Kie) -> None:
    box.end_next(latency=math.inf)
    task = kie.submit(MODEL, "a cat")

    def interrupt(event: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        task.wait(on_event=interrupt)
    assert task.id in caught.value.__notes__[0]


@pytest.mark.parametrize("task_id", ["", " ", None, 5])
def test_what_is_no_task_id(kie: Kie, task_id: Any) -> None:
    with pytest.raises(InvalidRequest, match="no task id"):
        kie.task(task_id)


def test_a_missed_deadline_carries_the_task_id(box: Sandbox, kie: Kie) -> None:
    box.end_next(latency=math.inf)
    with pytest.raises(TaskTimeout) as caught:
        kie.generate(MODEL, "a cat", deadline=0.3)
    error = caught.value
    assert error.task_id == box.tasks[0].id
    assert (error.charged, error.retryable) == ("yes", False)
    assert f"kie task wait {error.task_id}" in str(error)
    assert pickle.loads(pickle.dumps(error)).task_id == error.task_id


def test_a_missed_deadline_loses_nothing(box: Sandbox, kie: Kie) -> None:
    box.end_next(latency=0.5)
    task = kie.submit(MODEL, "a cat")
    with pytest.raises(TaskTimeout):
        task.wait(deadline=0.1)
    assert kie.task(task.id).wait(deadline=10).task_id == task.id


def test_a_missed_deadline_says_what_went_wrong_last(box: Sandbox, kie: Kie) -> None:
    task = kie.submit(MODEL, "a cat")
    box.answer_next("recordInfo", code=455, message="back at noon", times=1000)
    with pytest.raises(TaskTimeout, match="back at noon"):
        task.wait(deadline=0.2)


def test_an_unknown_task_is_given_up_after_a_while(kie: Kie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.flows.look._GRACE_TAKEN_UP", 0.1)
    with pytest.raises(NotFound, match="Check the id"):
        kie.task("task_mistyped").wait()


def test_a_submitted_task_that_stays_unknown_may_have_been_paid(
    kie: Kie, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.look.GRACE_FRESH", 0.1)
    box.answer_next("recordInfo", code=422, message="recordInfo is null", times=99)
    with pytest.raises(NotFound) as caught:
        kie.generate(MODEL, "a cat")
    assert (caught.value.charged, caught.value.task_id) == ("maybe", box.tasks[0].id)


def test_a_status_of_an_unknown_task_says_so_at_once(kie: Kie) -> None:
    with pytest.raises(NotFound):
        kie.task("task_mistyped").status()


def test_a_fresh_task_may_be_unknown_for_a_while(open_kie: Callable[..., Kie]) -> None:
    with Sandbox(latency=0.05, visible_after=0.4, image_scale=0.1) as box:
        kie = open_kie(base_url=box.url, upload_url=box.url, poll_interval=0.1)
        assert kie.generate(MODEL, "a cat").urls


def test_events_tell_of_each_change_once(box: Sandbox, kie: Kie) -> None:
    events: list[Event] = []
    kie.generate(MODEL, "a cat", on_event=events.append)
    states = [event.status.state for event in events if event.status is not None]
    assert len(states) == len(set(states))
    assert [event.kind for event in events[:2]] == ["submitting", "submitted"]


@pytest.mark.parametrize("kept", [True, False], ids=["with a ledger", "without"])
def test_how_long_tasks_take_is_known_to_the_next_client_of_the_ledger(
    open_kie: Callable[..., Kie], tmp_path: Path, kept: bool
) -> None:
    ledger = tmp_path / "ledger.sqlite3" if kept else None
    open_kie(ledger=ledger).generate(MODEL, "a cat")
    kie = open_kie(ledger=ledger)
    kie.submit(MODEL, "a dog").wait()
    learned = kie._calls.session.polling.durations
    assert len(learned._samples[MODEL]) == (2 if kept else 1)


def test_a_job_whose_end_somebody_else_wrote_down_is_let_go(open_kie: Callable[..., Kie]) -> None:
    kie = open_kie(ledger=True)
    ledger = kie.ledger
    assert ledger is not None

    def take_the_callback(event: Event) -> None:
        if event.kind == "submitted" and event.job_id is not None:
            ledger.move(event.job_id, State.SUCCEEDED)

    kie.generate(MODEL, "a cat", on_event=take_the_callback)
    (job,) = ledger.jobs()
    assert (job.state, job.owner) == (State.SUCCEEDED, None)


def test_a_limit_that_cannot_be_shared_any_more_ends_no_wait(
    open_kie: Callable[..., Kie], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    kie = open_kie(ledger=ledger)
    tasks = [kie.submit(MODEL, "a cat") for _ in range(3)]
    ledger.close()
    (tmp_path / "ledger.sqlite3.limits").write_bytes(b"restored from the wrong tape" * 1000)
    with caplog.at_level(logging.WARNING):
        ended = [task.wait().task_id for task in tasks]
    assert ended == [task.id for task in tasks]
    assert [f"{tmp_path}/ledger.sqlite3.limits, in which" in line for line in caplog.messages] == [True]
