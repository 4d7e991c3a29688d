"""Starting, stopping, recording, and the application by itself."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry.errors import ConfigurationError
from kie_registry.sandbox import Options, Sandbox, create_app
from tests.sandbox.conftest import EDIT, Asker, Serve, until


def test_the_address_is_a_free_port_of_loopback(ask: Asker) -> None:
    assert ask.box.url == f"http://127.0.0.1:{ask.box.port}"


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}"):
            Sandbox(port=port).start()


def test_the_port_is_free_again_after_stopping() -> None:
    with Sandbox() as first:
        port = first.port
    with Sandbox(port=port) as second:
        assert httpx.get(f"{second.url}/files/x", trust_env=False).status_code == 404


def test_nothing_is_left_behind() -> None:
    before = set(threading.enumerate())
    with Sandbox(latency=0, image_scale=0.1) as box:
        ask = Asker(box)
        ask.http.get(ask.results(aspect_ratio="1:1")[0])
        folder = box._service.hosting._files.folder
        assert any(folder.iterdir())
        ask.http.close()
    assert not folder.exists()
    until(lambda: set(threading.enumerate()) <= before)


def test_stopping_twice_does_nothing() -> None:
    with Sandbox() as box:
        box.stop()


def test_a_sandbox_serves_only_once() -> None:
    box = Sandbox()
    with box:
        pass
    with pytest.raises(ConfigurationError, match="only once"):
        box.start()


def test_there_is_no_address_before_it_starts() -> None:
    with pytest.raises(ConfigurationError, match="no address"):
        _ = Sandbox().url


def test_it_works_inside_a_running_event_loop() -> None:
    async def use() -> int:
        with Sandbox() as box:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"{box.url}/files/x")).status_code

    assert asyncio.run(use()) == 404


def test_many_may_ask_at_once(serve: Serve) -> None:
    ask = serve(image_scale=0.1)
    with ThreadPoolExecutor(16) as pool:
        urls = [url for result in pool.map(lambda _: ask.results(), range(64)) for url in result]
        sizes = set(pool.map(lambda url: len(ask.http.get(url).content), urls * 2))
    assert (len(set(urls)), len(ask.box.tasks), len(sizes)) == (64, 64, 1)


@pytest.mark.parametrize(
    "option",
    [
        {"latency": -1},
        {"failure_rate": 1.5},
        {"drop_answers": -0.1},
        {"rate_limit": (0, 10)},
        {"error_style": "html"},
        {"image_scale": 0},
        {"port": 70000},
    ],
    ids=str,
)
def test_a_wrong_option_is_named(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(option))):
        Sandbox(**option)


def test_the_key_is_not_shown() -> None:
    assert "hush" not in repr(Sandbox(key="hush-1", webhook_key="hush-2"))


def test_requests_are_recorded(ask: Asker) -> None:
    ask.create(EDIT)
    recorded = ask.box.requests[-1]
    assert (recorded.method, recorded.path) == ("POST", "/api/v1/jobs/createTask")
    assert recorded.headers["authorization"] == "Bearer sandbox-key"
    assert recorded.json() == {"model": EDIT, "input": {"prompt": "a lighthouse"}}
    assert (recorded.status, recorded.code) == (200, 422)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [({"code": 500}, 200, 500), ({"status": 502, "body": "<p>"}, 502, None), ({"json": 5}, 200, None)],
    ids=str,
)
def test_scripted_answers_are_recorded(ask: Asker, answer: dict[str, Any], status: int, code: int | None) -> None:
    ask.box.answer_next("createTask", **answer)
    ask.http.post("/api/v1/jobs/createTask", json={"a": 1})
    recorded = ask.box.requests[-1]
    assert (recorded.json(), recorded.status, recorded.code) == ({"a": 1}, status, code)


def test_an_unanswered_request_is_recorded_without_a_status(ask: Asker) -> None:
    ask.box.answer_next("credit", cut="after")
    with pytest.raises(httpx.RemoteProtocolError):
        ask.get("/api/v1/chat/credit")
    assert (ask.box.requests[-1].status, ask.box.requests[-1].code) == (None, None)


def test_of_a_large_body_only_the_beginning_is_recorded(ask: Asker) -> None:
    ask.upload(b"x" * 1_000_000)
    assert len(ask.box.requests[-1].body) == 16 * 1024


@pytest.mark.parametrize(("style", "status"), [("envelope", 200), ("http", 422)])
def test_errors_come_in_the_envelope_or_as_status_too(serve: Serve, style: str, status: int) -> None:
    answer = serve(error_style=style).http.get("/api/v1/jobs/recordInfo")
    assert (answer.status_code, answer.json()["code"]) == (status, 422)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/nowhere", 404), ("GET", "/api/v1/jobs/createTask", 405), ("DELETE", "/files/x", 405)],
)
def test_what_is_no_endpoint(ask: Asker, method: str, path: str, code: int) -> None:
    answer = ask.http.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (code, code)


def test_the_application_serves_without_its_server() -> None:
    async def use() -> Any:
        app = create_app(Options(latency=0))
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": "Bearer sandbox-key"}
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://box.test", headers=headers) as client,
        ):
            return (await client.get("/api/v1/chat/credit")).json()

    assert asyncio.run(use())["data"] == 1000


@pytest.mark.parametrize("missing", ["uvicorn", "python_multipart"])
def test_a_missing_extra_is_explained(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; import kie_registry.sandbox"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=Path.cwd()
    )
    assert "pip install 'kie-registry[sandbox]'" in done.stderr
