"""httpcore's network, with a `RequestTimeout` kept over all reads and writes of a request."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from kie_registry.deadlines import RequestTimeout


class TimedBackend(httpcore.NetworkBackend):
    """Makes connections that keep the time of whole requests."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._backend.connect_tcp(host, port, left, local_address, socket_options))


class AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    """As `TimedBackend`, without blocking."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect."""
        left = _left(timeout, httpcore.ConnectTimeout)
        return _AsyncTimedStream(await self._backend.connect_tcp(host, port, left, local_address, socket_options))


class _TimedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))
        except httpcore.ReadTimeout:
            _check(timeout, httpcore.ReadTimeout)
            raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))
        _earn(timeout, buffer)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _AsyncTimedStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return await self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))
        except httpcore.ReadTimeout:
            _check(timeout, httpcore.ReadTimeout)
            raise

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))
        _earn(timeout, buffer)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _AsyncTimedStream(await self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, kind: type[httpcore.TimeoutException]) -> float | None:
    """Return the seconds that a step may take; raises `kind` where there are none left."""
    _check(timeout, kind)
    return timeout.left() if isinstance(timeout, RequestTimeout) else timeout


def _check(timeout: float | None, kind: type[httpcore.TimeoutException]) -> None:
    if isinstance(timeout, RequestTimeout) and timeout.left() <= 0:
        raise kind(f"it did not end within {timeout.total:g} s")


def _earn(timeout: float | None, buffer: bytes) -> None:
    """Give a file that is sent its time."""
    if isinstance(timeout, RequestTimeout):
        timeout.earn(len(buffer))
