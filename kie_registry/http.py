"""Requests to kie.ai, with the key, and downloads, without it.

All of httpx that this library uses is here, in `outgoing`, in `wires` with `aiohttp_wires`, and in `connections`,
apart from the generated code; of httpcore below it only `timed_network` knows, of aiohttp only `aiohttp_wires`.
Requests go straight to httpx's transports: cookies, redirects and the merging of defaults, which its clients add,
are of no use here and cost a third of a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary, WeakSet

import httpx
from attrs import frozen

from kie_registry.addresses import FileSources
from kie_registry.bodies import can_unpack
from kie_registry.connections import Attempt, page_client
from kie_registry.deadlines import RequestTimeout
from kie_registry.errors import ConfigurationError, SpecError
from kie_registry.outgoing import Requests
from kie_registry.settings import Settings
from kie_registry.transfers import Body, Head, Reply
from kie_registry.wires import AsyncWire, Wire

_CHUNK = 1 << 16


@frozen
class Page:
    """What an address holds.

    Attributes:
        content: The body.
        content_type: The content type, without parameters; empty where the server gave none.
    """

    content: bytes
    content_type: str


def read_page(url: str, *, limit: int, timeout: float = 30) -> Page:
    """Read a public page, without any key, following up to five redirects.

    Args:
        url: An http or https address.
        limit: The most bytes that are read.
        timeout: Seconds for each step.

    Raises:
        TransportError: No answer came.
        SpecError: The answer is no page, or larger than `limit`.
    """
    client = page_client(timeout)
    with Attempt(url) as attempt, client, client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise SpecError(f"{url}: there is no page: the server answers {response.status_code}")
        content = bytearray()
        for chunk in response.iter_bytes(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise SpecError(f"{url}: has more than {limit:,} bytes, which no page of a model has")
        return Page(bytes(content), Head.of(response).content_type)
    raise attempt.failure


class Http:
    """The blocking side; a closed one still works, with a connection for each request.

    Attributes:
        sources: Where files may be fetched from.
        asynchronous: Makes connections like these that do not block; raises ConfigurationError where they go
            through a transport that can only block.
    """

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self.sources = settings.file_sources
        self._requests = Requests(settings)
        self._timeout = settings.http_timeout
        self.asynchronous = functools.partial(_asynchronous, settings, transport)
        self._new = functools.partial(Wire, transport)
        self._wire: Wire | None = self._new()
        _opened.add(self)

    @classmethod
    def detached(cls) -> Http:
        """Return one that keeps no connections and has no key, which is enough for downloads."""
        http = cls(Settings.keyless())
        http.close()
        return http

    def send(self, url: str, kwargs: Mapping[str, Any]) -> Reply:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with Attempt(url, leaving=False) as attempt, self._borrow() as wire:
            request = self._requests.make(url, kwargs)
            attempt.leaving = True
            return self._requests.without_key(wire.send(request))
        raise attempt.failure

    def fetch(self, url: str, headers: Mapping[str, str], body: Body, sources: FileSources) -> Head:
        """Ask for a file, and give `body` what comes; raises TransportError where it breaks off or may not be."""
        timeout = RequestTimeout(self._timeout)
        with (
            Attempt(url) as attempt,
            self._borrow() as wire,
            wire.stream(url, headers, sources, timeout) as response,
        ):
            head = Head.of(response)
            if body.accept(head):
                for chunk in response.iter_bytes() if can_unpack(response) else response.iter_raw():
                    body.write(chunk)
                    timeout.earn(len(chunk))
            return head
        raise attempt.failure

    def close(self) -> None:
        """Close the connections."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def leave_connections(self) -> None:
        """Begin anew in a process that was forked: the connections are the parent's."""
        if self._wire is not None:
            _left_to_the_parent.append(self._wire)
            self._wire = self._new()

    @contextlib.contextmanager
    def _borrow(self) -> Iterator[Wire]:
        wire = self._wire
        if wire is not None:
            yield wire
        else:
            with contextlib.closing(self._new()) as wire:
                yield wire


class AsyncHttp:
    """The side that does not block; a closed one still works, with a connection for each request.

    Each event loop has connections of its own: those of a loop that has ended cannot be used by the next.

    Attributes:
        sources: Where files may be fetched from.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.sources = settings.file_sources
        self._requests = Requests(settings)
        self._timeout = settings.http_timeout
        self._new = functools.partial(AsyncWire, transport)
        self._wires: _Wires = WeakKeyDictionary()
        self._finishing: _Finishing = WeakKeyDictionary()
        self._closed = False
        _opened.add(self)

    @classmethod
    def detached(cls) -> AsyncHttp:
        """Return one that keeps no connections and has no key, which is enough for downloads."""
        http = cls(Settings.keyless())
        http._closed = True
        return http

    async def send(self, url: str, kwargs: Mapping[str, Any]) -> Reply:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with Attempt(url, leaving=False) as attempt:
            # The short way, as nearly all go.
            if (known := self._wires.get(asyncio.get_running_loop())) is not None:
                return await self._requests.send_through(known[0], url, kwargs, attempt)
            async with self._borrow() as wire:
                return await self._requests.send_through(wire, url, kwargs, attempt)
        raise attempt.failure

    async def fetch(self, url: str, headers: Mapping[str, str], body: Body, sources: FileSources) -> Head:
        """Ask for a file, and give `body` what comes; as `Http.fetch`."""
        timeout = RequestTimeout(self._timeout)
        with Attempt(url) as attempt:
            async with self._borrow() as wire, wire.stream(url, headers, sources, timeout) as response:
                head = Head.of(response)
                if body.accept(head):
                    async for chunk in response.aiter_bytes() if can_unpack(response) else response.aiter_raw():
                        body.write(chunk)
                        timeout.earn(len(chunk))
                return head
        raise attempt.failure

    @property
    def finishing(self) -> set[Finish]:
        """What is awaited before the connections of the running loop are closed, so that no answer is cut off."""
        return self._finishing.setdefault(asyncio.get_running_loop(), set())

    async def close(self) -> None:
        """Close the connections of the running loop, when what needs an answer has it, or waits for too long."""
        await asyncio.gather(*(finish() for finish in self.finishing))
        self._closed = True
        if known := self._wires.pop(asyncio.get_running_loop(), None):
            await known[1].aclose()

    def leave_connections(self) -> None:
        """Begin anew in a process that was forked: the connections are the parent's."""
        _left_to_the_parent.append(self._wires)
        self._wires, self._finishing = WeakKeyDictionary(), WeakKeyDictionary()

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[AsyncWire]:
        if not self._closed:
            loop = asyncio.get_running_loop()
            if loop not in self._wires:
                wire = self._new()
                closing = _close_with_the_loop(wire)
                self._wires[loop] = wire, closing
                await anext(closing)
            yield self._wires[loop][0]
            return
        wire = self._new()
        try:
            yield wire
        finally:
            await wire.close()


async def _close_with_the_loop(wire: AsyncWire) -> AsyncGenerator[None]:
    """Close connections when that is asked for, or else when their loop ends, as it does with open generators."""
    maker = os.getpid()
    try:
        yield
    finally:
        # A child that was forked ends the loop that it has from its parent.
        if os.getpid() == maker:
            await wire.close()


Finish: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""Sends nothing more, and returns when what was sent is answered, after some seconds at most; raises nothing."""

_Finishing: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, set[Finish]]
_Wires: TypeAlias = WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[AsyncWire, AsyncGenerator[None]]]


def _asynchronous(settings: Settings, transport: httpx.BaseTransport | None) -> AsyncHttp:
    if transport is not None and not isinstance(transport, httpx.AsyncBaseTransport):
        raise ConfigurationError(
            f"batches and collecting run in an event loop, for which {type(transport).__name__} is not made; give "
            "a transport that is an httpx.AsyncBaseTransport as well"
        )
    return AsyncHttp(settings, transport)


_opened: WeakSet[Http | AsyncHttp] = WeakSet()
# Kept, because what is thrown away is closed, and what belongs to the parent is not ours to close.
_left_to_the_parent: list[Any] = []


def _after_fork() -> None:
    for http in _opened:
        http.leave_connections()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
