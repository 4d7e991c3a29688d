"""A sandbox that serves given models, and a client of it, for trying them over real HTTP."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kie_registry.adapter import Adapter
from kie_registry.client import Kie
from kie_registry.contract import Contract
from kie_registry.registry import Registry

if TYPE_CHECKING:
    from kie_registry.sandbox import Sandbox

POLL_INTERVAL = 0.01
"""Seconds between two reads of a record: the sandbox is near, and its tasks are short."""


def fast_sandbox(**options: Any) -> Sandbox:
    """Return a sandbox on a free port that is quick, draws small pictures and limits no rates; not started yet.

    Raises:
        ConfigurationError: What the sandbox needs is not installed.
    """
    from kie_registry.sandbox import Sandbox

    quick: dict[str, Any] = {
        "latency": 0.02,
        "rate_limit": None,
        "read_limit": None,
        "image_scale": 0.1,
    }
    return Sandbox(**{**quick, **options})


def client_options(box: Sandbox) -> dict[str, Any]:
    """Return the arguments, beside the key, of a client of `box`."""
    return {"base_url": box.url, "upload_url": box.url, "poll_interval": POLL_INTERVAL, "creates": None}


def arguments(adapter: type[Adapter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input by native names as arguments of ``generate()``, which has a few names of its own."""
    own = inspect.signature(Kie.generate).parameters.keys() - {"prompt"}
    return {adapter.field_names.get(name, name) if name in own else name: value for name, value in given.items()}


@contextmanager
def serving(adapter: type[Adapter], directory: Path) -> Iterator[tuple[Sandbox, Kie]]:
    """Serve one model, from its own OpenAPI document where it has one; yield the sandbox and a client.

    Args:
        adapter: The model.
        directory: Where a document may be written.
    """
    registry = Registry(entry_points=False)
    registry.register(adapter)
    path = directory / "openapi.json"
    path.write_text(_document(adapter.contract), "utf-8")
    with (
        fast_sandbox(documents={adapter.contract.id: path}) as box,
        Kie(box.key, registry=registry, **client_options(box)) as kie,
    ):
        yield box, kie


def _document(contract: Contract) -> str:
    """Return the document beside the contract; for a contract made in code, one that says the same."""
    if contract.client is not None:
        document = resources.files(contract.client).joinpath("openapi.yaml")
        if document.is_file():
            return document.read_text("utf-8")
    body = {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": {"const": contract.id}, "input": dict(contract.input)},
    }
    operation = {"requestBody": {"content": {"application/json": {"schema": body}}}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": contract.title, "version": "1", "x-kie-output": contract.output},
            "paths": {"/api/v1/jobs/createTask": {"post": operation}},
        }
    )
