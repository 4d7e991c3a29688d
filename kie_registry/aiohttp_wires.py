"""Asynchronous requests to kie.ai through aiohttp, where that is installed.

httpx's own pool looks through all of its connections at each request, so that with a hundred of them a request
costs many times what aiohttp takes. Only what is small goes this way: files come and go through httpx.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping

import aiohttp
import httpx

# Before 3.10 there are none of these; such an aiohttp is as good as none.
from aiohttp import ConnectionTimeoutError, SocketTimeoutError
from yarl import URL

from kie_registry.bodies import append, is_short, read_unpacked
from kie_registry.transfers import Reply

_CHUNK = 1 << 16
# Servers may close what is idle for five seconds; what is sent at that moment is lost.
_KEPT_IDLE = 4.0
_NOT_CONNECTED = (aiohttp.ClientConnectorError, ConnectionTimeoutError)
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionTimeoutError, "there was no connection in time"),
    (SocketTimeoutError, "nothing came in time"),
    (TimeoutError, "it did not end in time"),
    (aiohttp.ServerDisconnectedError, "the server disconnected without an answer"),
    (aiohttp.ClientPayloadError, "the answer broke off"),
    (aiohttp.ClientResponseError, "the answer is no valid HTTP"),
)


class AiohttpWire:
    """The connections of one event loop to one origin, for requests with the key.

    Raises what httpx would, with the same meaning: ``ConnectError`` where certainly nothing was sent, another
    ``httpx.HTTPError`` wherever something may have been.

    Args:
        origin: The scheme, the host and the port.
        headers: The headers of each request.
        timeout: Seconds for each step; the whole request has three times as many.
        limit: The most connections at once.
        context: What certificates are checked with; None where there is no TLS.
    """

    def __init__(
        self,
        origin: str,
        headers: Mapping[str, str],
        *,
        timeout: float,
        limit: int | None,
        context: ssl.SSLContext | None,
    ) -> None:
        self._origin = URL(origin, encoded=True)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limit or 0,
                keepalive_timeout=_KEPT_IDLE,
                ssl=context or False,
                # Where aiodns is installed aiohttp takes that, which knows nothing of names of this machine alone.
                resolver=aiohttp.ThreadedResolver(),
            ),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            # To wait for a connection, and to make it, are two steps.
            timeout=aiohttp.ClientTimeout(
                total=3 * timeout, connect=2 * timeout, sock_connect=timeout, sock_read=timeout
            ),
            auto_decompress=False,
        )

    async def send(self, method: str, target: str, body: bytes | None) -> Reply:
        """Send a request and return the answer with its body.

        Args:
            method: The method.
            target: The path and the query, as they are to be sent.
            body: A body of JSON, or None.

        Raises:
            httpx.HTTPError: No answer came.
            TransportError: The answer will not be read.
        """
        path, _, query = target.partition("?")
        url = URL.build(
            scheme=self._origin.scheme,
            authority=self._origin.raw_authority,
            path=path,
            query_string=query,
            encoded=True,
        )
        data = None
        if body is not None:
            data = aiohttp.BytesPayload(body, content_type="application/json")
            # What creates something is sent once only. So the loop first hears of connections that the server has
            # closed: in its next turn they are ready, and in the one after that they are read.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        try:
            response = await self._session.request(method, url, data=data, allow_redirects=False)
            try:
                return Reply(response.status, await _content(response))
            finally:
                # Without effect on a connection whose answer was read to its end.
                response.close()
        except _NOT_CONNECTED as error:
            raise httpx.ConnectError(_reason(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            # aiohttp tells a connection that breaks from one that never was by the class alone.
            raise httpx.ReadError(_reason(error)) from error

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


class _Pieces(httpx.AsyncByteStream):
    """A body on its way, for httpx to unpack."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it a piece at a time."""
        async for piece in self._response.content.iter_chunked(_CHUNK):
            yield piece


async def _content(response: aiohttp.ClientResponse) -> bytes:
    headers = response.headers
    if is_short(headers):
        return await response.read()
    if "content-encoding" in headers:
        encodings = [("content-encoding", each) for each in headers.getall("content-encoding")]
        return await read_unpacked(httpx.Response(response.status, headers=encodings, stream=_Pieces(response)))
    content = bytearray()
    async for piece in response.content.iter_chunked(_CHUNK):
        append(content, piece)
    return bytes(content)


def _reason(error: Exception) -> str:
    """Say what went wrong without a word of the server's, which may hold what it was sent."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        return str(error.os_error)
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), None)
    return words or (str(error) if isinstance(error, OSError) else type(error).__name__)
