"""The key, the credits and the rate limits."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import Asker, Clock, Serve

GUARDED = [
    ("POST", "/api/v1/jobs/createTask"),
    ("GET", "/api/v1/jobs/recordInfo"),
    ("GET", "/api/v1/chat/credit"),
    ("POST", "/api/v1/common/download-url"),
    ("POST", "/api/file-stream-upload"),
    ("POST", "/api/file-base64-upload"),
    ("POST", "/api/file-url-upload"),
    ("GET", "/api/v1/models"),
    ("GET", "/api/v1/models/google/nano-banana-edit/schema"),
    ("GET", "/api/v1/models/nano-banana-pro/price"),
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "sandbox-key", "Bearer sandbox-key2"])
def test_a_wrong_key_is_refused(ask: Asker, method: str, path: str, authorization: str) -> None:
    answer = ask.http.request(method, path, headers={"Authorization": authorization})
    assert (answer.status_code, answer.json()["code"]) == (200, 401)


def test_another_key_may_be_chosen(serve: Serve) -> None:
    assert serve(key="another-key").get("/api/v1/chat/credit")["code"] == 200


def test_the_balance_falls_by_the_price(serve: Serve) -> None:
    ask = serve(credits=10.5, price=4)
    ask.create()
    assert ask.get("/api/v1/chat/credit") == {"code": 200, "msg": "success", "data": 6.5}
    assert ask.box.balance == 6.5


def test_a_balance_that_is_too_low(serve: Serve) -> None:
    ask = serve(credits=7, price=4)
    assert [ask.create()["code"], ask.create()["code"]] == [200, 402]
    assert len(ask.box.tasks) == 1


@pytest.mark.parametrize(
    ("option", "path"),
    [
        ("rate_limit", "/api/v1/jobs/createTask"),
        ("read_limit", "/api/v1/jobs/recordInfo"),
        ("catalog_limit", "/api/v1/models"),
        ("catalog_limit", "/api/v1/models/nano-banana-pro/price"),
    ],
)
def test_a_limit_counts_a_sliding_window(serve: Serve, option: str, path: str) -> None:
    clock = Clock()
    ask = serve(**{option: (2, 10.0)}, clock=clock)
    limited = []
    for seconds in (0, 6, 1, 3, 0, 6):
        clock.now += seconds
        method = "POST" if "create" in path else "GET"
        limited.append(ask.http.request(method, path).json()["code"] == 429)
    # At 0 and 6 two pass; at 7 it is full; at 10 the first is past; and at 16 the second.
    assert limited == [False, False, True, False, True, False]


def test_a_request_over_the_limit_creates_nothing(serve: Serve) -> None:
    ask = serve(rate_limit=(1, 60))
    assert [ask.create()["code"], ask.create()["code"]] == [200, 429]
    assert (len(ask.box.tasks), ask.box.balance) == (1, 996)


def test_the_default_limits_are_kie_ais(serve: Serve) -> None:
    ask = serve(rate_limit=(20, 10.0), clock=Clock())
    codes = [ask.create()["code"] for _ in range(22)]
    assert codes == [200] * 20 + [429] * 2
