"""Requests to kie.ai, with the key, made ready to be sent in either way."""

from __future__ import annotations

import functools
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import httpx

from kie_registry.connections import USER_AGENT, Attempt, origin_of, parse_url
from kie_registry.deadlines import RequestTimeout
from kie_registry.settings import Settings
from kie_registry.transfers import Reply
from kie_registry.wires import AsyncWire

# What stands in a query as it is: nearly every task id.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")
_JSON = (b"Content-Type", b"application/json")


class Requests:
    """Makes requests to kie.ai, with the key.

    Args:
        settings: Holds the key, and how long each step may take.
    """

    def __init__(self, settings: Settings) -> None:
        self._key = settings.api_key
        # httpx's headers do not show the value of this one.
        self._headers = httpx.Headers(
            {
                "Authorization": f"Bearer {self._key.reveal()}",
                "Accept": "application/json",
                "Accept-Encoding": "gzip, deflate",
                "User-Agent": USER_AGENT,
            }
        )
        self._timeout = settings.http_timeout

    def make(self, url: str, kwargs: Mapping[str, Any]) -> httpx.Request:
        """Make a request for httpx's transports, which takes httpx itself twice as long where it holds no file."""
        extensions = {"timeout": RequestTimeout(self._timeout).steps}
        known, method, files = parse_url(url), kwargs["method"], kwargs.get("files")
        if files is not None:
            return httpx.Request(method, known, files=files, headers=self._headers, extensions=extensions)
        body, query = _body(kwargs), _query(kwargs)
        request = httpx.Request(
            method,
            httpx.URL(url + query) if query else known,
            headers=[
                (b"Host", known.netloc),
                *self._headers.raw,
                *(((b"Content-Length", b"%d" % len(body)), _JSON) if body is not None else ()),
            ],
            stream=httpx.ByteStream(body or b""),
            extensions=extensions,
        )
        # A transport of the user's own may look into it.
        request.read()
        return request

    async def send_through(self, wire: AsyncWire, url: str, kwargs: Mapping[str, Any], attempt: Attempt) -> Reply:
        """Send a request through aiohttp where that can be, or else through httpx."""
        origin, path = _split(url)
        quick = None if "files" in kwargs else wire.quick(origin, self._headers, self._timeout)
        if quick is None:
            request = self.make(url, kwargs)
            attempt.leaving = True
            return self.without_key(await wire.send(request))
        body, query = _body(kwargs), _query(kwargs)
        attempt.leaving = True
        return self.without_key(await quick.send(kwargs["method"], path + query, body))

    def without_key(self, reply: Reply) -> Reply:
        """Cut the key out of an answer, because a server may send back what it was sent."""
        key = self._key.reveal().encode()
        if not key or key not in reply.content:
            return reply
        return Reply(reply.status_code, reply.content.replace(key, b"[the key]"))


@functools.lru_cache(maxsize=64)
def _split(url: str) -> tuple[str, str]:
    """Return the origin of an address, and the path, both as they are sent."""
    known = parse_url(url)
    return origin_of(known), known.raw_path.decode("ascii")


def _query(kwargs: Mapping[str, Any]) -> str:
    """Return the query of a request as httpx writes it, with its question mark; or nothing."""
    params = kwargs.get("params")
    if not params:
        return ""
    if len(params) == 1:
        ((name, value),) = params.items()
        if isinstance(value, str) and _PLAIN.fullmatch(value):
            return f"?{name}={value}"
    plain = all(isinstance(value, str) for value in params.values())
    return f"?{urllib.parse.urlencode(params) if plain else httpx.QueryParams(params)}"


def _body(kwargs: Mapping[str, Any]) -> bytes | None:
    """Return the body of a request as httpx writes it; raises ValueError where it is no JSON."""
    if "json" not in kwargs:
        return None
    return json.dumps(kwargs["json"], ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
