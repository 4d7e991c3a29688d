"""Log records: one for each step of a call, with ids that a formatter for JSON can write."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kie_registry import Event, Kie, TaskStatus
from kie_registry.events import notify
from kie_registry.sandbox import Sandbox

FIELDS = ("kind", "model", "job_id", "attempt_id", "task_id", "state", "credits")
IDS: dict[str, Any] = {"model": "m", "job_id": "job", "attempt_id": "job-1"}
RUNNING = TaskStatus("task", "m", "generating")
ENDED = TaskStatus("task", "m", "success", credits=4.0)
FAILED = TaskStatus("task", "m", "fail", fail_code="500")

STEPS = {
    "upload": (Event("upload", "uploading", **IDS), logging.INFO, (None, None, None)),
    "submitting": (Event("submitting", "submitting", **IDS), logging.INFO, (None, None, None)),
    "submitted": (Event("submitted", "submitted", "task", **IDS), logging.INFO, ("task", None, None)),
    "limited": (Event("limited", "429", **IDS), logging.INFO, (None, None, None)),
    "retry": (Event("retry", "again", **IDS), logging.INFO, (None, None, None)),
    "running": (Event("status", "goes on", "task", RUNNING, **IDS), logging.DEBUG, ("task", "generating", None)),
    "success": (Event("status", "ended", "task", ENDED, **IDS), logging.INFO, ("task", "success", 4.0)),
    "fail": (Event("status", "ended", "task", FAILED, **IDS), logging.INFO, ("task", "fail", None)),
}


class Kept(logging.Handler):
    """Keeps every record."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What our logger says, at every level."""
    logger, handler = logging.getLogger("kie_registry"), Kept()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler.records
    logger.setLevel(level)
    logger.removeHandler(handler)


def fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: vars(record)[name] for name in FIELDS}


@pytest.mark.parametrize(("event", "level", "rest"), STEPS.values(), ids=STEPS)
def test_a_step_is_one_record_with_its_ids(
    records: list[logging.LogRecord], event: Event, level: int, rest: tuple[object, ...]
) -> None:
    notify(None, event)
    (record,) = records
    values = (event.kind, "m", "job", "job-1", *rest)
    assert (record.levelno, fields(record)) == (level, dict(zip(FIELDS, values, strict=True)))


def test_a_step_says_its_kind_and_message(records: list[logging.LogRecord]) -> None:
    notify(None, Event("submitted", "task t is 100 % submitted", "t"))
    assert [record.getMessage() for record in records] == ["submitted: task t is 100 % submitted"]


def test_what_is_not_known_is_none(records: list[logging.LogRecord]) -> None:
    notify(None, Event("retry", "again"))
    assert fields(records[0]) == dict.fromkeys(FIELDS) | {"kind": "retry"}


def test_the_model_is_taken_from_the_status(records: list[logging.LogRecord]) -> None:
    notify(None, Event("status", "ended", "task", ENDED))
    assert vars(records[0])["model"] == "m"


def test_an_event_is_made_as_before() -> None:
    assert Event("status", "ended", "task", ENDED).job_id is None


def test_a_listener_that_fails_is_logged_with_the_ids(records: list[logging.LogRecord]) -> None:
    def fail(event: Event) -> None:
        raise ValueError

    notify(fail, Event("submitted", "submitted", "task", **IDS))
    step, failure = records
    assert fields(failure) == fields(step) | {"kind": "listener"}
    assert (failure.levelno, failure.exc_info is not None) == (logging.ERROR, True)


@pytest.fixture
def refusing_factory() -> Iterator[None]:
    """A program whose own records have a ``job_id``, which logging refuses to replace."""
    usual = logging.getLogRecordFactory()

    def make(*arguments: Any, **more: Any) -> logging.LogRecord:
        record = usual(*arguments, **more)
        record.job_id = "its own"
        return record

    logging.setLogRecordFactory(make)
    yield
    logging.setLogRecordFactory(usual)


@pytest.mark.usefixtures("refusing_factory", "records")
@pytest.mark.parametrize("shown", [True, False])
def test_logging_that_fails_stops_nothing_and_is_shown_as_logging_does(
    shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", shown)
    told: list[Event] = []
    notify(told.append, Event("submitted", "submitted", "task"))
    assert (len(told), "overwrite 'job_id'" in capsys.readouterr().err) == (1, shown)


def as_json(records: list[logging.LogRecord]) -> list[dict[str, Any]]:
    """Write and read again what a handler at INFO, with a formatter for JSON, gets of calls."""
    steps = [record for record in records if record.levelno >= logging.INFO]
    return [json.loads(json.dumps(fields(record) | {"text": record.getMessage()})) for record in steps]


def test_a_call_is_a_few_lines_of_json(kie: Kie, records: list[logging.LogRecord]) -> None:
    result = kie.generate("nano-banana-pro", "a cat")
    found = as_json(records)
    assert [each["kind"] for each in found] == ["submitting", "submitted", "status"]
    assert [each["task_id"] for each in found] == [None, result.task_id, result.task_id]
    assert {each["model"] for each in found} == {"nano-banana-pro"}
    assert (found[-1]["state"], found[-1]["credits"]) == ("success", result.credits)


def test_the_lines_of_a_call_bear_the_id_of_its_job(kie: Kie, records: list[logging.LogRecord]) -> None:
    kie.generate("nano-banana-pro", "a cat")
    kie.generate("nano-banana-pro", "a cat")
    jobs = [each["job_id"] for each in as_json(records)]
    assert (jobs[0] is not None, jobs, len(set(jobs))) == (True, [jobs[0]] * 3 + [jobs[3]] * 3, 2)


def test_a_submission_that_is_tried_again_is_told_by_its_attempt(
    box: Sandbox, open_kie: Callable[..., Kie], records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.create._LIMIT_PAUSES", (0.0,))
    box.answer_next("/jobs/createTask", status=429)
    open_kie().submit("nano-banana-pro", "a cat")
    found = as_json(records)
    attempts = [each["attempt_id"] for each in found]
    assert [each["kind"] for each in found] == ["submitting", "limited", "submitting", "submitted"]
    assert (attempts[0] == attempts[1], attempts[2] == attempts[3], attempts[0] == attempts[2]) == (
        True,
        True,
        False,
    )


def test_neither_prompt_nor_key_is_in_any_record(box: Sandbox, kie: Kie, records: list[logging.LogRecord]) -> None:
    kie.generate("nano-banana-pro", "a very private wish")
    told = "".join(f"{record.getMessage()} {vars(record)}" for record in records)
    assert [word for word in ("a very private wish", box.key) if word in told] == []
