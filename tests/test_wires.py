"""Answers of kie.ai on their way in: how large, how packed and how slow they may be, with either client."""

from __future__ import annotations

import asyncio
import gzip
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from kie_registry import AsyncKie, Kie, SubmitOutcomeUnknown, TaskTimeout, TransportError
from tests.canned import canned, http
from tests.dripping import DRIPS, dripping

ANSWER = b'{"code": 200, "msg": "success", "data": 7}'
Credits: TypeAlias = Callable[..., float]


@pytest.fixture(params=["blocking", "asynchronous", "asynchronous without aiohttp"])
def ask_credits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Credits:
    """Asks a server for the credits, with either client."""
    if request.param == "asynchronous without aiohttp":
        monkeypatch.delitem(sys.modules, "kie_registry.aiohttp_wires", raising=False)
        monkeypatch.setitem(sys.modules, "aiohttp", None)

    def run(url: str, **options: Any) -> float:
        if request.param == "blocking":
            with Kie("key", base_url=url, **options) as kie:
                return kie.credits()
        return asyncio.run(_credits(url, options))

    return run


async def _credits(url: str, options: Any) -> float:
    async with AsyncKie("key", base_url=url, **options) as kie:
        return await kie.credits()


READ = {
    "as it is": http(ANSWER),
    "said to be as it is": http(ANSWER, content_encoding="identity"),
    "compressed": http(gzip.compress(ANSWER), content_encoding="gzip"),
    "compressed, in capitals": http(gzip.compress(ANSWER), content_encoding="GZIP"),
}


@pytest.mark.parametrize("answer", READ.values(), ids=READ.keys())
def test_an_answer_is_read(ask_credits: Credits, answer: bytes) -> None:
    with canned(answer) as server:
        assert ask_credits(server.url) == 7


NOT_READ = {
    "compressed twice": (
        http(gzip.compress(gzip.compress(ANSWER)), content_encoding="gzip, gzip"),
        "compressed as 'gzip, gzip'",
    ),
    "compressed twice, said in two lines": (
        http(gzip.compress(gzip.compress(ANSWER)), content_encoding="gzip\r\nContent-Encoding: gzip"),
        "compressed as 'gzip, gzip'",
    ),
    "compressed as was not asked for": (http(ANSWER, content_encoding="br"), "compressed as 'br'"),
    "unpacked too large": (http(gzip.compress(bytes(33 << 20)), content_encoding="gzip"), "more than 32 MiB"),
    "too large, without a length": (http(bytes(33 << 20), content_length=""), "more than 32 MiB"),
}


@pytest.mark.parametrize(("answer", "words"), NOT_READ.values(), ids=NOT_READ.keys())
def test_an_answer_that_fills_the_memory_is_not_read(ask_credits: Credits, answer: bytes, words: str) -> None:
    with canned(answer) as server, pytest.raises(TransportError, match=words) as caught:
        ask_credits(server.url)
    assert caught.value.sent


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
DRIPPING: dict[str, tuple[bytes, bytes, bytes]] = {
    "in the body": (OK + b"\r\n", b" ", ANSWER),
    "in the body, of a length": (OK + b"Content-Length: %d\r\n\r\n" % (DRIPS + len(ANSWER)), b" ", ANSWER),
    "in a header": (OK + b"X-Slow: ", b"x", b"\r\n\r\n" + ANSWER),
    "before the answer": (b"", b"HTTP/1.1 102 Processing\r\n\r\n", OK + b"\r\n" + ANSWER),
    "in the size of a chunk": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n%x;" % len(ANSWER),
        b"x",
        b"\r\n" + ANSWER + b"\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("pieces", DRIPPING.values(), ids=DRIPPING.keys())
def test_an_answer_that_drips_is_not_waited_for(ask_credits: Credits, pieces: tuple[bytes, bytes, bytes]) -> None:
    with dripping(*pieces) as url, pytest.raises(TransportError) as caught:
        ask_credits(url, http_timeout=0.15)
    assert (caught.value.sent, caught.value.retryable) == (True, True)


def test_nor_is_one_through_a_proxy(ask_credits: Credits, monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(*DRIPPING["in the body"]) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        with pytest.raises(TransportError):
            ask_credits("http://api.kie.example", http_timeout=0.15)


@pytest.fixture
def dripped_on() -> Iterator[Kie]:
    """A client of a server that drips."""
    with dripping(*DRIPPING["in the body"]) as url, Kie("key", base_url=url, http_timeout=0.15) as kie:
        yield kie


def test_a_create_whose_answer_drips_is_unknown(dripped_on: Kie) -> None:
    with pytest.raises(SubmitOutcomeUnknown, match="no answer") as caught:
        dripped_on.submit("nano-banana-pro", "a cat")
    assert caught.value.charged == "maybe"


def test_a_read_whose_answer_drips_passes(dripped_on: Kie) -> None:
    with pytest.raises(TaskTimeout, match="The last read failed: no answer"):
        dripped_on.task("task_1").wait(deadline=0.1)
