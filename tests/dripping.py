"""A server that sends a little now and then: too often for a timeout of each step, and as good as never done."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

# The answer ends after about two seconds, so that a client with endless patience is seen to have it.
DRIPS = 60
_PAUSE = 0.03


class _Dripping:
    def __init__(self, start: bytes, drip: bytes, end: bytes, pause: float) -> None:
        self._start, self._drip, self._end, self._pause = start, drip, end, pause
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self.address = self._listener.getsockname()
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        # It may be waiting for the next request.
        socket.create_connection(self.address).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            connection, _ = self._listener.accept()
            # Clients leave.
            with connection, contextlib.suppress(OSError):
                connection.recv(1 << 16)
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.sendall(self._start)
        for _ in range(DRIPS):
            if self._stopped.wait(self._pause):
                return
            connection.sendall(self._drip)
        connection.sendall(self._end)


@contextlib.contextmanager
def dripping(start: bytes, drip: bytes, end: bytes = b"", *, pause: float = _PAUSE) -> Iterator[str]:
    """Serve `start`, then `drip` again and again, `pause` seconds apart, then `end`; yields the address."""
    server = _Dripping(start, drip, end, pause)
    try:
        yield f"http://127.0.0.1:{server.address[1]}"
    finally:
        server.stop()
