"""A way to a PostgreSQL server that breaks when a certain statement passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

Breaking = Literal["before", "after", "unheard"]
"""When it breaks: before the server has the statement, after it has answered, or before, and the server hears of
nothing, as where a network is cut."""


class Proxy:
    """Listens on a socket in `home`, and leads to the server's own.

    Attributes:
        broken: How often it broke.
    """

    def __init__(self, home: Path, server: str) -> None:
        self.home = home
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(home / Path(server).name))
        self._listener.listen()
        self._open: list[socket.socket] = [self._listener]
        self._statement: bytes | None = None
        self._breaking: Breaking = "before"
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def break_at(self, statement: str, breaking: Breaking) -> None:
        """Break once, at the next statement that holds these words."""
        self._statement, self._breaking = statement.encode(), breaking

    def close(self) -> None:
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._open += (client, server)
                threading.Thread(target=self._lead, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _lead(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := client.recv(65536):
                if self._statement is not None and self._statement in said:
                    self._statement = None
                    self._break(client, server, said)
                    return
                server.sendall(said)
            server.shutdown(socket.SHUT_RDWR)

    def _break(self, client: socket.socket, server: socket.socket, said: bytes) -> None:
        self.broken += 1
        if self._breaking == "after":
            client.shutdown(socket.SHUT_RD)
            self._swallow = server
            server.sendall(said)
            return
        client.shutdown(socket.SHUT_RDWR)
        if self._breaking == "before":
            server.shutdown(socket.SHUT_RDWR)

    _swallow: socket.socket | None = None

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65536):
                if server is self._swallow:
                    break
                client.sendall(said)
            for each in (client, server):
                each.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(home: Path, server: str) -> Iterator[Proxy]:
    """Run a proxy to the socket of a server."""
    made = Proxy(home, server)
    try:
        yield made
    finally:
        made.close()
