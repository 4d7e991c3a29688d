"""What an answer means: the code of the envelope, or the HTTP status, whichever tells of an error."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from kie_generated.jobs import get_task
from kie_generated.jobs.models.task_record import TaskRecord

from kie_registry.answers import OK, RATE_LIMITED, REFUSALS, Answer, read_answer
from kie_registry.errors import (
    ApiError,
    AuthenticationError,
    InsufficientCredits,
    Maintenance,
    NotFound,
    RateLimited,
    RequestRejected,
    ServerError,
)
from kie_registry.secret import Secret

KINDS: list[tuple[int, type[ApiError], bool]] = [
    (400, RequestRejected, False),
    (401, AuthenticationError, False),
    (402, InsufficientCredits, False),
    (404, NotFound, False),
    (405, RequestRejected, False),
    (408, ServerError, True),
    (409, RequestRejected, False),
    (413, RequestRejected, False),
    (422, RequestRejected, False),
    (429, RateLimited, True),
    (430, ServerError, True),
    (433, RateLimited, False),
    (451, RequestRejected, False),
    (455, Maintenance, True),
    (500, ServerError, True),
    (501, ServerError, True),
    (505, Maintenance, True),
    (531, ServerError, True),
    (550, ServerError, True),
    (599, ServerError, True),
]


def answer(status: int, body: Any) -> Answer:
    """Read an answer with `body`: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(status, content=content)
    return read_answer(response, get_task.parse(response))


@pytest.mark.parametrize(("code", "kind", "retryable"), KINDS, ids=[str(code) for code, _, _ in KINDS])
class TestEachCode:
    def test_as_an_envelope_in_http_200(self, code: int, kind: type[ApiError], retryable: bool) -> None:
        error = answer(200, {"code": code, "msg": "said"}).error("reading")
        assert (type(error), error.code, error.status, error.retryable) == (kind, code, 200, retryable)

    def test_as_an_http_status_with_an_envelope(self, code: int, kind: type[ApiError], retryable: bool) -> None:
        error = answer(code, {"code": code, "msg": "said"}).error("reading")
        assert (type(error), error.code, error.status, error.retryable) == (kind, code, code, retryable)

    def test_as_an_http_status_alone(self, code: int, kind: type[ApiError], retryable: bool) -> None:
        error = answer(code, b"").error("reading")
        assert (type(error), error.code, error.status, error.retryable) == (kind, code, code, retryable)

    def test_as_an_http_status_around_a_good_envelope(
        self, code: int, kind: type[ApiError], retryable: bool
    ) -> None:
        error = answer(code, {"code": 200, "data": None}).error("reading")
        assert (type(error), error.code, error.retryable) == (kind, code, retryable)

    def test_is_not_ok(self, code: int, kind: type[ApiError], retryable: bool) -> None:
        assert not answer(200, {"code": code}).ok


def test_what_certainly_created_nothing() -> None:
    assert sorted(REFUSALS) == [400, 401, 402, 404, 405, 409, 413, 422, 433, 451, 455, 505]


def test_a_rate_limit_is_no_refusal_because_it_is_repeated() -> None:
    assert RATE_LIMITED not in REFUSALS


@pytest.mark.parametrize(
    ("status", "code", "counts"),
    [(200, 200, 200), (201, 200, 200), (200, 401, 401), (500, 401, 401), (404, 200, 404), (302, 200, 200)],
)
def test_the_one_that_tells_of_an_error_counts(status: int, code: int, counts: int) -> None:
    assert answer(status, {"code": code}).code == counts


@pytest.mark.parametrize(
    ("code", "read"),
    [
        (200, 200),
        ("200", 200),
        (200.0, 200),
        ("401", 401),
        (True, None),
        (False, None),
        (None, None),
        ("", None),
        ("ok", None),
        ([], None),
        ({}, None),
        (10**400, 10**400),
        (-1, -1),
    ],
    ids=lambda value: f"{value!r:.20}",
)
def test_a_code_is_an_integer_in_any_form(code: Any, read: int | None) -> None:
    assert answer(200, {"code": code}).envelope_code == read


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999"])
def test_a_code_that_is_no_number_is_none(number: bytes) -> None:
    assert answer(200, b'{"code": ' + number + b"}").envelope_code is None


@pytest.mark.parametrize(
    ("body", "beginning"),
    [
        (b"<html>\n  <h1>502 Bad Gateway</h1>", "<html> <h1>502 Bad Gateway</h1>"),
        (b"", ""),
        (b"[]", "[]"),
        (b"null", "null"),
        (b'"words"', '"words"'),
        (b"{", "{"),
        (b'{"msg": "no code"}', '{"msg": "no code"}'),
    ],
    ids=repr,
)
@pytest.mark.parametrize("status", [200, 502])
class TestABodyThatIsNoEnvelope:
    def test_is_none(self, status: int, body: bytes, beginning: str) -> None:
        read = answer(status, body)
        assert (read.enveloped, read.ok, read.code, read.data) == (False, False, status, None)

    def test_is_quoted(self, status: int, body: bytes, beginning: str) -> None:
        assert answer(status, body).message == beginning

    def test_is_a_server_error(self, status: int, body: bytes, beginning: str) -> None:
        error = answer(status, body).error("reading")
        assert (type(error), error.code, error.status) == (ServerError, status, status)


def test_a_long_body_is_quoted_in_short() -> None:
    assert len(answer(502, b"x" * 100_000).message) <= 120


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x80" * 500, "ü".encode("latin-1")], ids=repr)
def test_a_body_that_is_no_text_is_no_envelope(body: bytes) -> None:
    assert not answer(200, body).enveloped


@pytest.mark.parametrize(
    ("msg", "message"), [("said", "said"), ("", ""), (None, ""), (5, ""), ({"a": 1}, "")], ids=repr
)
def test_kie_ais_words_are_text(msg: Any, message: str) -> None:
    assert answer(200, {"code": 500, "msg": msg}).message == message


@pytest.mark.parametrize("data", [None, {}, [], "", 0], ids=repr)
def test_empty_data_is_read_without_failing(data: Any) -> None:
    assert answer(200, {"code": 200, "msg": "ok", "data": data}).ok


def test_data_is_what_the_generated_client_made_of_it() -> None:
    data = answer(200, {"code": 200, "data": {"taskId": "t1", "new": 1}}).data
    assert isinstance(data, TaskRecord)
    assert data.to_dict() == {"taskId": "t1", "new": 1}


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (200, {"code": 402, "msg": "no money"}, "there are not enough credits; `kie credits` shows the balance"),
        (200, {"code": 402, "msg": "no money"}, "(code 402, in kie.ai's words: no money)"),
        (200, {"code": 402}, "(code 402)"),
        (200, {"code": 777}, "kie.ai answers with an unknown code"),
        (200, b"<html>", "the answer is not what kie.ai documents"),
        (200, {"code": 401}, "reading task t1: the API key is not accepted"),
    ],
)
def test_the_message_says_what_was_attempted_and_what_came(status: int, body: Any, part: str) -> None:
    assert part in str(answer(status, body).error("reading task t1"))


def test_an_error_takes_further_fields() -> None:
    error = answer(200, {"code": 500, "msg": "said"}).error("reading", task_id="t1", retryable=False)
    assert (error.task_id, error.retryable, error.server_message, OK) == ("t1", False, "said", 200)


KEY = "0a/b1c2d3e4f5-KEY"
ESCAPED = "".join(f"\\u{ord(character):04X}" for character in KEY)
MARKED = {"taskId": "t1", "failMsg": "bad key [the key]!"}


def cleaned(body: Any, key: str = KEY) -> Answer:
    """Read an answer of a server that may have sent the key back."""
    response = httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())
    return read_answer(response, get_task.parse(response), secret=Secret(key))


def failed(words: str) -> bytes:
    """Return the body of a task's record with these words, which stand in JSON as they are."""
    return b'{"code": 200, "msg": "ok", "data": {"taskId": "t1", "failMsg": "' + words.encode() + b'"}}'


@pytest.mark.parametrize(
    "body",
    [
        failed(f"bad key {KEY}!"),
        failed(f"bad key {ESCAPED}!"),
        failed(f"bad key {ESCAPED.lower()}!"),
        failed(f"bad key {ESCAPED[:6]}{KEY[1:]}!"),
        failed("bad key {}!".format(KEY.replace("/", "\\/"))),
        failed(f"bad key {KEY}!").decode().encode("utf-16"),
        failed(f"bad key {KEY}!").decode().encode("utf-32-le"),
    ],
    ids=[
        "as it is",
        "escaped",
        "in small letters",
        "escaped in part",
        "with its slash escaped",
        "utf-16",
        "utf-32",
    ],
)
def test_the_key_is_cut_out_of_the_data(body: bytes) -> None:
    assert cleaned(body).data.to_dict() == MARKED


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_key_is_cut_out_of_json_within_json(levels: int) -> None:
    text = f'"{ESCAPED}"'
    for _ in range(levels):
        text = json.dumps({"resultJson": text})
    data = cleaned(b'{"code": 200, "data": ' + text.encode() + b"}").data.to_dict()
    for _ in range(levels):
        data = json.loads(data["resultJson"])
    assert data == "[the key]"


@pytest.mark.parametrize("at_any_depth", [{"a": [{"b": KEY}]}, {KEY: 1}, [[KEY]]])
def test_the_key_is_cut_out_at_any_depth(at_any_depth: Any) -> None:
    data = cleaned({"code": 200, "data": {"new": at_any_depth}}).data
    assert KEY not in repr(data)


@pytest.mark.parametrize("words", ["caf\\u00e9 \\/ \\u0030", "C:\\\\new", "0a/b1c2d3e4f5-ke"])
def test_what_is_not_the_key_stays_as_it_is(words: str) -> None:
    assert cleaned(failed(words)).data.fail_msg == json.loads(f'"{words}"')


def test_a_text_too_short_for_a_key_of_kie_ai_may_stand_in_data_by_chance() -> None:
    assert cleaned(failed("msg"), "msg").data.fail_msg == "msg"


@pytest.mark.parametrize(
    "body", [b'{"code": 200, "data": {"taskId": 12345678901}}', b"[1234567890" * 500], ids=["a number", "too deep"]
)
def test_a_body_that_is_no_json_without_the_key_is_no_envelope(body: bytes) -> None:
    assert not cleaned(body, "1234567890").enveloped


@pytest.mark.timeout(10)
@pytest.mark.parametrize("repeated", ["\\\\", "\\u0030", "0", "\\/"], ids=repr)
def test_a_large_body_that_is_like_a_key_takes_no_time(repeated: str) -> None:
    words = repeated * (1_000_000 // len(repeated)) + "\\u0030"
    assert cleaned(failed(words)).data.fail_msg == json.loads(f'"{words}"')
