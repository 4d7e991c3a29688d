"""Serving a receiver by itself: senders that never come to the point."""

from __future__ import annotations

import json
import socket

import pytest

from kie_registry import Kie
from kie_registry.webhooks import Receiver, serving
from tests.webhooks.conftest import says, served


def begin(url: str) -> socket.socket:
    port = int(url.rsplit(":", 1)[1].strip("/"))
    return socket.create_connection(("127.0.0.1", port), timeout=20)


@pytest.mark.parametrize("beginning", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "])
def test_headers_that_do_not_come_are_not_waited_for(
    kie: Kie, beginning: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEADERS_WITHIN", 0.05)
    app = Receiver(kie, unsigned=True)
    with served(app, http=serving.ImpatientProtocol) as url, begin(url) as connection:
        connection.sendall(beginning)
        assert connection.recv(100) == b""


def test_a_body_that_takes_longer_is_waited_for(kie: Kie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEADERS_WITHIN", 0.01)
    body = json.dumps(says("t")).encode()
    app = Receiver(kie, unsigned=True)
    with served(app, http=serving.ImpatientProtocol) as url, begin(url) as connection:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        # The time for headers passes while the body is outstanding.
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(20)
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 404")
