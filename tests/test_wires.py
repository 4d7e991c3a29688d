"""Answers of kie.ai on their way in: how large, how packed and how slow they may be, with either client."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from kie_registry import AsyncKie, Kie, TransportError
from tests.canned import canned, http

ANSWER = b'{"code": 200, "msg": "success", "data": 7}'
Credits: TypeAlias = Callable[..., float]


@pytest.fixture(params=["blocking", "asynchronous"])
def ask_credits(request: pytest.FixtureRequest) -> Credits:
    """Asks a server for the credits, with either client."""

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
