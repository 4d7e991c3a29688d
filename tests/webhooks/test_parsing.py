"""What a callback says, and what is none."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings

from kie_registry import InvalidRequest
from kie_registry.webhooks import parse
from tests.json_texts import damaged, texts

RECORD = {"taskId": "t1", "state": "fail", "failMsg": "tired"}


def body(content: Any) -> bytes:
    return json.dumps(content).encode()


def test_a_callback() -> None:
    callback = parse(body({"code": 501, "msg": "tired", "data": RECORD}))
    assert (callback.task_id, callback.code, callback.message) == ("t1", 501, "tired")
    assert callback.status is not None
    assert (callback.status.state, callback.status.fail_message) == ("fail", "tired")
    assert callback.raw["data"] == RECORD


@pytest.mark.parametrize(
    ("content", "task_id"),
    [
        ({"data": {"taskId": "a"}}, "a"),
        ({"data": {"task_id": "a"}}, "a"),
        ({"data": {"taskId": "a", "task_id": "b"}, "taskId": "c"}, "a"),
        ({"data": {"task_id": "b"}, "taskId": "c"}, "b"),
        ({"taskId": "c", "task_id": "d"}, "c"),
        ({"task_id": "d", "data": None}, "d"),
        ({"task_id": "d", "data": ["e"]}, "d"),
        ({"task_id": "d", "data": "e"}, "d"),
        ({"data": {"taskId": 17}}, "17"),
        ({"data": {"taskId": None, "task_id": 0}}, "0"),
    ],
)
def test_where_the_task_id_may_stand(content: Any, task_id: str) -> None:
    assert parse(body(content)).task_id == task_id


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        ({"taskId": "t"}, None, ""),
        ({"taskId": "t", "code": True, "msg": 5}, None, ""),
        ({"taskId": "t", "code": "200", "msg": None}, None, ""),
    ],
)
def test_what_is_missing_or_odd_is_none(content: Any, code: int | None, message: str) -> None:
    callback = parse(body(content))
    assert (callback.code, callback.message, callback.status) == (code, message, None)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (b"", "no JSON"),
        (b'{"data": {"taskId": "t"', "cut short"),
        (b"<html>", "no JSON"),
        (b"\xff\xfe{", "UTF-8"),
        (b"\x80", "UTF-8"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'"t"', "no JSON object"),
        (b"{}", "names no task"),
        (b'{"data": {"taskId": null}}', "names no task"),
        (b'{"data": {"taskId": true}}', "names no task"),
        (b'{"data": {"taskId": 1.5}}', "names no task"),
        (b'{"data": {"taskId": ["t"]}}', "names no task"),
        (b'{"data": {"taskId": ""}}', "no task id"),
        (b'{"data": {"taskId": "  "}}', "no task id"),
        (b'{"data": {"taskId": "a\\nb"}}', "no task id"),
        (b'{"data": {"taskId": "\\ud800"}}', "no task id"),
        (b'{"data": {"taskId": "' + b"x" * 257 + b'"}}', "no task id"),
        (b'{"taskId": ' + b"9" * 5000 + b"}", "too many digits"),
        (b"[" * 100_000, "too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_callback(content: bytes, wrong: str) -> None:
    with pytest.raises(InvalidRequest, match=wrong):
        parse(content)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, [[]], {"a": {}}, "9" * 400, -1, True])
def test_a_record_of_odd_values_is_read(value: Any) -> None:
    fields = ("model", "param", "resultJson", "failCode", "failMsg", "createTime", "completeTime", "progress")
    record = {"taskId": "t", "state": "success", "creditsConsumed": value, **dict.fromkeys(fields, value)}
    status = parse(body({"data": record})).status
    assert status is not None
    assert status.done


NAMES = ("taskId", "task_id", "data", "code", "msg", "state", "resultJson", "createTime", "progress")


@given(damaged(texts(*NAMES)))
@settings(max_examples=100, deadline=None, database=None)
def test_whatever_comes_is_a_callback_or_none(content: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        assert parse(content).task_id.isprintable()
