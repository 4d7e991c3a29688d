"""Asynchronous requests through aiohttp: never sent twice, never left open, and as httpx's where one can tell."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from kie_registry import AsyncKie, SubmitOutcomeUnknown, TransportError
from kie_registry.aiohttp_wires import AiohttpWire
from tests.breaking import Step, answer, breaking, half, reset, silence
from tests.canned import canned, http
from tests.descriptors import none_left_open
from tests.dripping import dripping

CREDITS = b'{"code": 200, "msg": "success", "data": 7}'
RUNNING = b'{"code": 200, "data": {"state": "generating"}}'
CREATED = b'{"code": 200, "msg": "success", "data": {"taskId": "task_1"}}'
MODEL = "nano-banana-pro"


def without_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it as if aiohttp were not installed."""
    monkeypatch.delitem(sys.modules, "kie_registry.aiohttp_wires", raising=False)
    monkeypatch.setitem(sys.modules, "aiohttp", None)


@pytest.fixture(params=["aiohttp", "httpx"])
def through(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What requests go through; where aiohttp is not installed, that is httpx."""
    if request.param == "httpx":
        without_aiohttp(monkeypatch)
    return str(request.param)


@pytest.fixture
def sent_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of what aiohttp has sent."""
    paths: list[str] = []
    send = AiohttpWire.send

    async def note(wire: AiohttpWire, method: str, target: str, body: bytes | None) -> Any:
        paths.append(target)
        return await send(wire, method, target, body)

    monkeypatch.setattr(AiohttpWire, "send", note)
    return paths


async def submit(url: str, *, after: int = 0, **options: Any) -> str:
    """Submit on a connection that was used for so many requests before."""
    async with AsyncKie("key", base_url=url, **options) as kie:
        for _ in range(after):
            await kie.credits()
        return (await kie.submit(MODEL, "a cat")).id


BREAKS: dict[str, Step] = {
    "closes": half(b""),
    "resets": reset,
    "breaks off in the head": half(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "breaks off in the body": half(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + CREATED[:20]),
    "breaks off in a chunk": half(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{"),
    "talks nonsense": half(b"nonsense\r\n\r\n"),
    "has two lengths": half(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    "says nothing": silence,
}


@pytest.mark.parametrize("after", [0, 1], ids=["a fresh connection", "a used connection"])
@pytest.mark.parametrize("step", BREAKS.values(), ids=BREAKS.keys())
def test_a_create_is_sent_once_where_the_server(through: str, step: Step, after: int) -> None:
    with breaking(*[answer(CREDITS)] * after, step) as server:
        with pytest.raises(SubmitOutcomeUnknown) as caught:
            asyncio.run(submit(server.url, after=after, http_timeout=0.3))
        assert (server.posts(), caught.value.charged, caught.value.retryable) == (1, "maybe", False)


@pytest.mark.parametrize("step", BREAKS.values(), ids=BREAKS.keys())
def test_a_read_may_be_tried_again_where_the_server(through: str, step: Step) -> None:
    with breaking(step) as server, pytest.raises(TransportError, match="no answer from") as caught:
        asyncio.run(AsyncKie("key", base_url=server.url, http_timeout=0.3).credits())
    assert (caught.value.sent, caught.value.retryable) == (True, True)


def test_a_connection_that_was_closed_meanwhile_is_not_used(through: str) -> None:
    def answer_and_close(connection: socket.socket) -> bool:
        return not answer(CREDITS)(connection)

    async def use() -> str:
        async with AsyncKie("key", base_url=server.url) as kie:
            await kie.credits()
            # The loop, which stands still meanwhile, has not heard of it.
            server.closed.wait()
            return (await kie.submit(MODEL, "a cat")).id

    with breaking(answer_and_close, answer(CREATED)) as server:
        assert asyncio.run(use()) == "task_1"
        assert server.connections == 2


def test_an_answer_that_came_unasked_is_not_taken_for_the_next() -> None:
    stale = plain(CREDITS) + plain(b'{"code": 200, "data": {"taskId": "stale"}}')

    def answer_twice(connection: socket.socket) -> bool:
        connection.sendall(stale)
        return True

    with breaking(answer_twice, answer(CREATED)) as server:
        assert asyncio.run(submit(server.url, after=1)) == "task_1"


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@contextmanager
def nobody() -> Iterator[str]:
    """Yield an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def no_tls() -> Iterator[str]:
    """Yield an address where a server knows nothing of TLS."""
    with canned(http(status="400 Bad Request")) as server:
        yield server.url.replace("http:", "https:")


@pytest.mark.parametrize("place", [nobody, no_tls])
def test_what_finds_no_connection_is_not_sent(through: str, place: Any) -> None:
    with place() as url, pytest.raises(TransportError, match=r"cannot connect to 127\.0\.0\.1:\d+: .") as caught:
        asyncio.run(AsyncKie("key", base_url=url).credits())
    assert (caught.value.sent, caught.value.retryable) == (False, False)


def test_nor_is_what_gets_no_turn(through: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.connections._LIMITS", httpx.Limits(max_connections=1))

    async def both(url: str) -> list[Any]:
        async with AsyncKie("key", base_url=url, http_timeout=0.1) as kie:
            return list(await asyncio.gather(kie.credits(), kie.credits(), return_exceptions=True))

    with dripping(b"HTTP/1.1 200 OK\r\n\r\n", b" ") as url:
        assert [error.sent for error in asyncio.run(both(url))] == [True, False]


def test_silence_is_waited_for_as_long_as_one_step(through: str) -> None:
    async def ask(url: str) -> None:
        # The whole request would have three times as long.
        async with asyncio.timeout(0.8), AsyncKie("key", base_url=url, http_timeout=0.3) as kie:
            await kie.credits()

    with breaking(silence) as server, pytest.raises(TransportError):
        asyncio.run(ask(server.url))


class TestConnections:
    def test_end_with_their_loop_where_nobody_closes_the_client(self, through: str) -> None:
        with none_left_open(), breaking(answer(CREDITS)) as server:
            kie = AsyncKie("key", base_url=server.url)
            assert [asyncio.run(kie.credits()) for _ in range(2)] == [7, 7]
            assert server.connections == 2

    def test_are_used_again(self, through: str) -> None:
        async def ask(url: str) -> None:
            async with AsyncKie("key", base_url=url) as kie:
                for _ in range(3):
                    await kie.credits()

        with breaking(answer(CREDITS)) as server:
            asyncio.run(ask(server.url))
            assert (server.connections, len(server.requests)) == (1, 3)

    def test_of_a_closed_client_are_made_for_each_request(self, through: str) -> None:
        async def ask(url: str) -> None:
            async with AsyncKie("key", base_url=url) as kie:
                pass
            for _ in range(2):
                await kie.credits()

        with none_left_open(), breaking(answer(CREDITS)) as server:
            asyncio.run(ask(server.url))
            assert server.connections == 2

    def test_come_back_from_requests_that_are_cancelled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("kie_registry.connections._LIMITS", httpx.Limits(max_connections=1))

        async def ask(url: str) -> float:
            loop, came = asyncio.get_running_loop(), asyncio.Event()
            steps.append(lambda connection: bool(loop.call_soon_threadsafe(came.set)) or silence(connection))
            async with AsyncKie("key", base_url=url) as kie:
                for _ in range(3):
                    call = asyncio.ensure_future(kie.credits())
                    await came.wait()
                    came.clear()
                    call.cancel()
                    await asyncio.wait([call])
                del steps[:]
                return await kie.credits()

        steps: list[Step] = []

        def step(connection: socket.socket) -> bool:
            return (steps[0] if steps else answer(CREDITS))(connection)

        with breaking(step) as server:
            assert asyncio.run(ask(server.url)) == 7


FORKING = """
import asyncio, os, sys
from kie_registry import AsyncKie

async def main():
    kie = AsyncKie("key", base_url=sys.argv[1], http_timeout=5)
    await kie.credits()
    if (child := os.fork()) == 0:
        # What a child leaves open is cleared away when it ends.
        sys.exit(asyncio.run(kie.credits()) != 7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    print(await kie.credits())
    await kie.close()

asyncio.run(main())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_leaves_the_connections_to_its_parent() -> None:
    with breaking(answer(CREDITS)) as server:
        # With warnings it would tell of the loop that is in the child too.
        command = [sys.executable, "-c", FORKING, server.url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "7.0\n", "")
        assert server.connections == 2


async def use(url: str, **options: Any) -> None:
    async with AsyncKie("key", base_url=url, upload_url=url, **options) as kie:
        await kie.credits()


class TestThroughAiohttp:
    def test_go_requests(self, sent_by: list[str]) -> None:
        with breaking(answer(CREDITS)) as server:
            asyncio.run(use(server.url))
        assert sent_by == ["/api/v1/chat/credit"]

    def test_go_queries_written_as_httpx_writes_them(
        self, sent_by: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def ask(url: str) -> None:
            async with AsyncKie("key", base_url=url) as kie:
                await kie.task("a b&c=d/e%2f?é").status()

        with breaking(answer(RUNNING)) as server:
            asyncio.run(ask(server.url))
            without_aiohttp(monkeypatch)
            asyncio.run(ask(server.url))
            lines = [request.split(b" ")[1] for request in server.requests]
        assert (len(sent_by), len(lines), len(set(lines))) == (1, 2, 1)

    def test_go_no_files(self, sent_by: list[str]) -> None:
        uploaded = b'{"code": 200, "data": {"downloadUrl": "https://files.example/1.png"}}'

        async def upload(url: str) -> str:
            async with AsyncKie("key", base_url=url, upload_url=url) as kie:
                return await kie.upload(b"a text")

        with breaking(answer(uploaded)) as server:
            assert asyncio.run(upload(server.url)) == "https://files.example/1.png"
        assert sent_by == []

    def test_goes_nothing_where_a_transport_is_given(self, sent_by: list[str]) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=CREDITS))
        asyncio.run(use("http://127.0.0.1:9", transport=transport))
        assert sent_by == []

    def test_goes_nothing_where_it_is_too_old(self, sent_by: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "kie_registry.aiohttp_wires")
        monkeypatch.delattr("aiohttp.SocketTimeoutError")
        with breaking(answer(CREDITS)) as server:
            asyncio.run(use(server.url))
            assert len(server.requests) == 1
        assert sent_by == []

    def test_goes_nothing_to_a_proxy(self, sent_by: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        with breaking(answer(CREDITS)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            asyncio.run(use("http://api.kie.example"))
            assert proxy.requests[0].startswith(b"GET http://api.kie.example/api/v1/chat/credit ")
        assert sent_by == []


def test_aiohttp_is_imported_with_the_first_asynchronous_request() -> None:
    program = (
        "import sys, asyncio\nfrom kie_registry import AsyncKie, Kie\nurl = sys.argv[1]\n"
        "with Kie('key', base_url=url) as kie: kie.credits()\n"
        "kie = AsyncKie('key', base_url=url)\nbefore = 'aiohttp' in sys.modules\nasyncio.run(kie.credits())\n"
        "print(before, 'aiohttp' in sys.modules)"
    )
    with breaking(answer(CREDITS)) as server:
        command = [sys.executable, "-W", "error", "-c", program, server.url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("False True\n", "")
