"""Connections: proxies and certificates of the environment, and what can go wrong on the way."""

from __future__ import annotations

import contextlib
import functools
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from kie_registry._version import __version__
from kie_registry.errors import ConfigurationError, KieError, TransportError
from kie_registry.frames import empty_frames
from kie_registry.proxies import is_loopback, proxy_for

if TYPE_CHECKING:
    from kie_registry.aiohttp_wires import AiohttpWire

USER_AGENT = f"kie-registry/{__version__}"
_LIMITS = httpx.Limits(max_connections=200, max_keepalive_connections=50)
_LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")
# Raised before any byte of the request is on its way.
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)
# Trying these again changes nothing.
_HOPELESS: tuple[type[Exception], ...] = (
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
    ValueError,
)
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError)

Transport = TypeVar("Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


def origin_of(url: httpx.URL) -> str:
    """Return the scheme, the host and the port of an address."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


@functools.lru_cache(maxsize=64)
def parse_url(url: str) -> httpx.URL:
    """Parse an address once."""
    return httpx.URL(url)


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """Return one context for all connections, from the CA settings of the environment; making one is slow."""
    return httpx.create_ssl_context()


def new_transport(kind: type[Transport], origin: str) -> Transport:
    """Return connections to one host, through its proxy if it has one."""
    with configuring(origin):
        # Reading the CA certificates is slow, and of no use without TLS.
        verify = _ssl_context() if origin.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport = kind(verify=verify, limits=_LIMITS, proxy=proxy_for(origin))
    _keep_time(transport)
    return transport


def new_aiohttp_wire(origin: str, headers: Mapping[str, str], timeout: float) -> AiohttpWire | None:
    """Return connections to one host for small requests; None without aiohttp, and for a proxy."""
    with configuring(origin):
        if proxy_for(origin):
            return None
        try:
            from kie_registry.aiohttp_wires import AiohttpWire
        except ImportError:
            return None
        context = _ssl_context() if origin.startswith("https") else None
        return AiohttpWire(origin, headers, timeout=timeout, limit=_LIMITS.max_connections, context=context)


def _keep_time(transport: httpx.HTTPTransport | httpx.AsyncHTTPTransport) -> None:
    """Have a transport keep the time of whole requests."""
    # It imports httpcore, as httpx does itself no sooner than here.
    from kie_registry.timed_network import AsyncTimedBackend, TimedBackend

    # httpcore takes a network backend as an argument; httpx has none to hand down.
    pool: Any = transport._pool
    kind = TimedBackend if isinstance(transport, httpx.HTTPTransport) else AsyncTimedBackend
    pool._network_backend = kind(pool._network_backend)


@contextlib.contextmanager
def configuring(what: str) -> Iterator[None]:
    """Turn what proxies and CA files of the environment can raise into an error that names them."""
    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"the proxy or CA settings of the environment cannot be used for {what}: {error}"
        ) from None


def page_client(timeout: float) -> httpx.Client:
    """Return an httpx client that reads public pages, and follows redirects."""
    with configuring("reading pages"):
        return httpx.Client(
            timeout=timeout,
            headers={"User-Agent": USER_AGENT},
            verify=_ssl_context(),
            mounts=dict.fromkeys(_LOOPBACK),
            max_redirects=5,
            follow_redirects=True,
        )


class Attempt:
    """Turns what httpx raises within it into the error that `failure` then is, to be raised after it::

        with Attempt(url) as attempt:
            return ...
        raise attempt.failure

    Raised within the handler of httpx's exception, ours would keep that one as its context, and with it frames
    whose local variables hold the key. Of what passes through, those frames are emptied.

    Args:
        url: Where the request goes.
        leaving: Whether it may be on its way from the start on.

    Attributes:
        failure: The error.
        leaving: Whether it may be on its way by now.
    """

    failure: TransportError

    def __init__(self, url: str, *, leaving: bool = True) -> None:
        self._url = url
        self.leaving = leaving

    def __enter__(self) -> Self:
        """Return the attempt itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Keep what httpx raised, and let all else pass."""
        if error is None:
            return False
        if isinstance(error, _FAILURES) and not isinstance(error, KieError):
            self.failure = _failure(self._url, error, leaving=self.leaving)
            return True
        empty_frames(error)
        return False


def _failure(url: str, error: Exception, *, leaving: bool) -> TransportError:
    """Say of what httpx raised whether the request may have been sent."""
    sent = leaving and not isinstance(error, _NOT_SENT)
    host = url.split("/", 3)[2] if url.count("/") >= 2 else url
    what = "no answer from" if sent else "cannot connect to" if leaving else "cannot make a request to"
    reason = str(error) or type(error).__name__
    hopeless = "CERTIFICATE" in reason.upper() or isinstance(error, _HOPELESS)
    here = not sent and is_loopback(_name_of(host))
    return TransportError(f"{what} {host}: {reason}", sent=sent, retryable=not (hopeless or here))


def _name_of(host: str) -> str | None:
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname
    except ValueError:
        return None
