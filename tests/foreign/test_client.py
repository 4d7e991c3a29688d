"""The client keeps to the vendored specs, by the judgement of Prism, which nobody here wrote.

Prism answers by itself with examples, or passes on what it finds to be right, here to the sandbox. Either way
it refuses a request (422), or an answer (500), that is not what the specs say.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from kie_registry import AsyncKie, Kie, NotFound, RequestRejected, ServerError
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options, fast_sandbox
from tests.foreign.document import CREATE_TASK, whole_document
from tests.foreign.prism import Prism, prism

PNG = b"\x89PNG\r\n\x1a\n"
RESULT = "https://files.example/a.png"
RECORD = {
    "taskId": "task_1",
    "model": "nano-banana-pro",
    "state": "success",
    "resultJson": json.dumps({"resultUrls": [RESULT]}),
    "createTime": 1_800_000_000_000,
    "completeTime": 1_800_000_008_500,
    "creditsConsumed": 18.5,
}
UPLOADED = {"fileName": "a.png", "downloadUrl": "https://files.example/uploads/a.png"}
ANSWERS: dict[str, Any] = {
    "create_task": {"taskId": "task_1", "recordId": "record_1"},
    "get_task": RECORD,
    "get_credits": 99.5,
    "get_download_url": "https://files.example/link",
    "upload_stream": UPLOADED,
}

pytestmark = pytest.mark.xdist_group("prism")


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """Say what each endpoint answers."""
    for path in document["paths"].values():
        for operation in path.values():
            content = operation["responses"]["default"]["content"]["application/json"]
            data = ANSWERS.get(operation["operationId"])
            content["example"] = {"code": 200, "msg": "success", "data": data}
    return document


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """Prism, answering with examples."""
    with prism(with_examples(whole_document()), tmp_path_factory.mktemp("mock"), "mock") as server:
        yield server


@pytest.fixture(scope="module")
def upstream() -> Iterator[Sandbox]:
    """The sandbox behind Prism."""
    with fast_sandbox() as box:
        yield box


@pytest.fixture(scope="module")
def proxy(upstream: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """Prism, before a sandbox."""
    with prism(whole_document(), tmp_path_factory.mktemp("proxy"), "proxy", upstream.url) as server:
        yield server


def options(server: Prism, box: Sandbox) -> dict[str, Any]:
    """Return the arguments of a client of Prism."""
    return {**client_options(box), "base_url": server.url, "upload_url": server.url}


@pytest.fixture
def mocked(mock: Prism, upstream: Sandbox) -> Iterator[Kie]:
    with Kie("key", **options(mock, upstream)) as kie:
        yield kie


@pytest.fixture
def proxied(proxy: Prism, upstream: Sandbox) -> Iterator[Kie]:
    with Kie(upstream.key, **options(proxy, upstream)) as kie:
        yield kie


CALLS: dict[str, tuple[Callable[[Kie], Any], Any]] = {
    "submit": (lambda kie: kie.submit("nano-banana-pro", "a lighthouse", resolution="2K").id, "task_1"),
    "submit-a-file": (
        lambda kie: kie.submit("nano-banana-edit", prompt="night", images=[PNG]).id,
        "task_1",
    ),
    "generate": (lambda kie: kie.generate("nano-banana-pro", "a lighthouse").urls, (RESULT,)),
    "status": (lambda kie: kie.task("task_1").status().credits, 18.5),
    "credits": (lambda kie: kie.credits(), 99.5),
    "upload": (lambda kie: kie.upload(b"hello"), UPLOADED["downloadUrl"]),
    "upload-of-a-name": (lambda kie: kie.upload(b"hello", name="a b.txt"), UPLOADED["downloadUrl"]),
    "download-url": (lambda kie: kie.download_url(RESULT), "https://files.example/link"),
}


@pytest.mark.parametrize(("call", "answer"), CALLS.values(), ids=CALLS)
def test_a_server_made_from_the_specs_is_understood(call: Callable[[Kie], Any], answer: Any, mocked: Kie) -> None:
    assert call(mocked) == answer


async def _ask_everything(server: Prism, box: Sandbox) -> list[Any]:
    async with AsyncKie("key", **options(server, box)) as kie:
        result = await kie.generate("nano-banana-pro", "a lighthouse")
        return [result.urls, await kie.credits(), await kie.upload(b"hello"), await kie.download_url(RESULT)]


def test_a_server_made_from_the_specs_is_understood_without_blocking(mock: Prism, upstream: Sandbox) -> None:
    answers = asyncio.run(_ask_everything(mock, upstream))
    assert answers == [(RESULT,), 99.5, UPLOADED["downloadUrl"], "https://files.example/link"]


def test_both_models_pass_between_client_and_sandbox(proxied: Kie, upstream: Sandbox, photo: Path) -> None:
    proxied.generate("nano-banana-pro", "a lighthouse", images=[photo], aspect_ratio="16:9", resolution="4K")
    proxied.generate("nano-banana-edit", prompt="night", images=[photo], output_format="jpeg")
    assert [task.model for task in upstream.tasks] == ["nano-banana-pro", "google/nano-banana-edit"]


@pytest.mark.parametrize(
    ("call", "refused"),
    [
        pytest.param(lambda kie: kie.task("nowhere").status(), NotFound, id="record"),
        pytest.param(lambda kie: kie.download_url(RESULT), RequestRejected, id="download-url"),
    ],
)
def test_refusals_pass_too(call: Callable[[Kie], Any], refused: type[Exception], proxied: Kie) -> None:
    with pytest.raises(refused):
        call(proxied)


def test_prism_refuses_a_request_that_is_against_the_specs(mock: Prism) -> None:
    body, bearer = {"model": "nano-banana-pro"}, {"Authorization": "Bearer key"}
    assert httpx.post(f"{mock.url}{CREATE_TASK}", json=body, headers=bearer).status_code == 422


def test_prism_refuses_an_answer_that_is_against_the_specs(proxied: Kie, upstream: Sandbox) -> None:
    upstream.answer_next("credit", data="words")
    with pytest.raises(ServerError) as caught:
        proxied.credits()
    assert caught.value.status == 500
