"""Sandboxes to ask over real HTTP, and a hand-moved clock."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from attrs import define, field

from kie_registry.sandbox import Sandbox

PRO = "nano-banana-pro"
EDIT = "google/nano-banana-edit"


@define
class Clock:
    """Seconds since 1970 that pass only when told."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@define
class Asker:
    """A bare HTTP client of one sandbox."""

    box: Sandbox
    http: httpx.Client = field(init=False)

    def __attrs_post_init__(self) -> None:
        bearer = {"Authorization": f"Bearer {self.box.key}"}
        self.http = httpx.Client(base_url=self.box.url, headers=bearer, trust_env=False)

    def get(self, path: str, **query: str) -> Any:
        return self.http.get(path, params=query).json()

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).json()

    def create(self, model: str = PRO, callback: str | None = None, **input_: Any) -> Any:
        """Ask for a task, and return the whole answer."""
        body = {"model": model, "input": {"prompt": "a lighthouse", **input_}}
        if callback:
            body["callBackUrl"] = callback
        return self.post("/api/v1/jobs/createTask", **body)

    def record(self, task_id: str) -> Any:
        return self.get("/api/v1/jobs/recordInfo", taskId=task_id)

    def finished(self, model: str = PRO, **input_: Any) -> Any:
        """Create a task on a sandbox without latency, and return its record."""
        return self.record(self.create(model, **input_)["data"]["taskId"])["data"]

    def results(self, model: str = PRO, **input_: Any) -> list[str]:
        """Create a task on a sandbox without latency, and return its result's addresses."""
        urls: list[str] = json.loads(self.finished(model, **input_)["resultJson"])["resultUrls"]
        return urls

    def upload(self, content: bytes, name: str = "image.png") -> str:
        """Upload a file, and return its address."""
        files = {"file": (name, content)}
        fields = {"uploadPath": "images", "fileName": name}
        answer = self.http.post("/api/file-stream-upload", data=fields, files=files).json()
        url: str = answer["data"]["downloadUrl"]
        return url


Serve = Callable[..., Asker]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a sandbox with the given options; by default one without latency and limits."""
    with ExitStack() as stack:
        yield lambda **options: serve_in(stack, **options)


@pytest.fixture(scope="module")
def ask() -> Iterator[Asker]:
    """A sandbox without latency and limits, shared by the tests of a module."""
    with ExitStack() as stack:
        yield serve_in(stack, credits=1e6)


def serve_in(stack: ExitStack, **options: Any) -> Asker:
    """Start a sandbox that stops with the stack."""
    quick = {"latency": 0, "rate_limit": None, "read_limit": None, "catalog_limit": None}
    asker = Asker(stack.enter_context(Sandbox(**{**quick, **options})))
    stack.enter_context(asker.http)
    return asker


def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    """Wait until something holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
