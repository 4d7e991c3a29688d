"""All of httpx that this library uses, apart from the generated code: sending, streaming, and what can go wrong.

The key goes with `send` only, to the API and upload hosts; files are fetched without it. Requests are made
here and sent as they are, because the merging that ``client.request`` does costs a sixth of a call.
"""

from __future__ import annotations

import contextlib
import functools
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from attrs import frozen

from kie_registry._version import __version__
from kie_registry.errors import TransportError
from kie_registry.settings import Settings

_USER_AGENT = f"kie-registry/{__version__}"
_CHUNK = 1 << 16
# A proxy in the environment must not come between us and a server on this machine.
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
# Raised before any byte of the request is on its way.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


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


class _Requests:
    """What both kinds of client share: how a request is made."""

    def __init__(self, settings: Settings) -> None:
        self._headers = {
            "Authorization": f"Bearer {settings.api_key}",
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": _USER_AGENT,
        }
        self._extensions = {"timeout": httpx.Timeout(settings.http_timeout).as_dict()}
        self._timeout = settings.http_timeout

    def make(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Request:
        return httpx.Request(
            kwargs["method"],
            url,
            params=kwargs.get("params"),
            json=kwargs.get("json"),
            files=kwargs.get("files"),
            headers=self._headers,
            extensions=self._extensions,
        )

    def client_options(self, transport: Any) -> dict[str, Any]:
        options: dict[str, Any] = {
            "timeout": self._timeout,
            "headers": {"User-Agent": _USER_AGENT},
            "limits": httpx.Limits(max_connections=200, max_keepalive_connections=50),
        }
        if transport is not None:
            return {**options, "transport": transport}
        return {**options, "verify": _ssl_context(), "mounts": dict.fromkeys(_LOOPBACK)}


class Http:
    """The blocking side; a closed one still works, with a connection for each request."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None = None) -> None:
        self._requests = _Requests(settings)
        self._transport = transport
        self._client: httpx.Client | None = self._new()

    def send(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Response:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with _translated(url), self._borrow() as client:
            return client.send(self._requests.make(url, kwargs))

    def fetch(self, url: str, target: Path) -> Fetched:
        """Stream a file into `target`, following redirects; raises TransportError where it breaks off."""
        with (
            _translated(url),
            self._borrow() as client,
            client.stream("GET", url, follow_redirects=True) as response,
        ):
            if response.status_code == httpx.codes.OK:
                with target.open("wb") as file:
                    for chunk in response.iter_bytes(_CHUNK):
                        file.write(chunk)
            return Fetched.of(response)

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _new(self) -> httpx.Client:
        return httpx.Client(**self._requests.client_options(self._transport))

    @contextlib.contextmanager
    def _borrow(self) -> Iterator[httpx.Client]:
        if self._client is not None:
            yield self._client
        else:
            with self._new() as client:
                yield client


class AsyncHttp:
    """The asynchronous side; a closed one still works, with a connection for each request."""

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._requests = _Requests(settings)
        self._transport = transport
        self._client: httpx.AsyncClient | None = self._new()

    async def send(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Response:
        """Send a request to kie.ai; raises TransportError where no answer comes."""
        with _translated(url):
            async with self._borrow() as client:
                return await client.send(self._requests.make(url, kwargs))

    async def fetch(self, url: str, target: Path) -> Fetched:
        """Stream a file into `target`, following redirects; raises TransportError where it breaks off."""
        with _translated(url):
            async with self._borrow() as client, client.stream("GET", url, follow_redirects=True) as response:
                if response.status_code == httpx.codes.OK:
                    with target.open("wb") as file:
                        async for chunk in response.aiter_bytes(_CHUNK):
                            file.write(chunk)
                return Fetched.of(response)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _new(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(**self._requests.client_options(self._transport))

    @contextlib.asynccontextmanager
    async def _borrow(self) -> AsyncIterator[httpx.AsyncClient]:
        if self._client is not None:
            yield self._client
        else:
            async with self._new() as client:
                yield client


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """Return one context for all clients, from the CA settings of the environment; making one is slow."""
    return httpx.create_ssl_context()


@contextlib.contextmanager
def _translated(url: str) -> Iterator[None]:
    """Turn what httpx raises into a TransportError that says whether the request may have been sent."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        sent = not isinstance(error, (*_NOT_SENT, httpx.InvalidURL))
        host = url.split("/", 3)[2] if "://" in url else url
        what = "no answer from" if sent else "cannot connect to"
        reason = str(error) or type(error).__name__
        broken_tls = "CERTIFICATE" in reason.upper()
        raise TransportError(f"{what} {host}: {reason}", sent=sent, retryable=not broken_tls) from None
