"""A record of every request, for assertions."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from attrs import define
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_REQUESTS = 10_000
MAX_BODY = 16 * 1024


@define(eq=False)
class RecordedRequest:
    """A request and what became of it.

    Attributes:
        method: ``GET``, ``POST``, ...
        path: The path, decoded, without the query.
        query: The query as it stands in the URL.
        headers: The headers, their names in lower case.
        body: The first 16 KiB of the body.
        status: The HTTP status of the answer; None if there was none.
        code: The ``code`` of the answer's envelope; None if it had none.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = b""
    status: int | None = None
    code: int | None = None

    def json(self) -> Any:
        """Return the body read as JSON."""
        return json.loads(self.body)


class RecordRequests:
    """ASGI middleware that records the requests that pass, the latest 10,000 of them."""

    def __init__(self, app: ASGIApp, requests: deque[RecordedRequest]) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and note it with its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = RecordedRequest(
            scope["method"], scope["path"], scope["query_string"].decode(), dict(Headers(scope=scope))
        )
        self._requests.append(record)
        answer = _Answer(record)

        async def recorded_receive() -> Message:
            message = await receive()
            if len(record.body) < MAX_BODY:
                record.body += message.get("body", b"")[: MAX_BODY - len(record.body)]
            return message

        async def recorded_send(message: Message) -> None:
            # Noted before it is sent: whoever has the answer must find it recorded.
            answer.note(message)
            await send(message)

        await self._app(scope, recorded_receive, recorded_send)


class _Answer:
    """Reads status and code off the messages of an answer."""

    def __init__(self, record: RecordedRequest) -> None:
        self._record = record
        self._is_json = False
        self._body = b""

    def note(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._record.status = message["status"]
            content_type = Headers(raw=message["headers"]).get("content-type", "")
            self._is_json = content_type.startswith("application/json")
        elif self._is_json:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self._record.code = _code(self._body)


def _code(body: bytes) -> int | None:
    try:
        envelope = json.loads(body)
    except ValueError:
        return None
    code = envelope.get("code") if isinstance(envelope, dict) else None
    return code if isinstance(code, int) else None
