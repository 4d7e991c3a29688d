"""Connections that break: what a client sees when the network or the server fails.

ASGI has no way to close a connection without an answer, so the server's protocol offers one as an extension.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_EXTENSION = "kie_registry.cut"


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, whose connections an application can close at any moment."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[_EXTENSION] = self.transport.close
            await inner(scope, receive, send)

        self.app = app


async def cut(scope: Scope, receive: Receive) -> None:
    """Close the connection. What was sent before still arrives; nothing follows.

    Raises:
        ConnectionAbortedError: The server is another one than the sandbox's own, and cannot do it.
    """
    close = scope.get("extensions", {}).get(_EXTENSION)
    if close is None:
        raise ConnectionAbortedError("this server cannot cut connections; use kie_registry.sandbox.Sandbox")
    close()
    # The server takes a return without an answer for a mistake until it has noticed the disconnection.
    message: Message = {}
    while message.get("type") != "http.disconnect":
        message = await receive()


class Cut(Response):
    """No answer: the connection is closed instead."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Close the connection."""
        await cut(scope, receive)
