"""Read the bodies of answers: none larger than any answer is, and none compressed as was not asked for."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from kie_registry.errors import TransportError
from kie_registry.wording import clip

_MOST_ANSWER_BYTES = 32 << 20
_UNPACKED = ("", "identity", "gzip", "deflate")


async def read_unpacked(response: httpx.Response) -> bytes:
    """Read a body of unknown size, and unpack it; raises TransportError where that will not be done."""
    check_encoding(response)
    content = bytearray()
    async for chunk in response.aiter_bytes():
        append(content, chunk)
    return bytes(content)


def is_short(headers: Mapping[str, str]) -> bool:
    """Whether a head promises a body that is not compressed, and of which there is no need to be afraid."""
    length = headers.get("content-length", "")
    return "content-encoding" not in headers and length.isdecimal() and int(length) <= _MOST_ANSWER_BYTES


def can_unpack(response: httpx.Response) -> bool:
    """Whether a body may be unpacked, a piece at a time.

    Where it is compressed more than once, or as httpx can with packages that happen to be installed, one piece
    may become more than memory holds.
    """
    return _encoding(response) in _UNPACKED


def _encoding(response: httpx.Response) -> str:
    encoding: str = response.headers.get("content-encoding", "")
    return encoding.strip().lower()


def check_encoding(response: httpx.Response) -> None:
    """Raise TransportError where a body is compressed in another way than was asked for."""
    if not can_unpack(response):
        found = clip(_encoding(response))
        raise TransportError(f"the answer came compressed as {found!r}, which was not asked for", sent=True)


def append(content: bytearray, chunk: bytes) -> None:
    """Add a piece of a body; raises TransportError where it comes to more than any answer has."""
    content += chunk
    if len(content) > _MOST_ANSWER_BYTES:
        raise TransportError(
            f"the answer has more than {_MOST_ANSWER_BYTES >> 20} MiB, which no answer of kie.ai has", sent=True
        )
