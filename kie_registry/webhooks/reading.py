"""The parts of an ASGI request that a receiver needs, read within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MAX_BODY = 1024 * 1024
"""Bytes in the body of a callback."""

BODY_WITHIN = 5.0
"""Seconds in which it must have arrived."""


class Refusal(Exception):
    """The request is answered with this HTTP status, for this reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Return the headers, their names in lower case; without those that came twice and differ."""
    headers: dict[str, str] = {}
    twice = set()
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if headers.setdefault(name, value) != value:
            twice.add(name)
    return {name: value for name, value in headers.items() if name not in twice}


def path_of(scope: Scope) -> str:
    """Return the path below that at which the application is mounted, without a slash at its end."""
    path: str = scope["path"]
    # Frameworks differ in whether they cut off what leads to a mounted application.
    below = path.removeprefix(scope.get("root_path", ""))
    return "/" + below.strip("/")


async def read_body(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """Return the whole body.

    Raises:
        Refusal: It is too large, too slow, or not as long as its ``Content-Length`` says.
    """
    announced = _announced_length(headers)
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await _read_all(receive)
    except TimeoutError:
        raise Refusal(408, f"its body did not arrive within {BODY_WITHIN:g} s") from None
    if announced not in (None, len(body)):
        raise Refusal(400, f"its body has {len(body)} bytes, where its Content-Length says {announced}")
    return body


def _announced_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Refusal(400, "its Content-Length is no number of bytes")
    _check_length(int(text))
    return int(text)


async def _read_all(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, f"it broke off after {len(body)} bytes of its body")
        body += message.get("body", b"")
        _check_length(len(body))
        if not message.get("more_body", False):
            return bytes(body)


def _check_length(length: int) -> None:
    if length > MAX_BODY:
        raise Refusal(413, f"its body is larger than {MAX_BODY} bytes")
