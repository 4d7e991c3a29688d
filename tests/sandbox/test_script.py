"""Answers as told: errors, broken connections, delays."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import Asker, Serve, until

CREDIT = "/api/v1/chat/credit"
CREATE = "createTask"


@pytest.mark.parametrize(
    ("answer", "status", "text"),
    [
        ({"code": 500}, 200, '{"code": 500, "msg": "scripted", "data": null}'),
        ({"code": 455, "message": "closed", "status": 455}, 455, '{"code": 455, "msg": "closed", "data": null}'),
        ({"status": 503}, 503, '{"code": 503, "msg": "scripted", "data": null}'),
        ({"code": 200, "data": 5}, 200, '{"code": 200, "msg": "scripted", "data": 5}'),
        ({"code": 200}, 200, '{"code": 200, "msg": "scripted", "data": null}'),
        ({"json": {"code": 200}}, 200, '{"code": 200}'),
        ({"json": [1]}, 200, "[1]"),
        ({"status": 502, "body": "<h1>Bad Gateway</h1>"}, 502, "<h1>Bad Gateway</h1>"),
        ({"body": ""}, 200, ""),
    ],
    ids=str,
)
def test_an_answer_as_told(ask: Asker, answer: dict[str, Any], status: int, text: str) -> None:
    ask.box.answer_next("credit", **answer)
    given = ask.http.get(CREDIT)
    assert (given.status_code, given.text) == (status, text)


def test_it_holds_for_as_many_requests_as_told(ask: Asker) -> None:
    ask.box.answer_next("credit", code=500, times=2)
    assert [ask.get(CREDIT)["code"] for _ in range(3)] == [500, 500, 200]


def test_answers_are_given_in_order(ask: Asker) -> None:
    for code in (429, 500):
        ask.box.answer_next("credit", code=code)
    assert [ask.get(CREDIT)["code"] for _ in range(3)] == [429, 500, 200]


def test_it_holds_for_its_path_only(ask: Asker) -> None:
    ask.box.answer_next("recordInfo", code=500)
    assert [ask.get(CREDIT)["code"], ask.record("x")["code"]] == [200, 500]


@pytest.mark.parametrize("path", ["upload", "/files/", "download-url"])
def test_every_endpoint_can_be_told(ask: Asker, path: str) -> None:
    ask.box.answer_next(path, status=418, body=b"tea", headers={"content-type": "text/tea"})
    requests = {
        "upload": ("POST", "/api/file-stream-upload"),
        "/files/": ("GET", "/files/x"),
        "download-url": ("POST", "/api/v1/common/download-url"),
    }
    answer = ask.http.request(*requests[path])
    assert (answer.status_code, answer.headers["content-type"]) == (418, "text/tea")


@pytest.mark.parametrize(
    ("answer", "created"),
    [
        ({"code": 500}, 0),
        ({"code": 500, "accepted": True}, 1),
        ({"status": 502, "body": "", "accepted": True}, 1),
        ({"delay": 0.01}, 1),
    ],
    ids=str,
)
def test_a_request_is_carried_out_or_not_as_told(ask: Asker, answer: dict[str, Any], created: int) -> None:
    tasks, balance = len(ask.box.tasks), ask.box.balance
    ask.box.answer_next(CREATE, **answer)
    ask.http.post("/api/v1/jobs/createTask", json={"model": "nano-banana-pro", "input": {"prompt": "x"}})
    assert (len(ask.box.tasks) - tasks, balance - ask.box.balance) == (created, 4 * created)


@pytest.mark.parametrize(("cut", "created"), [("before", 0), ("after", 1), ("midway", 1)])
def test_a_connection_is_cut(ask: Asker, cut: Any, created: int) -> None:
    tasks = len(ask.box.tasks)
    ask.box.answer_next(CREATE, cut=cut)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        ask.create()
    assert len(ask.box.tasks) - tasks == created


def test_a_file_that_is_cut_midway_arrives_in_half(ask: Asker) -> None:
    url = ask.upload(b"x" * 500_000)
    ask.box.answer_next("/files/", cut="midway")
    with ask.http.stream("GET", url) as answer, pytest.raises(httpx.RemoteProtocolError):
        answer.read()
    assert answer.num_bytes_downloaded == 250_000


def test_the_next_request_after_a_cut_is_answered(ask: Asker) -> None:
    ask.box.answer_next("credit", cut="before")
    with pytest.raises(httpx.RemoteProtocolError):
        ask.get(CREDIT)
    assert ask.get(CREDIT)["code"] == 200


def test_an_answer_is_delayed(ask: Asker) -> None:
    ask.box.answer_next("credit", delay=0.2)
    start = time.perf_counter()
    assert ask.get(CREDIT)["code"] == 200
    assert time.perf_counter() - start >= 0.2


def test_stopping_does_not_wait_for_delays(serve: Serve) -> None:
    ask = serve()
    ask.box.answer_next("credit", delay=60)
    errors: list[Exception] = []
    thread = threading.Thread(target=_note_error, args=[ask, errors])
    thread.start()
    until(lambda: ask.box.requests)
    start = time.perf_counter()
    ask.box.stop()
    thread.join()
    assert time.perf_counter() - start < 2
    assert [type(error) for error in errors] == [httpx.RemoteProtocolError]


def _note_error(ask: Asker, errors: list[Exception]) -> None:
    try:
        ask.get(CREDIT)
    except httpx.HTTPError as error:
        errors.append(error)


def test_a_mistaken_cut_is_refused(ask: Asker) -> None:
    with pytest.raises(ValueError, match="sometime"):
        ask.box.answer_next("credit", cut="sometime")  # type: ignore[arg-type]


def test_a_share_of_answers_is_lost_after_the_task_was_accepted(serve: Serve) -> None:
    ask = serve(drop_answers=0.5)
    lost = 0
    for _ in range(12):
        try:
            ask.create()
        except (httpx.RemoteProtocolError, httpx.ReadError):
            lost += 1
    assert 0 < lost < 12
    assert (len(ask.box.tasks), ask.box.balance) == (12, 1000 - 12 * 4)
