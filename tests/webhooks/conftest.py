"""Receivers served over real HTTP, and signed callbacks for them."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
from attrs import frozen

from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import fast_sandbox
from kie_registry.webhooks import sign

KEY = "the-webhook-key"
MODEL = "nano-banana-pro"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox that signs its callbacks, and does not wait long before it sends one again."""
    with fast_sandbox(latency=0.05, webhook_key=KEY, callback_retry=0.05) as sandbox:
        yield sandbox


def server_of(app: Any, **options: Any) -> uvicorn.Server:
    """Return a server of an ASGI application."""
    quiet = {"log_config": None, "access_log": False, "ws": "none", "lifespan": "on"}
    return uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, **{**quiet, **options}))


@contextlib.contextmanager
def served(app: Any, **options: Any) -> Iterator[str]:
    """Serve an ASGI application from a thread; yield its address."""
    server = server_of(app, **options)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join()


@frozen
class Poster:
    """Posts callbacks to one receiver."""

    url: str

    def __call__(
        self, body: bytes | dict[str, Any], *, headers: dict[str, str] | None = None, url: str = "", **options: Any
    ) -> int:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with httpx.Client(trust_env=False) as http:
            return http.post(url or self.url, content=content, headers=headers or {}, **options).status_code


def signed(task_id: str, *, key: str = KEY, ago: float = 0) -> dict[str, str]:
    """Return the headers of a callback that was signed some seconds ago."""
    timestamp = str(int(time.time() - ago))
    return {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": sign(key, task_id, timestamp)}


def says(task_id: str, state: str = "success") -> dict[str, Any]:
    """Return the body of a callback."""
    return {"code": 200, "msg": "success", "data": {"taskId": task_id, "state": state}}


def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until something holds, and return it; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return found
