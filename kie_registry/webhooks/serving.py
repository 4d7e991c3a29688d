"""Serve a receiver by itself, under uvicorn, until interrupted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from kie_registry.errors import ConfigurationError
from kie_registry.webhooks.receiver import Receiver

try:
    import h11
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol
except ModuleNotFoundError as error:
    raise ConfigurationError(
        f"`kie webhook listen` needs {error.name}, which is not installed: pip install 'kie-registry[webhook]'"
    ) from error

HEADERS_WITHIN = 10.0
"""Seconds in which the headers of a request must have arrived."""

_CONNECTIONS = 256


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which else waits for the headers of a request without end."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request, though not for long."""
        super().connection_made(transport)
        self.loop.call_later(HEADERS_WITHIN, self._leave_if_nothing_came)

    def _leave_if_nothing_came(self) -> None:
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


class _Server(uvicorn.Server):
    """A server that tells when it is ready, and can be interrupted."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(receiver: Receiver, host: str, port: int, started: Callable[[str], object]) -> None:
    """Serve until interrupted; `started` is told the address.

    Raises:
        ConfigurationError: The port is in use, or the host is no address of this machine.
    """
    with _listen(host, port) as listener:
        config = uvicorn.Config(
            receiver,
            http=ImpatientProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            limit_concurrency=_CONNECTIONS,
            # One request for each connection, so that none of them can idle.
            headers=[("Connection", "close")],
        )
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listener.getsockname()[1]}"
        await _Server(config, lambda: started(address)).serve(sockets=[listener])
        # uvicorn hands an interruption on when it has ended. Here it arrives, before anything else is closed.
        await asyncio.sleep(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_CONNECTIONS)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"callbacks cannot be listened for on {host}, port {port}: {reason}") from error
