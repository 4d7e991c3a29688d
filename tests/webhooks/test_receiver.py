"""What a receiver answers to requests of every kind, and that what it refuses changes nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from kie_registry import ConfigurationError, Kie
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.secret import Secret
from kie_registry.testing.serving import client_options, fast_sandbox
from kie_registry.webhooks import Receipt, Receiver, reading, receiver as receiving
from tests.webhooks.conftest import KEY, MODEL, Poster, says, served, signed

BIG = b" " * (reading.MAX_BODY + 1)


@frozen
class Desk:
    """A receiver that is served, and a job in its ledger whose task is running as far as that knows."""

    box: Sandbox
    ledger: SqliteLedger
    kie: Kie
    post: Poster
    receipts: list[Receipt]

    def running(self) -> Job:
        """Return a job whose task has ended, which the ledger does not know."""
        task = self.kie.submit(MODEL, "a cat")
        job = self.ledger.find(self.kie._calls.session.account, task.id)
        assert job is not None
        return job

    def now(self, job: Job) -> State:
        found = self.ledger.get(job.id)
        assert found is not None
        return found.state


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests here, each of which has a job of its own."""
    ledger = SqliteLedger(tmp_path_factory.mktemp("ledger") / "jobs.sqlite3")
    receipts: list[Receipt] = []
    with fast_sandbox(latency=0) as box, Kie(box.key, ledger=ledger, **client_options(box)) as kie:
        app = Receiver(kie, key=KEY, path="/hook", on_receipt=receipts.append)
        with served(app) as url:
            yield Desk(box, ledger, kie, Poster(f"{url}hook"), receipts)


def test_a_callback_is_taken(desk: Desk) -> None:
    job = desk.running()
    task_id = str(job.task_id)
    assert desk.post(says(task_id), headers=signed(task_id)) == 200
    assert desk.now(job) == State.SUCCEEDED
    assert desk.receipts[-1] == Receipt(200, "taken", task_id, job.id, MODEL, "success")


def test_a_duplicate_is_refused(desk: Desk) -> None:
    task_id = str(desk.running().task_id)
    headers = signed(task_id)
    assert [desk.post(says(task_id), headers=headers) for _ in range(3)] == [200, 409, 409]


def test_a_forged_body_under_a_good_signature_is_not_believed(desk: Desk) -> None:
    job = desk.running()
    task_id = str(job.task_id)
    assert desk.post(says(task_id, "fail"), headers=signed(task_id)) == 200
    assert desk.now(job) == State.SUCCEEDED


Request = Callable[[str], dict[str, Any]]

REFUSED: dict[str, tuple[int, Request]] = {
    "unsigned": (401, lambda task: {"headers": {}}),
    "without its time": (401, lambda task: {"headers": {"X-Webhook-Signature": "x"}}),
    "forged": (401, lambda task: {"headers": signed(task, key="another")}),
    "signed for another task": (401, lambda task: {"headers": signed("another")}),
    "stale": (401, lambda task: {"headers": signed(task, ago=400)}),
    "of the future": (401, lambda task: {"headers": signed(task, ago=-400)}),
    "with another time": (
        401,
        lambda task: {
            "headers": {**signed(task), "X-Webhook-Timestamp": signed(task, ago=2)["X-Webhook-Timestamp"]}
        },
    ),
    "no JSON": (400, lambda task: {"body": b"<html>"}),
    "empty": (400, lambda task: {"body": b""}),
    "cut short": (400, lambda task: {"body": json.dumps(says(task)).encode()[:-3]}),
    "without a task": (400, lambda task: {"body": b"{}"}),
    "too deep": (400, lambda task: {"body": b"[" * 100_000}),
    "at another path": (404, lambda task: {"at": "elsewhere"}),
}


@pytest.mark.parametrize(("status", "request_of"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_changes_nothing_and_is_logged(
    desk: Desk, status: int, request_of: Request, caplog: pytest.LogCaptureFixture
) -> None:
    job = desk.running()
    task_id = str(job.task_id)
    asked = {"body": says(task_id), "headers": signed(task_id), "at": "hook", **request_of(task_id)}
    caplog.set_level(logging.WARNING, "kie_registry")
    url = desk.post.url.replace("hook", asked["at"])
    assert desk.post(asked["body"], headers=asked["headers"], url=url) == status
    assert desk.now(job) == State.RUNNING
    (record,) = [each for each in caplog.records if getattr(each, "kind", None) == "callback"]
    assert (record.levelname, f"answered with {status}" in record.getMessage()) == ("WARNING", True)
    assert KEY not in record.getMessage()
    assert desk.receipts[-1].status == status


def test_a_task_that_nobody_knows(desk: Desk) -> None:
    assert desk.post(says("stranger"), headers=signed("stranger")) == 404


def test_a_record_that_cannot_be_read_is_asked_for_again(desk: Desk) -> None:
    job = desk.running()
    task_id = str(job.task_id)
    desk.box.answer_next("recordInfo", status=500)
    first = desk.post(says(task_id), headers=signed(task_id))
    assert (first, desk.now(job)) == (503, State.RUNNING)
    assert desk.post(says(task_id), headers=signed(task_id)) == 200


@pytest.mark.parametrize("method", [b"GET", b"PUT", b"DELETE"])
def test_another_method_is_told_the_right_one(desk: Desk, method: bytes) -> None:
    answer = raw(desk, method + b" /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"allow: post" in answer.lower()


def test_a_huge_body_is_refused_by_its_length_alone(desk: Desk) -> None:
    """None of it is sent, and the answer comes."""
    head = f"POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {10**12}\r\n{lines(signed('t'))}\r\n"
    assert raw(desk, head.encode()).startswith(b"HTTP/1.1 413")


def test_a_huge_body_in_chunks_is_refused_while_it_is_read(desk: Desk) -> None:
    head = f"POST /hook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{lines(signed('t'))}\r\n"
    chunk = b"%x\r\n%s\r\n" % (len(BIG), BIG)
    assert raw(desk, head.encode() + chunk).startswith(b"HTTP/1.1 413")


def lines(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items())


def raw(desk: Desk, request: bytes) -> bytes:
    """Send these bytes, and return the beginning of the answer."""
    port = int(desk.post.url.rsplit(":", 1)[1].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        return connection.recv(4096)


# What a server hands on, without a server.


def asked(receiver: Receiver, *messages: dict[str, Any], **scope: Any) -> int:
    """Return what a receiver answers to a request in these parts; after the last of them nothing comes."""
    start = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
    sent: list[dict[str, Any]] = []
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0) if waiting else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(receiver({**start, **scope}, receive, send))
    status: int = sent[0]["status"]
    return status


def raw_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@pytest.fixture
def app(kie: Kie) -> Receiver:
    """One without a ledger, to which all tasks are strangers."""
    return Receiver(kie, key=KEY)


def whole(task_id: str = "t") -> dict[str, Any]:
    return {"type": "http.request", "body": json.dumps(says(task_id)).encode()}


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_names_of_headers_may_be_written_in_any_case(app: Receiver, change: Callable[[str], str]) -> None:
    headers = raw_headers({change(name): value for name, value in signed("t").items()})
    assert asked(app, whole(), headers=headers) == 404


def test_two_signatures_are_none(app: Receiver) -> None:
    headers = [*raw_headers(signed("t")), (b"x-webhook-signature", b"another")]
    assert asked(app, whole(), headers=headers) == 401


@pytest.mark.parametrize(
    ("length", "messages", "status"),
    [
        (None, [{"type": "http.request", "body": b'{"task', "more_body": True}, {"type": "http.disconnect"}], 400),
        (None, [{"type": "http.disconnect"}], 400),
        ("5000", [whole()], 400),
        ("-1", [whole()], 400),
        ("many", [whole()], 400),
        ("9" * 50, [whole()], 400),
        ("", [whole()], 400),
    ],
)
def test_what_breaks_off_is_refused(
    app: Receiver, length: str | None, messages: list[dict[str, Any]], status: int
) -> None:
    headers = raw_headers({**signed("t"), **({} if length is None else {"Content-Length": length})})
    assert asked(app, *messages, headers=headers) == status


def test_a_body_in_parts_is_put_together(app: Receiver) -> None:
    body: bytes = whole()["body"]
    parts = [
        {"type": "http.request", "body": body[at : at + 7], "more_body": True} for at in range(0, len(body), 7)
    ]
    assert asked(app, *parts, {"type": "http.request"}, headers=raw_headers(signed("t"))) == 404


def test_a_slow_sender_is_not_waited_for(app: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BODY_WITHIN", 0.01)
    part = {"type": "http.request", "body": b"{", "more_body": True}
    assert asked(app, part, headers=raw_headers(signed("t"))) == 408


def test_a_slow_record_is_not_waited_for(
    box: Sandbox, open_kie: Callable[..., Kie], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "TAKE_WITHIN", 0.05)
    kie = open_kie(ledger=tmp_path / "jobs.sqlite3")
    box.end_next(latency=0)
    task = kie.submit(MODEL, "a cat")
    box.answer_next("recordInfo", delay=0.3)
    app = Receiver(kie, key=KEY)
    assert asked(app, whole(task.id), headers=raw_headers(signed(task.id))) == 503


@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        (None, {"path": "/any/where"}, 401),
        ("/hook", {"path": "/hook/"}, 401),
        ("hook", {"path": "/app/hook", "root_path": "/app"}, 401),
        ("/hook", {"path": "/hook", "root_path": "/app"}, 401),
        ("/", {"path": "/app/", "root_path": "/app"}, 401),
        ("/", {"path": "/app", "root_path": "/app"}, 401),
        ("/hook", {"path": "/app/other", "root_path": "/app"}, 404),
    ],
)
def test_the_path_is_that_below_the_mount(kie: Kie, path: str | None, scope: dict[str, str], status: int) -> None:
    assert asked(Receiver(kie, key=KEY, path=path), whole(), **scope) == status


def test_unsigned_callbacks_are_taken_where_the_user_says_so(kie: Kie) -> None:
    assert asked(Receiver(kie, unsigned=True), whole()) == 404


def test_a_failing_listener_does_not_change_the_answer(kie: Kie, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Receipt) -> None:
        raise RuntimeError("a bug of the user's")

    app = Receiver(kie, unsigned=True, on_receipt=fail)
    assert asked(app, whole()) == 404
    assert any(each.levelname == "ERROR" and each.exc_info for each in caplog.records)


def test_a_server_that_tells_when_it_starts_and_stops(app: Receiver) -> None:
    sent: list[Any] = []
    waiting = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("options", [{}, {"key": ""}, {"key": KEY, "unsigned": True}])
def test_it_is_one_or_the_other_a_key_or_unsigned(
    kie: Kie, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KIE_WEBHOOK_KEY", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        Receiver(kie, **options)
    assert KEY not in str(caught.value)


def test_the_key_comes_from_the_environment(kie: Kie, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_WEBHOOK_KEY", KEY)
    assert asked(Receiver(kie), whole(), headers=raw_headers(signed("t"))) == 404


@pytest.mark.parametrize("key", [KEY, Secret(KEY)])
def test_the_key_is_not_shown(kie: Kie, key: str | Secret) -> None:
    app = Receiver(kie, key=key)
    assert KEY not in f"{app!r} {vars(app)!r}"
