"""The key is looked for wherever somebody may look: reprs, logs, tracebacks with locals, errors, pickles."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import io
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from kie_registry import AsyncKie, Kie, KieError, SubmitOutcomeUnknown, TransportError
from kie_registry.cli.app import app
from kie_registry.events import Event
from kie_registry.http import Http
from kie_registry.sandbox import Sandbox
from kie_registry.secret import Secret
from kie_registry.settings import Settings, home
from kie_registry.testing.serving import client_options, fast_sandbox
from kie_registry.webhooks import Receiver
from tests.canned import canned, http

KEY = "sk-57e1f00dcafe0123456789"
ESCAPED = "".join(f"\\u{ord(character):04x}" for character in KEY)

Options: TypeAlias = dict[str, Any]


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox that takes this key."""
    with fast_sandbox(key=KEY, latency=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """Every record of every logger, at every level."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler, root = Keep(), logging.getLogger()
    loggers = [root, *(logging.getLogger(name) for name in ("httpx", "httpcore", "asyncio", "kie_registry"))]
    before = [logger.level for logger in loggers]
    root.addHandler(handler)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    yield records
    root.removeHandler(handler)
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def traces(error: BaseException) -> Iterator[str]:
    """Yield all that can be seen of an exception, and of those behind it, hidden or not."""
    seen: set[int] = set()
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        links += [link.__cause__, link.__context__]
        lines = traceback.TracebackException(
            type(link), link, link.__traceback__, capture_locals=True, max_group_depth=9
        )
        yield "".join(lines.format(chain=False))
        yield from texts((str(link), link.args, vars(link)))
        with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
            yield pickle.dumps(link).decode("latin-1")


def texts(value: Any) -> Iterator[str]:
    """Yield the text of whatever lies in a value, at any depth."""
    yield f"{value!r} {value!s}"
    if isinstance(value, dict):
        for pair in value.items():
            yield from texts(pair)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from texts(item)
    elif hasattr(value, "__dict__") and not isinstance(value, (type, BaseException)):
        yield repr(vars(value))


def record_texts(record: logging.LogRecord) -> Iterator[str]:
    """Yield all that a handler could make of a record."""
    yield record.getMessage()
    yield from texts(vars(record))
    if record.exc_info and record.exc_info[1] is not None:
        yield from traces(record.exc_info[1])


def assert_hidden(error: BaseException, logged: list[logging.LogRecord]) -> None:
    """Fail where the key shows."""
    found = [text for text in traces(error) if KEY in text]
    found += [text for record in logged for text in record_texts(record) if KEY in text]
    assert found == []


def refused(_: ExitStack) -> Options:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return {"base_url": f"http://127.0.0.1:{port}", "deadline": 0.3}


def timed_out(stack: ExitStack) -> Options:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    return {"base_url": f"http://127.0.0.1:{server.getsockname()[1]}", "http_timeout": 0.05}


def answering(*answers: bytes) -> Callable[[ExitStack], Options]:
    def start(stack: ExitStack) -> Options:
        return {"base_url": stack.enter_context(canned(*answers)).url, "deadline": 0.3}

    return start


def without_tls(stack: ExitStack) -> Options:
    return {"base_url": stack.enter_context(canned(http())).url.replace("http", "https"), "deadline": 0.3}


def through_a_proxy(stack: ExitStack) -> Options:
    patch = stack.enter_context(pytest.MonkeyPatch.context())
    patch.setenv("https_proxy", stack.enter_context(canned(http(b"", "403 Forbidden"))).url)
    return {"base_url": "https://api.example", "deadline": 0.3}


def redirected(stack: ExitStack) -> Options:
    neighbour = stack.enter_context(canned(http(b"{}")))
    own = stack.enter_context(canned(http(b"", "307 Temporary Redirect", location=neighbour.url)))
    stack.callback(lambda: _was_not_asked(neighbour.requests))
    return {"base_url": own.url}


def _was_not_asked(requests: list[str]) -> None:
    assert requests == []


def said(code: int, message: str, data: Any = None) -> bytes:
    return http(json.dumps({"code": code, "msg": message, "data": data}).encode())


CASES: dict[str, Callable[[ExitStack], Options]] = {
    "a refused connection": refused,
    "a read timeout": timed_out,
    "a cut head": answering(b"HTTP/1.1 200 O"),
    "a cut body": answering(http(b'{"code": 200', content_length="1000")),
    "no HTTP": answering(b"\0\0\0\0\r\n\r\n"),
    "a huge answer": answering(http(b"x" * 99, content_length="99999999999")),
    "an answer that unpacks badly": answering(http(b"{}", content_encoding="gzip")),
    "no TLS": without_tls,
    "a proxy that refuses": through_a_proxy,
    "a redirection": redirected,
    "401 with the key": answering(said(401, f"bad key {KEY}")),
    "401 with the key escaped": answering(http(f'{{"code": 401, "msg": "{ESCAPED}"}}'.encode())),
    "an HTTP 401 that is no envelope": answering(http(f"Bearer {KEY}?".encode(), "401 Unauthorized")),
    "the key in the data": answering(said(200, "ok", {"balance": KEY})),
    "the key in a compressed answer": answering(http(f"<p>{KEY}</p>".encode(), content_length="", x_key="1")),
}


@pytest.mark.parametrize("start", CASES.values(), ids=CASES.keys())
class TestInEachCase:
    def test_of_a_blocking_client(
        self, start: Callable[[ExitStack], Options], logged: list[logging.LogRecord]
    ) -> None:
        with ExitStack() as stack:
            kie = stack.enter_context(Kie(KEY, creates=None, **start(stack)))
            for call in (kie.credits, lambda: kie.submit("nano-banana-pro", "a cat")):
                with pytest.raises(KieError) as caught:
                    call()
                assert_hidden(caught.value, logged)

    def test_of_an_asynchronous_client(
        self, start: Callable[[ExitStack], Options], logged: list[logging.LogRecord]
    ) -> None:
        async def run(stack: ExitStack) -> None:
            async with AsyncKie(KEY, creates=None, **start(stack)) as kie:
                calls: list[Callable[[], Awaitable[object]]] = [
                    kie.credits,
                    lambda: kie.submit("nano-banana-pro", "a cat"),
                ]
                for call in calls:
                    with pytest.raises(KieError) as caught:
                        await call()
                    assert_hidden(caught.value, logged)

        with ExitStack() as stack:
            asyncio.run(run(stack))


def test_a_whole_call_is_logged_without_it(box: Sandbox, logged: list[logging.LogRecord], tmp_path: Path) -> None:
    with Kie(KEY, **client_options(box)) as kie:
        kie.generate("nano-banana-edit", prompt="night", images=[b"\xff\xd8\xff" + bytes(99)]).save(tmp_path)
    assert [text for record in logged for text in record_texts(record) if KEY in text] == []


def test_an_unknown_outcome(box: Sandbox, logged: list[logging.LogRecord]) -> None:
    box.answer_next("createTask", cut="after")
    with Kie(KEY, **client_options(box)) as kie, pytest.raises(SubmitOutcomeUnknown) as caught:
        kie.generate("nano-banana-pro", "a cat")
    assert_hidden(caught.value, logged)


def test_a_task_that_failed_for_the_key(box: Sandbox, logged: list[logging.LogRecord]) -> None:
    box.end_next(fail_code="500", fail_message=f"not with {KEY}")
    with Kie(KEY, **client_options(box)) as kie, pytest.raises(KieError, match="not with") as caught:
        kie.generate("nano-banana-pro", "a cat")
    assert_hidden(caught.value, logged)


def test_a_record_that_repeats_the_key_escaped(logged: list[logging.LogRecord]) -> None:
    record = {"taskId": "t1", "state": "fail", "failMsg": "not with ESCAPED", "param": json.dumps("ESCAPED")}
    body = json.dumps({"code": 200, "data": record}).replace("ESCAPED", ESCAPED)
    with canned(http(body.encode())) as server, Kie(KEY, base_url=server.url) as kie:
        with pytest.raises(KieError, match="not with") as caught:
            kie.task("t1").wait()
        assert [text for text in texts(kie.task("t1").status()) if KEY in text] == []
    assert_hidden(caught.value, logged)


def test_the_files_of_the_ledger(box: Sandbox) -> None:
    box.end_next(fail_code="500", fail_message=f"not with {KEY}")
    with Kie(KEY, ledger=True, **client_options(box)) as kie, pytest.raises(KieError):
        kie.generate("nano-banana-pro", "a cat")
    files = [path for path in home().rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert any(b"not with" in path.read_bytes() for path in files)


def test_a_listener_that_fails(box: Sandbox, logged: list[logging.LogRecord]) -> None:
    def listen(event: Event) -> None:
        raise RuntimeError(event.kind)

    with Kie(KEY, **client_options(box)) as kie:
        kie.generate("nano-banana-pro", "a cat", on_event=listen)
    assert any(record.exc_info for record in logged)
    assert [text for record in logged for text in record_texts(record) if KEY in text] == []


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt, RuntimeError, httpx.ReadError], ids=lambda kind: kind.__name__
)
def test_frames_that_held_it_are_emptied(raised: type[BaseException], logged: list[logging.LogRecord]) -> None:
    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            held = request.headers["authorization"]
            raise raised(f"held {len(held)} characters")

    with Kie(KEY, base_url="http://127.0.0.1:1", transport=Transport()) as kie:
        with pytest.raises((raised, KieError)) as caught:
            kie.credits()
        assert_hidden(caught.value, logged)


def test_a_cancelled_call(box: Sandbox, logged: list[logging.LogRecord]) -> None:
    box.answer_next("createTask", delay=5)

    async def run() -> BaseException:
        async with AsyncKie(KEY, **client_options(box)) as kie:
            leaving = asyncio.Event()
            call = kie.submit("nano-banana-pro", "a cat", on_event=lambda _: leaving.set())
            task = asyncio.ensure_future(call)
            await leaving.wait()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            return caught.value

    assert_hidden(asyncio.run(run()), logged)


@pytest.mark.parametrize("key", [f"{KEY} ", f"{KEY}\n", f"{KEY}é"])
def test_a_key_that_cannot_be_sent(key: str, logged: list[logging.LogRecord]) -> None:
    secret = Secret(key)
    del key
    with pytest.raises(KieError) as caught:
        Kie(secret)
    assert_hidden(caught.value, logged)


WRONG_LISTENING: dict[str, list[str]] = {
    "two minds": ["--key", KEY, "--unsigned"],
    "no such host": ["--key", KEY, "--host", "256.1.1.1"],
}


@pytest.mark.parametrize("arguments", WRONG_LISTENING.values(), ids=WRONG_LISTENING.keys())
def test_a_webhook_key_on_the_command_line(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_API_KEY", "another-key")
    with pytest.raises(KieError) as caught:
        app.main(["webhook", "listen", *arguments], standalone_mode=False)
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [frame for frame in trace.stack if "kie_registry" in frame.filename]
    assert (len(frames) > 1, [frame for frame in frames if KEY in str(frame.locals)]) == (True, [])


def test_a_webhook_key_beside_unsigned(kie: Kie, logged: list[logging.LogRecord]) -> None:
    with pytest.raises(KieError) as caught:
        Receiver(kie, key=KEY, unsigned=True)
    assert_hidden(caught.value, logged)


def test_what_a_program_holds_does_not_show_it(box: Sandbox) -> None:
    with Kie(KEY, **client_options(box)) as kie:
        task = kie.submit("nano-banana-pro", "a cat")
        result = task.wait()
        held = [kie, task, task.status(), result, kie._calls, kie._calls.session, kie._calls.session.settings]
        held += [kie._http, kie._http._requests, AsyncKie(KEY), Settings.resolve(KEY)]
        assert [one for one in held for text in texts(one) if KEY in text] == []
        assert KEY.encode() not in pickle.dumps(result)


class TestSecret:
    @pytest.mark.parametrize("show", [repr, str, "{}".format, ascii])
    def test_does_not_show_itself(self, show: Callable[[object], str]) -> None:
        assert KEY not in show(Secret(KEY))

    def test_reveals_itself_when_asked(self) -> None:
        assert Secret(KEY).reveal() == KEY

    def test_can_be_told_from_another(self) -> None:
        assert (str(Secret("a")) == str(Secret("a")), str(Secret("a")) == str(Secret("b"))) == (True, False)

    def test_equals_another_of_the_same_text_and_no_text(self) -> None:
        assert (Secret(KEY) == Secret(KEY), Secret(KEY) == Secret("a"), Secret(KEY) == KEY) == (True, False, False)

    @pytest.mark.parametrize("spread", [pickle.dumps, copy.copy, lambda secret: pickle.dump(secret, io.BytesIO())])
    def test_is_not_pickled(self, spread: Callable[[Secret], object]) -> None:
        with pytest.raises(TypeError, match="not pickled") as caught:
            spread(Secret(KEY))
        assert KEY not in str(caught.value)


UNSENDABLE = {
    "text that is none": ("http://127.0.0.1:1/", "\ud800"),
    "a number that is none": ("http://127.0.0.1:1/", float("nan")),
    "an address that is none": ("http://[::1/", "a cat"),
}


@pytest.mark.parametrize(("url", "prompt"), UNSENDABLE.values(), ids=UNSENDABLE.keys())
def test_what_cannot_be_sent_at_all(url: str, prompt: object, logged: list[logging.LogRecord]) -> None:
    with pytest.raises(TransportError, match="cannot make a request") as caught:
        Http(Settings.resolve(KEY)).send(url, {"method": "POST", "json": {"prompt": prompt}})
    assert_hidden(caught.value, logged)
    assert (caught.value.sent, caught.value.retryable) == (False, False)
