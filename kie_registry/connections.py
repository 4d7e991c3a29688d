"""Connections: proxies and certificates of the environment, and what can go wrong on the way."""

from __future__ import annotations

import contextlib
import functools
import ssl
import urllib.parse
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx

from kie_registry._version import __version__
from kie_registry.errors import ConfigurationError, KieError, TransportError
from kie_registry.proxies import is_loopback, proxy_for

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
_HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL, ValueError)

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
        return kind(verify=verify, limits=_LIMITS, proxy=proxy_for(origin))


@contextlib.contextmanager
def configuring(what: str) -> Iterator[None]:
    """Turn what proxies and CA files of the environment can raise into an error that names them."""
    try:
        yield
    except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
        raise ConfigurationError(
            f"the proxy or CA settings of the environment cannot be used for {what}: {error}"
        ) from None


def client_options(timeout: float, transport: Any) -> dict[str, Any]:
    """Return the arguments of an httpx client that follows links without the key."""
    options: dict[str, Any] = {"timeout": timeout, "headers": {"User-Agent": USER_AGENT}, "limits": _LIMITS}
    if transport is not None:
        return {**options, "transport": transport}
    return {**options, "verify": _ssl_context(), "mounts": dict.fromkeys(_LOOPBACK)}


@contextlib.contextmanager
def translated(url: str) -> Iterator[None]:
    """Turn what httpx raises into a TransportError that says whether the request may have been sent."""
    try:
        yield
    except KieError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
        sent = not isinstance(error, _NOT_SENT)
        host = url.split("/", 3)[2] if "://" in url else url
        what = "no answer from" if sent else "cannot connect to"
        reason = str(error) or type(error).__name__
        hopeless = "CERTIFICATE" in reason.upper() or isinstance(error, _HOPELESS)
        here = not sent and is_loopback(_name_of(host))
        raise TransportError(f"{what} {host}: {reason}", sent=sent, retryable=not (hopeless or here)) from None


def _name_of(host: str) -> str | None:
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname
    except ValueError:
        return None
