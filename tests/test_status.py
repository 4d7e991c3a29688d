"""The state of a task, however its record is filled."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import pytest
from kie_generated.jobs.models.task_record import TaskRecord

from kie_registry import TaskStatus

FULL: dict[str, Any] = {
    "taskId": "t1",
    "model": "nano-banana-pro",
    "state": "success",
    "param": "{}",
    "resultJson": '{"resultUrls": ["https://a.b/c.png"]}',
    "failCode": "",
    "failMsg": "",
    "costTime": 8,
    "createTime": 1_700_000_000_000,
    "completeTime": 1_700_000_008_500,
    "progress": 40,
    "creditsConsumed": 18.0,
}
NO_VALUES: list[Any] = [None, "", [], {}, True, False, "words", math.nan, math.inf, -math.inf, 10**400, "nan"]


def utc(*parts: int) -> datetime.datetime:
    return datetime.datetime(*parts, tzinfo=datetime.UTC)  # type: ignore[arg-type, misc]


def read(**changes: Any) -> TaskStatus:
    return TaskStatus.from_record("t1", {**FULL, **changes})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task_id", "t1"),
        ("model", "nano-banana-pro"),
        ("state", "success"),
        ("progress", 0.4),
        ("created_at", utc(2023, 11, 14, 22, 13, 20)),
        ("completed_at", utc(2023, 11, 14, 22, 13, 28, 500_000)),
        ("seconds", 8.5),
        ("fail_code", None),
        ("fail_message", None),
        ("credits", 18.0),
        ("result_json", FULL["resultJson"]),
        ("raw", FULL),
    ],
)
def test_a_full_record_is_read(field: str, value: Any) -> None:
    assert getattr(read(), field) == value


@pytest.mark.parametrize("record", [{}, dict.fromkeys(FULL), {"unknown": 1}], ids=["empty", "nulls", "unknown"])
def test_a_record_that_says_nothing_is_an_unknown_state(record: dict[str, Any]) -> None:
    assert TaskStatus.from_record("t1", record) == TaskStatus("t1", None, "unknown", raw=record)


@pytest.mark.parametrize("record", [FULL, {}, dict.fromkeys(FULL)], ids=["full", "empty", "nulls"])
def test_the_generated_client_hands_over_what_came(record: dict[str, Any]) -> None:
    assert TaskStatus.from_record("t1", TaskRecord.from_dict(record).to_dict()).raw == record


@pytest.mark.parametrize("value", NO_VALUES, ids=lambda value: f"{value!r:.20}")
@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("progress", "progress"),
        ("creditsConsumed", "credits"),
        ("createTime", "created_at"),
        ("completeTime", "completed_at"),
    ],
)
def test_what_is_no_number_is_none(key: str, field: str, value: Any) -> None:
    assert getattr(read(**{key: value}), field) is None


@pytest.mark.parametrize(
    ("progress", "expected"),
    [(0, 0.0), (40, 0.4), (100, 1.0), ("40", 0.4), (12.5, 0.125), (-5, 0.0), (250, 1.0), (1e300, 1.0)],
)
def test_progress_is_from_zero_to_one(progress: Any, expected: float) -> None:
    assert read(progress=progress).progress == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (1_700_000_000_000, utc(2023, 11, 14, 22, 13, 20)),
        ("1700000000000", utc(2023, 11, 14, 22, 13, 20)),
        (1_700_000_000_000.0, utc(2023, 11, 14, 22, 13, 20)),
        (0, None),
        (1e300, None),
    ],
)
def test_times_are_aware_moments(milliseconds: Any, expected: datetime.datetime | None) -> None:
    assert read(createTime=milliseconds).created_at == expected


@pytest.mark.parametrize("missing", ["createTime", "completeTime"])
def test_the_duration_needs_both_times(missing: str) -> None:
    assert read(**{missing: None}).seconds is None


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ("waiting", False),
        ("queuing", False),
        ("generating", False),
        ("success", True),
        ("fail", True),
        ("paused", False),
        (None, False),
        (5, False),
    ],
)
def test_only_success_and_fail_are_the_end(state: Any, done: bool) -> None:
    assert read(state=state).done is done


@pytest.mark.parametrize(
    ("key", "field"), [("failCode", "fail_code"), ("failMsg", "fail_message"), ("model", "model")]
)
@pytest.mark.parametrize(("value", "expected"), [("501", "501"), (501, "501"), (None, None), ("", None)])
def test_words_are_text_or_none(key: str, field: str, value: Any, expected: str | None) -> None:
    assert getattr(read(**{key: value}), field) == expected


@pytest.mark.parametrize(
    ("key", "field", "limit"),
    [
        ("failCode", "fail_code", 200),
        ("failMsg", "fail_message", 2_000),
        ("model", "model", 200),
        ("state", "state", 200),
    ],
)
def test_words_that_nobody_would_read_to_the_end_are_cut(key: str, field: str, limit: int) -> None:
    status = read(**{key: "x" * 9_999})
    assert (getattr(status, field), status.raw[key]) == ("x" * (limit - 1) + "…", "x" * 9_999)


def test_a_result_is_not() -> None:
    assert read(resultJson="x" * 9_999).result_json == "x" * 9_999


def test_a_result_that_is_no_string_but_the_object_itself_stays_json() -> None:
    result = {"resultUrls": ["https://a.b/c.png"]}
    assert json.loads(read(resultJson=result).result_json or "") == result


@pytest.mark.parametrize("hidden", ["resultUrls", "costTime"])
def test_the_text_of_a_status_is_short(hidden: str) -> None:
    assert hidden not in repr(read())
