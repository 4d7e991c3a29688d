"""A server that answers each connection with bytes written down beforehand, as no well-kept server would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Canned:
    """Answers the first connection with the first of `answers`, and so on; the last one holds for all that follow.

    Attributes:
        url: Its address.
        requests: The heads of the requests that came, in order.
    """

    def __init__(self, *answers: bytes) -> None:
        self._answers = list(answers)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                head = connection.recv(1 << 16)
                if head == b"stop":
                    return
                if not head:
                    continue
                self.requests.append(head.decode("latin-1"))
                connection.sendall(self._answers[0])
                if len(self._answers) > 1:
                    del self._answers[0]

    def stop(self) -> None:
        """Stop serving."""
        with socket.create_connection(self._listener.getsockname()) as connection:
            connection.sendall(b"stop")
        self._thread.join()
        self._listener.close()


@contextmanager
def canned(*answers: bytes) -> Iterator[Canned]:
    """Serve canned answers."""
    server = Canned(*answers)
    try:
        yield server
    finally:
        server.stop()


def http(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer with its length, unless the headers say otherwise; their underscores are dashes."""
    fields = {"connection": "close", "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body
