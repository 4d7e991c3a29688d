"""Pages and documents to work on: small ones of our own, and the committed ones."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kie_registry.specs.codegen import generate
from kie_registry.specs.documents import CREATE_TASK_PATH, Json
from kie_registry.specs.vendor import vendor

ROOT = Path(__file__).parents[2]

MakeDocument = Callable[..., Json]


@pytest.fixture(scope="session")
def pages() -> Path:
    """The directory of the hand-made pages."""
    return ROOT / "tests" / "fixtures"


@pytest.fixture(scope="session")
def committed_specs() -> Path:
    return ROOT / "specs"


@pytest.fixture(scope="session")
def committed_package() -> Path:
    return ROOT / "generated" / "kie_generated"


@pytest.fixture(scope="session")
def make_document() -> MakeDocument:
    """Make the smallest document of a model, with these parameters, operation keywords and components."""

    def make(
        parameters: Json | None = None, *, components: Json | None = None, example: Any = None, **operation: Any
    ) -> Json:
        body: Json = {
            "type": "object",
            "required": ["model", "input"],
            "properties": {
                "model": {"type": "string", "enum": ["acme/lamp"]},
                "input": {"type": "object", "properties": parameters or {"prompt": {"type": "string"}}},
            },
        }
        media: Json = {"schema": body} if example is None else {"schema": body, "example": example}
        document: Json = {
            "openapi": "3.0.1",
            "info": {"title": "Lamp", "version": "1.0.0"},
            "paths": {
                CREATE_TASK_PATH: {
                    "post": {
                        "operationId": "acme-lamp",
                        "requestBody": {"content": {"application/json": media}},
                        "responses": {"200": {"description": "Accepted"}},
                        **operation,
                    }
                }
            },
            "components": components or {},
        }
        return copy.deepcopy(document)

    return make


@pytest.fixture(scope="session")
def generated(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``specs`` of two models and the ``clients`` that were generated from them."""
    home = tmp_path_factory.mktemp("generated")
    for name in ("paint-lantern", "paint-kite"):
        vendor(pages / f"{name}.md", home / "specs", today=date(2026, 3, 2))
    generate(home / "specs", home / "clients")
    return home
