"""A server that breaks connections off at one point or another, and counts what it was sent before."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import TypeAlias

from tests.canned import http

Step: TypeAlias = Callable[[socket.socket], bool]
"""What comes after a request; returns whether the connection is to be kept."""


def answer(body: bytes, **headers: str) -> Step:
    """Return a step that answers, and keeps the connection."""

    def step(connection: socket.socket) -> bool:
        connection.sendall(http(body, connection="keep-alive", **headers))
        return True

    return step


def half(text: bytes) -> Step:
    """Return a step that sends what is no whole answer, and closes the connection."""

    def step(connection: socket.socket) -> bool:
        connection.sendall(text)
        return False

    return step


def reset(connection: socket.socket) -> bool:
    """Break the connection off as a machine does that knows nothing of it any more."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def silence(connection: socket.socket) -> bool:
    """Say nothing until the client leaves."""
    connection.recv(1)
    return False


class Breaking:
    """Takes a step for each request, the last one for all that follow.

    Attributes:
        url: Its address.
        requests: The requests that came whole, in order.
        connections: How many connections were made.
        closed: Set once one of them has been closed from here.
    """

    def __init__(self, *steps: Step) -> None:
        self._steps = list(steps)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.connections = 0
        self.closed = threading.Event()
        self._stopped = False
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def posts(self) -> int:
        """Return how often something was to be created."""
        return sum(request.startswith(b"POST") for request in self.requests)

    def stop(self) -> None:
        """Stop serving, once the clients have left."""
        self._stopped = True
        socket.create_connection(self._listener.getsockname()).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopped:
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._talk, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while self._receive(connection) and self._next()(connection):
                pass
        self.closed.set()

    def _receive(self, connection: socket.socket) -> bool:
        """Read one request; return whether one came."""
        request = b""
        while not _is_whole(request):
            if not (piece := connection.recv(1 << 16)):
                return False
            request += piece
        self.requests.append(request)
        return True

    def _next(self) -> Step:
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


@contextlib.contextmanager
def breaking(*steps: Step) -> Iterator[Breaking]:
    """Serve in a thread."""
    server = Breaking(*steps)
    try:
        yield server
    finally:
        server.stop()
