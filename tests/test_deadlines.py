"""The time of a whole request: counted down, given back by bytes that move, and kept at every step."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore
import pytest

from kie_registry.deadlines import RequestTimeout
from kie_registry.timed_network import AsyncTimedBackend, TimedBackend


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test moves."""
    clock = [1000.0]
    monkeypatch.setattr("kie_registry.deadlines.monotonic", lambda: clock[0])
    return clock


@pytest.mark.parametrize(
    ("passed", "left"), [(0, 10), (19, 10), (20, 10), (25, 5), (30, 0), (99, -69)], ids=lambda value: f"{value} s"
)
def test_a_step_has_its_time_until_the_whole_has_none(now: list[float], passed: float, left: float) -> None:
    timeout = RequestTimeout(10)
    now[0] += passed
    assert timeout.left() == left


@pytest.mark.parametrize(
    ("passed", "size", "left"),
    [(28, 2 << 10, 4), (28, 512, 2.5), (30, 1 << 10, 1), (29, 1 << 30, 10)],
    ids=["two KiB", "half a KiB", "in the last moment", "a GiB"],
)
def test_what_moves_a_kilobyte_has_another_second(now: list[float], passed: float, size: int, left: float) -> None:
    timeout = RequestTimeout(10)
    now[0] += passed
    timeout.earn(size)
    assert timeout.left() == left


def test_but_nobody_saves_up(now: list[float]) -> None:
    timeout = RequestTimeout(10)
    timeout.earn(1 << 40)
    now[0] += 30
    assert timeout.left() == 0


class Recorder(httpcore.NetworkStream, httpcore.NetworkBackend):
    """A network of which each step notes its timeout."""

    def __init__(self) -> None:
        self.timeouts: list[Any] = []

    def connect_tcp(self, *args: Any, **_: Any) -> Any:
        self.timeouts.append(args[2])
        return self

    def start_tls(self, *args: Any, **_: Any) -> Any:
        self.timeouts.append(args[2])
        return self

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)


class AsyncRecorder(httpcore.AsyncNetworkStream, httpcore.AsyncNetworkBackend):
    """As `Recorder`."""

    def __init__(self) -> None:
        self.inner = Recorder()

    async def connect_tcp(self, *args: Any, **_: Any) -> Any:
        self.inner.connect_tcp(*args)
        return self

    async def start_tls(self, *args: Any, **_: Any) -> Any:
        self.inner.start_tls(*args)
        return self

    async def read(self, *args: Any, **_: Any) -> bytes:
        return self.inner.read(*args)

    async def write(self, *args: Any, **_: Any) -> None:
        self.inner.write(*args)


Step = Callable[[Any, Any], Any]
_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
STEPS: dict[str, tuple[Step, type[Exception]]] = {
    "reading": (lambda stream, timeout: stream.read(1, timeout), httpcore.ReadTimeout),
    "writing": (lambda stream, timeout: stream.write(b"", timeout), httpcore.WriteTimeout),
    "TLS": (lambda stream, timeout: stream.start_tls(_CONTEXT, "a", timeout), httpcore.ConnectTimeout),
}


async def _wait(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _blocking(step: Step, timeout: Any) -> list[Any]:
    """Take a step on a connection, and return the timeouts that the network got, after the connecting."""
    network = Recorder()
    step(TimedBackend(network).connect_tcp("a", 1), timeout)
    return network.timeouts[1:]


def _asynchronous(step: Step, timeout: Any) -> list[Any]:
    network = AsyncRecorder()
    stream = asyncio.run(_wait(AsyncTimedBackend(network).connect_tcp("a", 1)))
    asyncio.run(_wait(step(stream, timeout)))
    return network.inner.timeouts[1:]


@pytest.fixture(params=[_blocking, _asynchronous], ids=["blocking", "asynchronous"])
def take(request: pytest.FixtureRequest) -> Any:
    """Takes a step, in either way."""
    return request.param


@pytest.mark.parametrize(("step", "kind"), STEPS.values(), ids=STEPS.keys())
class TestEachStep:
    def test_gets_what_is_left(self, take: Any, now: list[float], step: Step, kind: Any) -> None:
        timeout = RequestTimeout(10)
        now[0] += 27
        assert take(step, timeout) == [3]

    def test_is_not_begun_without_time(self, take: Any, now: list[float], step: Step, kind: Any) -> None:
        timeout = RequestTimeout(10)
        now[0] += 31
        with pytest.raises(kind, match="it did not end within 30 s"):
            take(step, timeout)

    def test_gets_a_timeout_of_another_kind_as_it_is(self, take: Any, step: Step, kind: Any) -> None:
        assert (take(step, 7.0), take(step, None)) == ([7.0], [None])


@pytest.mark.parametrize("backend", [TimedBackend, AsyncTimedBackend])
def test_no_connection_is_begun_without_time(now: list[float], backend: Any) -> None:
    timeout = RequestTimeout(10)
    now[0] += 31

    async def connect() -> None:
        await backend(AsyncRecorder()).connect_tcp("a", 1, timeout)

    with pytest.raises(httpcore.ConnectTimeout):
        asyncio.run(connect())


def test_what_is_sent_gives_time(now: list[float]) -> None:
    timeout, stream = RequestTimeout(10), TimedBackend(Recorder()).connect_tcp("a", 1)
    now[0] += 29
    stream.write(bytes(4 << 10), timeout)
    assert timeout.left() == 5
