"""All of httpx that this library uses, with `connections` and apart from the generated code.

Requests to kie.ai go straight to httpx's transports: cookies, redirects and the merging of defaults, which
its clients add, are of no use here and cost a third of a call. Files are streamed by an httpx client, which
follows redirects, and never with the key.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from attrs import frozen

from kie_registry.connections import (
    USER_AGENT,
    client_options,
    configuring,
    new_transport,
    origin_of,
    parse_url,
    translated,
)
from kie_registry.errors import SpecError
from kie_registry.settings import Settings

_CHUNK = 1 << 16


@frozen
class Fetched:
    """What came of streaming a file.

    Attributes:
        status: The HTTP status; only with 200 was anything written.
        content_type: The content type, without parameters; empty where the server gave none.
    """

    status: int
    content_type: str

    @classmethod
    def of(cls, response: httpx.Response) -> Fetched:
        """Read the head of a response."""
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return cls(response.status_code, content_type)


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
    with configuring("reading pages"):
        client = httpx.Client(**client_options(timeout, None), max_redirects=5, follow_redirects=True)
    with translated(url), client, client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise SpecError(f"{url}: there is no page: the server answers {response.status_code}")
        content = bytearray()
        for chunk in response.iter_bytes(_CHUNK):
            content += chunk
            if len(content) > limit:
                raise SpecError(f"{url}: has more than {limit:,} bytes, which no page of a model has")
        return Page(bytes(content), Fetched.of(response).content_type)


class _Requests:
    """Makes requests to kie.ai, with the key."""

    def __init__(self, settings: Settings) -> None:
        self._headers = {
            "Authorization": f"Bearer {settings.api_key}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": USER_AGENT,
        }
        self._extensions = {"timeout": httpx.Timeout(settings.http_timeout).as_dict()}

    def make(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Request:
        return httpx.Request(
            kwargs["method"],
            parse_url(url),
            params=kwargs.get("params"),
            json=kwargs.get("json"),
            files=kwargs.get("files"),
            headers=self._headers,
            extensions=self._extensions,
        )


class _Wire:
    """The blocking connections."""

    def __init__(self, timeout: float, transport: httpx.BaseTransport | None) -> None:
        self._timeout = timeout
        self._given = transport
        self._routes: dict[str, httpx.BaseTransport] = {}
        self._files: httpx.Client | None = None
        self._lock = threading.Lock()

    def send(self, request: httpx.Request) -> httpx.Response:
        response = self._route(request.url).handle_request(request)
        response.request = request
        with contextlib.closing(response):
            response.read()
        return response

    def files(self) -> httpx.Client:
        with self._lock:
            if self._files is None:
                with configuring("downloads"):
                    self._files = httpx.Client(**client_options(self._timeout, self._given))
            return self._files

    def close(self) -> None:
        for transport in set(self._routes.values()):
            transport.close()
        if self._files is not None:
            self._files.close()

    def _route(self, url: httpx.URL) -> httpx.BaseTransport:
        origin = origin_of(url)
        if origin not in self._routes:
            with self._lock:
                if origin not in self._routes:
                    self._routes[origin] = self._given or new_transport(httpx.HTTPTransport, origin)
        return self._routes[origin]


class _AsyncWire:
    """The connections that do not block."""

    def __init__(self, timeout: float, transport: httpx.AsyncBaseTransport | None) -> None:
        self._timeout = timeout
        self._given = transport
        self._routes: dict[str, httpx.AsyncBaseTransport] = {}
        self._files: httpx.AsyncClient | None = None

    async def send(self, request: httpx.Request) -> httpx.Response:
        response = await self._route(request.url).handle_async_request(request)
        response.request = request
        async with contextlib.aclosing(response):
            await response.aread()
        return response

    def files(self) -> httpx.AsyncClient:
        if self._files is None:
            with configuring("downloads"):
                self._files = httpx.AsyncClient(**client_options(self._timeout, self._given))
        return self._files

    async def close(self) -> None:
        for transport in set(self._routes.values()):
            await transport.aclose()
        if self._files is not None:
            await self._files.aclose()

    def _route(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        origin = origin_of(url)
        if origin not in self._routes:
            self._routes[origin] = self._given or new_transport(httpx.AsyncHTTPTransport, origin)
        return self._routes[origin]


class Http:
    """The blocking side; a closed one still works, with a connection for each request."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._requests = _Requests(settings)
        self._new = functools.partial(_Wire, settings.http_timeout, transport)
        self._wire: _Wire | None = self._new()

    @classmethod
    def detached(cls) -> Http:
        """Return one that keeps no connections and has no key, which is enough for downloads."""
        http = cls(Settings.keyless())
        http.close()
        return http

    def send(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Response:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with translated(url), self._borrow() as wire:
            return wire.send(self._requests.make(url, kwargs))

    def fetch(self, url: str, target: Path) -> Fetched:
        """Stream a file into `target`, following redirects; raises TransportError where it breaks off."""
        with (
            translated(url),
            self._borrow() as wire,
            wire.files().stream("GET", url, follow_redirects=True) as response,
        ):
            if response.status_code == httpx.codes.OK:
                with target.open("wb") as file:
                    for chunk in response.iter_bytes(_CHUNK):
                        file.write(chunk)
            return Fetched.of(response)

    def close(self) -> None:
        """Close the connections."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    @contextlib.contextmanager
    def _borrow(self) -> Iterator[_Wire]:
        wire = self._wire
        if wire is not None:
            yield wire
        else:
            with contextlib.closing(self._new()) as wire:
                yield wire


class AsyncHttp:
    """The side that does not block; a closed one still works, with a connection for each request.

    Each event loop has connections of its own: those of a loop that has ended cannot be used by the next.
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._requests = _Requests(settings)
        self._new = functools.partial(_AsyncWire, settings.http_timeout, transport)
        self._wires: WeakKeyDictionary[asyncio.AbstractEventLoop, _AsyncWire] = WeakKeyDictionary()
        self._closed = False

    @classmethod
    def detached(cls) -> AsyncHttp:
        """Return one that keeps no connections and has no key, which is enough for downloads."""
        http = cls(Settings.keyless())
        http._closed = True
        return http

    async def send(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Response:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with translated(url):
            async with self._borrow() as wire:
                return await wire.send(self._requests.make(url, kwargs))

    async def fetch(self, url: str, target: Path) -> Fetched:
        """Stream a file into `target`, following redirects; raises TransportError where it breaks off."""
        with translated(url):
            async with (
                self._borrow() as wire,
                wire.files().stream("GET", url, follow_redirects=True) as response,
            ):
                if response.status_code == httpx.codes.OK:
                    with target.open("wb") as file:
                        async for chunk in response.aiter_bytes(_CHUNK):
                            file.write(chunk)
                return Fetched.of(response)

    async def close(self) -> None:
        """Close the connections of the running loop."""
        self._closed = True
        if wire := self._wires.pop(asyncio.get_running_loop(), None):
            await wire.close()

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[_AsyncWire]:
        if not self._closed:
            loop = asyncio.get_running_loop()
            if (known := self._wires.get(loop)) is None:
                known = self._wires[loop] = self._new()
            yield known
            return
        wire = self._new()
        try:
            yield wire
        finally:
            await wire.close()
