"""The low-level functions send what was given, and return whatever was answered."""

from __future__ import annotations

import asyncio
import importlib
import io
import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest
from kie_generated.client import Client
from kie_generated.files import models as files
from kie_generated.jobs import create_task, get_task, models as jobs
from kie_generated.nano_banana_edit import models as edit
from kie_generated.nano_banana_pro import models as pro
from kie_generated.types import File

from kie_registry import Contract
from kie_registry.testing import valid_input

KEY = "sk-very-secret"


def stream() -> files.UploadStreamRequest:
    return files.UploadStreamRequest(file=File(io.BytesIO(b"picture"), "a.png", "image/png"), upload_path="images")


ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "catalog.get_model_price": lambda: {"model": "acme/lamp"},
    "catalog.get_model_schema": lambda: {"model": "acme/lamp"},
    "catalog.list_models": dict,
    "files.upload_base64": lambda: {"body": files.UploadBase64Request("aGk=", "images")},
    "files.upload_stream": lambda: {"body": stream()},
    "files.upload_url": lambda: {"body": files.UploadUrlRequest("https://example.org/a.png", "images")},
    "jobs.create_task": lambda: {"body": jobs.CreateTaskRequest("acme/lamp", jobs.TaskInput())},
    "jobs.get_credits": dict,
    "jobs.get_download_url": lambda: {"body": jobs.GetDownloadUrlRequest("https://example.org/a.png")},
    "jobs.get_task": lambda: {"task_id": "task_1"},
    "nano_banana_edit.create_task": lambda: {
        "body": edit.CreateTaskRequest(edit.NanoBananaEditInput("night", ["https://example.org/a.png"]))
    },
    "nano_banana_pro.create_task": lambda: {"body": pro.CreateTaskRequest(pro.NanoBananaProInput("a lamp"))},
}


def arguments(endpoint: ModuleType) -> dict[str, Any]:
    name = endpoint.__name__.removeprefix("kie_generated.")
    if name in ARGUMENTS:
        return ARGUMENTS[name]()
    package = endpoint.__name__.rpartition(".")[0]
    contract = Contract.load(package)
    request = importlib.import_module(f"{package}.models").CreateTaskRequest
    return {"body": request.from_dict({"model": contract.id, "input": valid_input(contract)})}


def transport(status: int, content: bytes) -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, content=content))


def run(endpoint: Any, way: str, handler: httpx.MockTransport, **more: Any) -> Any:
    """Call one of the four functions of an endpoint."""
    client = Client("https://api.example.org", KEY, httpx_args={"transport": handler})
    if not way.startswith("asyncio"):
        with client:
            return getattr(endpoint, way)(client=client, **more)

    async def call() -> Any:
        async with client:
            return await getattr(endpoint, way)(client=client, **more)

    return asyncio.run(call())


@pytest.mark.parametrize("way", ["sync_detailed", "asyncio_detailed"])
@pytest.mark.parametrize("status", [200, 455, 505, 599])
def test_any_status_is_returned(endpoint: Any, way: str, status: int) -> None:
    response = run(endpoint, way, transport(status, b'{"code": 433}'), **arguments(endpoint))
    assert (response.status_code, response.parsed.code) == (status, 433)


@pytest.mark.parametrize("way", ["sync", "asyncio"])
@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff"], ids=["empty", "html", "list", "no-utf-8"])
def test_unreadable_body_is_none(endpoint: Any, way: str, content: bytes) -> None:
    assert run(endpoint, way, transport(502, content), **arguments(endpoint)) is None


@pytest.mark.parametrize("way", ["sync", "asyncio"])
def test_body_is_returned(endpoint: Any, way: str) -> None:
    assert run(endpoint, way, transport(200, b'{"msg": "hello"}'), **arguments(endpoint)).msg == "hello"


@pytest.mark.parametrize("way", ["sync_detailed", "asyncio_detailed"])
def test_body_is_returned_as_it_came_too(endpoint: Any, way: str) -> None:
    response = run(endpoint, way, transport(502, b"<html>"), **arguments(endpoint))
    assert response.content == b"<html>"


def recorded(endpoint: Any, way: str, **more: Any) -> httpx.Request:
    """Return the request that a function sends."""
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        request.read()
        seen.append(request)
        return httpx.Response(200)

    run(endpoint, way, httpx.MockTransport(handler), **more)
    (request,) = seen
    return request


def test_key_is_sent_as_a_bearer(endpoint: Any) -> None:
    request = recorded(endpoint, "sync", **arguments(endpoint))
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("way", ["sync", "asyncio"])
def test_task_id_is_escaped(way: str) -> None:
    request = recorded(get_task, way, task_id="a/b c&d")
    assert (request.url.path, dict(request.url.params)) == ("/api/v1/jobs/recordInfo", {"taskId": "a/b c&d"})


def test_all_of_a_model_id_is_escaped_but_its_slashes() -> None:
    from kie_generated.catalog import get_model_schema

    request = recorded(get_model_schema, "sync", model="acme/lamp 2?x#y")
    assert request.url.raw_path == b"/api/v1/models/acme/lamp%202%3Fx%23y/schema"


def test_input_of_any_model_is_sent_as_it_is() -> None:
    given = {"prompt": "a", "x-ray": [1, {"b": None}]}
    body = jobs.CreateTaskRequest("acme/lamp", jobs.TaskInput.from_dict(given))
    assert json.loads(recorded(create_task, "sync", body=body).content) == {"model": "acme/lamp", "input": given}


@pytest.mark.parametrize(
    "part", [b'name="file"; filename="a.png"', b"image/png", b"picture", b'name="uploadPath"', b"images"], ids=repr
)
def test_stream_is_sent_as_a_form(part: bytes) -> None:
    from kie_generated.files import upload_stream

    assert part in recorded(upload_stream, "sync", body=stream()).content


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param(
            pro.CreateTaskRequest(pro.NanoBananaProInput("a")),
            {"model": "nano-banana-pro", "input": {"prompt": "a"}},
            id="pro",
        ),
        pytest.param(
            pro.CreateTaskRequest(pro.NanoBananaProInput("a", resolution="1K")),
            {"model": "nano-banana-pro", "input": {"prompt": "a", "resolution": "1K"}},
            id="pro-with-its-default",
        ),
        pytest.param(
            pro.CreateTaskRequest(pro.NanoBananaProInput("a"), call_back_url="https://example.org"),
            {"model": "nano-banana-pro", "input": {"prompt": "a"}, "callBackUrl": "https://example.org"},
            id="pro-with-callback",
        ),
        pytest.param(
            edit.CreateTaskRequest(edit.NanoBananaEditInput("a", [])),
            {"model": "google/nano-banana-edit", "input": {"prompt": "a", "image_urls": []}},
            id="edit",
        ),
        pytest.param(
            files.UploadUrlRequest("https://example.org", "images"),
            {"fileUrl": "https://example.org", "uploadPath": "images"},
            id="upload",
        ),
    ],
)
def test_what_is_left_unset_is_not_sent(given: Any, sent: dict[str, Any]) -> None:
    assert given.to_dict() == sent


@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_repr_does_not_show_the_key(used: bool) -> None:
    client = Client("https://api.example.org", KEY, httpx_args={"headers": {"X-Copy": KEY}})
    if used:
        client.get_httpx_client().close()
    assert KEY not in repr(client)
