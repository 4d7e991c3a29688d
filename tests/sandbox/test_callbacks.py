"""Callbacks: when they come, what they hold, and where they never go."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field

from kie_registry.webhooks import verify
from tests.sandbox.conftest import Asker, Serve, serve_in, until


@define
class Receiver:
    """What was posted, and what to answer to it in turn (200 in the end)."""

    url: str
    answers: list[int]
    bodies: list[Any] = field(factory=list)
    headers: list[Any] = field(factory=list)


@contextmanager
def receiving(*answers: int) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            receiver.headers.append(self.headers)
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook", list(answers))
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def ask() -> Iterator[Asker]:
    """A sandbox that does not wait long before it sends again."""
    with ExitStack() as stack:
        yield serve_in(stack, callback_retry=0.01)


def test_the_record_is_posted_when_the_task_ends(ask: Asker) -> None:
    ask.box.end_next(latency=0.05)
    with receiving() as receiver:
        task_id = ask.create(callback=receiver.url)["data"]["taskId"]
        until(lambda: receiver.bodies)
        assert receiver.bodies == [{"code": 200, "msg": "success", "data": ask.record(task_id)["data"]}]
        until(lambda: ask.box.callbacks[-1].state == "delivered")


def test_a_failure_is_posted_with_code_501(ask: Asker) -> None:
    ask.box.end_next(fail_code="501", fail_message="tired")
    with receiving() as receiver:
        ask.create(callback=receiver.url)
        until(lambda: receiver.bodies)
    assert (receiver.bodies[0]["code"], receiver.bodies[0]["data"]["state"]) == (501, "fail")


def test_it_is_signed_with_the_webhook_key(serve: Serve) -> None:
    ask = serve(webhook_key="secret")
    with receiving() as receiver:
        task_id = ask.create(callback=receiver.url)["data"]["taskId"]
        until(lambda: receiver.headers)
    headers = receiver.headers[0]
    assert verify("secret", task_id, headers["X-Webhook-Timestamp"], headers["X-Webhook-Signature"])


def test_it_is_unsigned_without_a_webhook_key(ask: Asker) -> None:
    with receiving() as receiver:
        ask.create(callback=receiver.url)
        until(lambda: receiver.headers)
    assert [name for name in receiver.headers[0] if name.lower().startswith("x-webhook")] == []


@pytest.mark.parametrize(
    ("answers", "state", "statuses"),
    [
        ([500, 302], "delivered", [500, 302, 200]),
        ([500, 500, 500, 500, 200], "dropped", [500, 500, 500, 500]),
    ],
)
def test_it_is_sent_again_three_times(ask: Asker, answers: list[int], state: str, statuses: list[int]) -> None:
    with receiving(*answers) as receiver:
        ask.create(callback=receiver.url)
        until(lambda: ask.box.callbacks[-1].state != "pending")
    assert (ask.box.callbacks[-1].state, ask.box.callbacks[-1].statuses) == (state, statuses)


def test_a_receiver_that_is_not_there(ask: Asker) -> None:
    ask.create(callback="http://127.0.0.1:1/hook")
    until(lambda: ask.box.callbacks[-1].state == "dropped")
    assert ask.box.callbacks[-1].statuses == [None] * 4


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://localhost.example.com/",
        "http://127.0.0.1.nip.io/",
        "http://10.0.0.1/",
        "http://127.0.0.1@example.com/",
        "ftp://127.0.0.1/",
    ],
)
def test_no_other_machine_is_contacted(ask: Asker, url: str) -> None:
    ask.create(callback=url)
    until(lambda: ask.box.callbacks[-1].state == "skipped")
    assert ask.box.callbacks[-1].statuses == []


def test_stopping_gives_up_what_is_pending(serve: Serve) -> None:
    ask = serve(latency=3600)
    ask.create(callback="http://127.0.0.1:1/hook")
    ask.box.stop()
    assert ask.box.callbacks[0].state == "pending"
