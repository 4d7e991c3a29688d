"""Scripted answers: what a sandbox is told to answer to the next requests."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from typing import Any, Literal

from attrs import field, frozen, validators
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kie_registry.sandbox.cutting import cut

Cutting = Literal["before", "after", "midway"]


@frozen(kw_only=True)
class ScriptedAnswer:
    """An answer to one request.

    Attributes:
        path: A part of the path of the requests it is for.
        response: What to answer; None for the answer that the sandbox gives by itself.
        accepted: Whether the request is carried out (and billed) first.
        cut: Where the connection breaks: before the request is carried out, after it, or midway in the answer.
        delay: Seconds to wait before answering, after the request was carried out.
    """

    path: str
    response: Response | None
    accepted: bool
    cut: Cutting | None = field(validator=validators.in_([None, "before", "after", "midway"]))
    delay: float


def response(
    *,
    code: int | None,
    message: str,
    data: Any,
    json_body: Any,
    body: str | bytes | None,
    status: int,
    headers: Mapping[str, str] | None,
) -> Response | None:
    """Make the response of a scripted answer; None if nothing of it was given."""
    if body is not None:
        return Response(body, status, headers, media_type="text/html")
    if json_body is None:
        if code is None and data is None and status == 200:
            return None
        json_body = {"code": status if code is None else code, "msg": message, "data": data}
    return Response(json.dumps(json_body), status, headers, media_type="application/json")


class Script:
    """The answers still to be given. May be added to from any thread."""

    def __init__(self) -> None:
        self._answers: list[ScriptedAnswer] = []
        self._lock = threading.Lock()

    def add(self, answer: ScriptedAnswer, times: int) -> None:
        """Append an answer, to be given so many times."""
        with self._lock:
            self._answers.extend([answer] * times)

    def take(self, path: str) -> ScriptedAnswer | None:
        """Remove and return the first answer for a request to `path`."""
        with self._lock:
            for index, answer in enumerate(self._answers):
                if answer.path in path:
                    return self._answers.pop(index)
        return None


class AnswerByScript:
    """ASGI middleware that answers as the script says, and passes on what it says nothing about."""

    def __init__(self, app: ASGIApp, script: Script, closing: asyncio.Event) -> None:
        self._app = app
        self._script = script
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self._script.take(scope["path"]) if scope["type"] == "http" else None
        if answer is None:
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        if answer.accepted:
            await self._app(scope, receive, keep)
        else:
            await _read(receive)
        if answer.response is not None:
            messages.clear()
            await answer.response(scope, receive, keep)
        stopped = await self._wait(answer.delay)
        # Where the client has left there may be nothing to send.
        if answer.cut == "midway" and messages:
            await _send(_first_half(messages), send)
        if answer.cut or stopped:
            await cut(scope, receive)
        else:
            await _send(messages, send)

    async def _wait(self, seconds: float) -> bool:
        """Wait, and tell whether the sandbox was stopped meanwhile."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self._closing.wait(), seconds)
            except TimeoutError:
                return False
            return True
        return False


async def _read(receive: Receive) -> None:
    """Read the body of a request, as any server would before it fails."""
    while (await receive()).get("more_body", False):
        pass


async def _send(messages: list[Message], send: Send) -> None:
    for message in messages:
        await send(message)


def _first_half(messages: list[Message]) -> list[Message]:
    """Return an answer's start and the first half of its body, to be followed by more."""
    body = b"".join(message.get("body", b"") for message in messages)
    half = {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
    return [messages[0], half]
