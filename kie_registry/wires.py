"""The connections of one client, to each origin its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import httpx

from kie_registry.addresses import FileSources
from kie_registry.bodies import append, check_encoding, is_short, read_unpacked
from kie_registry.connections import USER_AGENT, new_aiohttp_wire, new_transport, origin_of
from kie_registry.deadlines import RequestTimeout
from kie_registry.errors import TransportError
from kie_registry.proxies import proxy_for
from kie_registry.transfers import Reply

if TYPE_CHECKING:
    from kie_registry.aiohttp_wires import AiohttpWire

_CONNECTED = "connection.connect_tcp.complete"

AnyTransport = TypeVar("AnyTransport", httpx.BaseTransport, httpx.AsyncBaseTransport)


class _Guard:
    """Watches which machine a download is connected to, before a byte of the request leaves.

    The name in a URL may stand for another address at each look; the address of the connection itself counts.
    """

    def __init__(self, sources: FileSources, url: str) -> None:
        self._sources = sources
        self._url = url

    def check(self, stream: Any) -> None:
        """Raise TransportError where a connection leads to what is not allowed."""
        peer = stream.get_extra_info("server_addr") if stream is not None else None
        host = peer[0] if isinstance(peer, tuple) else ""
        if problem := self._sources.peer_problem(self._url, str(host)):
            raise TransportError(problem)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Close a new connection that is not allowed."""
        if event == _CONNECTED:
            with contextlib.ExitStack() as stack:
                stack.callback(info["return_value"].close)
                self.check(info["return_value"])
                stack.pop_all()

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Close a new connection that is not allowed."""
        if event == _CONNECTED:
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(info["return_value"].aclose)
                self.check(info["return_value"])
                stack.pop_all()


class _BaseWire(Generic[AnyTransport]):
    def __init__(self, kind: Any, transport: AnyTransport | None) -> None:
        self._kind = kind
        self._given: AnyTransport | None = transport
        self._routes: dict[str, AnyTransport] = {}
        self._lock = threading.Lock()

    def _route(self, url: httpx.URL) -> AnyTransport:
        origin = origin_of(url)
        if origin not in self._routes:
            with self._lock:
                if origin not in self._routes:
                    self._routes[origin] = self._given or new_transport(self._kind, origin)
        return self._routes[origin]

    def _download(self, url: str, headers: Mapping[str, str], timeout: RequestTimeout) -> httpx.Request:
        # Bytes as they are can be gone on with in the middle.
        own = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        return httpx.Request(
            "GET", httpx.URL(url), headers={**own, **headers}, extensions={"timeout": timeout.steps}
        )

    def _guard(self, url: httpx.URL, sources: FileSources) -> _Guard | None:
        """Return what watches the connections of a download; a proxy, which connects for us, cannot be watched."""
        if self._given is None and proxy_for(origin_of(url)):
            return None
        return _Guard(sources, str(url))


class Wire(_BaseWire[httpx.BaseTransport]):
    """The blocking connections.

    Args:
        transport: What to send through in place of the network, or None.
    """

    def __init__(self, transport: httpx.BaseTransport | None) -> None:
        super().__init__(httpx.HTTPTransport, transport)

    def send(self, request: httpx.Request) -> Reply:
        """Send a request and return the answer with its body; raises TransportError where it will not be read."""
        response = self._route(request.url).handle_request(request)
        with contextlib.closing(response):
            if is_short(response.headers):
                return Reply(response.status_code, b"".join(cast(Iterable[bytes], response.stream)))
            check_encoding(response)
            content = bytearray()
            for chunk in response.iter_bytes():
                append(content, chunk)
        return Reply(response.status_code, bytes(content))

    @contextlib.contextmanager
    def stream(
        self, url: str, headers: Mapping[str, str], sources: FileSources, timeout: RequestTimeout
    ) -> Iterator[httpx.Response]:
        """Ask for a file and yield the answer, its body unread.

        Raises:
            TransportError: Its address is none that `sources` allow; the request was not sent.
        """
        request = self._download(url, headers, timeout)
        guard = self._guard(request.url, sources)
        if guard is not None:
            request.extensions["trace"] = guard.trace
        response = self._route(request.url).handle_request(request)
        with contextlib.closing(response):
            if guard is not None:
                guard.check(response.extensions.get("network_stream"))
            yield response

    def close(self) -> None:
        """Close all connections."""
        for transport in set(self._routes.values()):
            transport.close()


class AsyncWire(_BaseWire[httpx.AsyncBaseTransport]):
    """The connections that do not block; as `Wire`."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None) -> None:
        super().__init__(httpx.AsyncHTTPTransport, transport)
        self._users: Counter[httpx.AsyncBaseTransport] = Counter()
        self._quick: dict[str, AiohttpWire | None] = {}

    def quick(self, origin: str, headers: Mapping[str, str], timeout: float) -> AiohttpWire | None:
        """Return what takes small requests to an origin in less time; None where httpx must do it."""
        if origin not in self._quick:
            given = self._given is not None
            self._quick[origin] = None if given else new_aiohttp_wire(origin, headers, timeout)
        return self._quick[origin]

    async def send(self, request: httpx.Request) -> Reply:
        """Send a request and return the answer with its body; as `Wire.send`."""
        async with self._using(request.url) as transport:
            response = await transport.handle_async_request(request)
            async with contextlib.aclosing(response):
                if is_short(response.headers):
                    return Reply(response.status_code, await response.aread())
                return Reply(response.status_code, await read_unpacked(response))

    @contextlib.asynccontextmanager
    async def stream(
        self, url: str, headers: Mapping[str, str], sources: FileSources, timeout: RequestTimeout
    ) -> AsyncIterator[httpx.Response]:
        """Ask for a file and yield the answer, its body unread; as `Wire.stream`."""
        request = self._download(url, headers, timeout)
        guard = self._guard(request.url, sources)
        if guard is not None:
            request.extensions["trace"] = guard.trace_async
        async with self._using(request.url) as transport:
            response = await transport.handle_async_request(request)
            async with contextlib.aclosing(response):
                if guard is not None:
                    guard.check(response.extensions.get("network_stream"))
                yield response

    async def close(self) -> None:
        """Close all connections."""
        for transport in set(self._routes.values()) | set(self._users):
            await transport.aclose()
        for quick in filter(None, self._quick.values()):
            await quick.close()

    @contextlib.asynccontextmanager
    async def _using(self, url: httpx.URL) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """Yield the connections to an origin; they are replaced once a request has been cancelled.

        Where asyncio cancels it while it opens or closes a connection, httpcore loses that for good: it counts
        as in use, and after enough of them there are none left. Requests under way go on with the old ones.
        """
        transport = self._route(url)
        self._users[transport] += 1
        try:
            yield transport
        except asyncio.CancelledError:
            if self._given is None:
                self._routes = {origin: each for origin, each in self._routes.items() if each is not transport}
            raise
        finally:
            self._users[transport] -= 1
            if not self._users[transport]:
                del self._users[transport]
                if transport not in self._routes.values():
                    await transport.aclose()
