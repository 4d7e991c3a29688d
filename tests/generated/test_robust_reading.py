"""Generated code reads whatever kie.ai answers: it never raises, and it loses nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given, settings, strategies as st
from kie_generated.jobs import get_credits, get_task
from kie_generated.nano_banana_pro import create_task
from kie_generated.types import UNSET

from tests.generated.conftest import endpoints

STATUSES = [200, 404, 455, 505, 599]


def answer(content: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=json.dumps(content).encode())


@pytest.mark.parametrize("status", STATUSES)
def test_body_is_read_whatever_the_status(endpoint: Any, status: int) -> None:
    assert endpoint.parse(answer({"code": 433, "msg": "cap"}, status)).msg == "cap"


@pytest.mark.parametrize("code", [200, 433, 999999, -1, None, "422"])
def test_code_is_read_as_it_is(endpoint: Any, code: Any) -> None:
    assert endpoint.parse(answer({"code": code})).code == code


UNREADABLE = {
    "empty": b"",
    "white-space": b" \n",
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "text": b"error code: 1015",
    "cut-off": b'{"code": 200, "data": {"taskId": "a',
    "invalid-utf-8": b'{"msg": "\xff\xfe\xff"}',
    "utf-16-surrogate": b"\xff\xfe\x00\xd8",
    "nul": b"\x00" * 8,
    "list": b"[1, 2]",
    "number": b"17",
    "text-in-json": b'"busy"',
    "true": b"true",
    "null": b"null",
    "very-deep-list": b"[" * 100_000,
    "very-deep-object": b'{"data":' * 100_000,
    "very-long-number": b"1" * 10_000,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_body_that_is_no_object_is_none(endpoint: Any, content: bytes) -> None:
    assert endpoint.parse(httpx.Response(502, content=content)) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'\xef\xbb\xbf{"msg": "ok"}', id="byte-order-mark"),
        pytest.param('{"msg": "ok"}'.encode("utf-16"), id="utf-16"),
        pytest.param(b'{"code": NaN, "msg": "ok"}', id="nan"),
        pytest.param(b'{"msg": "no", "msg": "ok"}', id="key-twice"),
    ],
)
def test_odd_json_is_read(endpoint: Any, content: bytes) -> None:
    assert endpoint.parse(httpx.Response(200, content=content)).msg == "ok"


@pytest.mark.parametrize("data", [None, [], ["a"], "text", 5, True], ids=repr)
def test_data_of_another_kind_is_kept(endpoint: Any, data: Any) -> None:
    assert endpoint.parse(answer({"code": 200, "data": data})).data == data


def test_missing_data_is_unset(endpoint: Any) -> None:
    assert endpoint.parse(answer({"code": 200})).data is UNSET


def test_empty_object_is_read(endpoint: Any) -> None:
    assert endpoint.parse(answer({})).code is UNSET


def test_extra_field_of_the_envelope_is_kept(endpoint: Any) -> None:
    assert endpoint.parse(answer({"code": 200, "traceId": {"a": [1]}})).additional_properties == {
        "traceId": {"a": [1]}
    }


@pytest.mark.parametrize(
    ("data", "extra"),
    [
        pytest.param({"taskId": "t1", "recordId": "r1"}, {"recordId": "r1"}, id="record-id"),
        pytest.param({"taskId": "t1", "more": {"a": None}}, {"more": {"a": None}}, id="nested"),
        pytest.param(
            {"taskId": "t1", "additional_properties": 1}, {"additional_properties": 1}, id="our-own-name"
        ),
        pytest.param({"taskId": "t1", "self": 1, "cls": 2}, {"self": 1, "cls": 2}, id="names-of-python"),
    ],
)
def test_extra_fields_of_the_data_are_kept(data: dict[str, Any], extra: dict[str, Any]) -> None:
    parsed = create_task.parse(answer({"code": 200, "data": data}))
    assert getattr(parsed and parsed.data, "additional_properties", None) == extra


@pytest.mark.parametrize("task_id", ["task_1", "", None, 17])
def test_task_id_is_read_as_it_is(task_id: Any) -> None:
    parsed = create_task.parse(answer({"code": 200, "data": {"taskId": task_id}}))
    assert getattr(parsed and parsed.data, "task_id", UNSET) == task_id


@pytest.mark.parametrize(
    ("key", "attribute", "value"),
    [
        ("state", "state", "paused"),
        ("state", "state", None),
        ("state", "state", 3),
        ("resultJson", "result_json", '{"resultUrls": []}'),
        ("resultJson", "result_json", {"resultUrls": []}),
        ("param", "param", None),
        ("failCode", "fail_code", 501),
        ("costTime", "cost_time", "12"),
        ("completeTime", "complete_time", None),
        ("progress", "progress", "50%"),
        ("creditsConsumed", "credits_consumed", 3.5),
        ("creditsConsumed", "credits_consumed", {"total": 1}),
    ],
)
def test_record_is_read_as_it_is(key: str, attribute: str, value: Any) -> None:
    parsed = get_task.parse(answer({"code": 200, "data": {key: value}}))
    assert getattr(parsed and parsed.data, attribute, UNSET) == value


def test_record_without_fields_is_unset() -> None:
    parsed = get_task.parse(answer({"code": 200, "data": {}}))
    assert getattr(parsed and parsed.data, "state", None) is UNSET


@pytest.mark.parametrize("balance", [100, 99.5, 0, -1, "12", None])
def test_balance_is_read_as_it_is(balance: Any) -> None:
    parsed = get_credits.parse(answer({"code": 200, "data": balance}))
    assert parsed is not None
    assert parsed.data == balance


@pytest.mark.parametrize(
    "body",
    [
        {"code": None, "msg": None, "data": None},
        {"code": 433, "data": {"taskId": None, "recordId": "r"}},
        {"data": {"state": "paused", "x": {"y": [None]}}, "z": 1},
        {"data": [{"taskId": "a"}]},
        {},
    ],
    ids=json.dumps,
)
def test_what_was_read_can_be_written_again(endpoint: Any, body: dict[str, Any]) -> None:
    assert endpoint.parse(answer(body)).to_dict() == body


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(["taskId", "state", "resultJson", "fileName", "downloadUrl", "progress", "other"])
envelopes = st.fixed_dictionaries(
    {},
    optional={"code": values, "msg": values, "success": values, "data": values | st.dictionaries(fields, values)},
)


def misread(response: httpx.Response, *, is_object: bool) -> list[str]:
    """Return the endpoints that read an object as none, or something else as one."""
    return [each.__name__ for each in endpoints() if (each.parse(response) is not None) is not is_object]


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(body=values | envelopes)
def test_any_json_is_read(body: Any) -> None:
    assert misread(answer(body), is_object=isinstance(body, dict)) == []


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(body=st.binary(max_size=40), status=st.integers(100, 599))
def test_any_bytes_are_read(body: bytes, status: int) -> None:
    response = httpx.Response(status, content=body)
    for endpoint in endpoints():
        endpoint.parse(response)
