"""Models of our own making, as kie.ai would publish them, for tests of what works with any model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kie_registry import Adapter, Contract
from kie_registry.building import build_adapter
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import read_published

TEXT: dict[str, Any] = {"type": "string"}
SWITCH: dict[str, Any] = {"type": "boolean"}
WHOLE: dict[str, Any] = {"type": "integer"}
URL: dict[str, Any] = {"type": "string", "format": "uri"}
URLS: dict[str, Any] = {"type": "array", "items": URL}


def contract(schema: dict[str, Any], **more: Any) -> Contract:
    """Make the contract of a model with this input."""
    limits: dict[str, Any] = {"types": [], "max_bytes": None}
    media = {path: {**limits, **said} for path, said in more.pop("media", {}).items()}
    data = {"id": "maker/model", "title": "Model", "output": "video", "replaced_by": {}, "example": None, **more}
    return Contract.from_json({**data, "input": {"type": "object", **schema}, "media": media})


def flat(properties: dict[str, Any], *required: str, **more: Any) -> Contract:
    """Make the contract of a model with these parameters."""
    schema = {"properties": properties, "required": list(required), "additionalProperties": False}
    return contract(schema, **more)


def adapter(of: Contract) -> type[Adapter]:
    """Build the adapter for a contract."""
    return build_adapter(of, slug="maker-model")


def published(model: str, schema: dict[str, Any], example: dict[str, Any]) -> Prepared:
    """Prepare a model from a document like kie.ai's."""
    body = {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": {"type": "string", "enum": [model]}, "input": {"type": "object", **schema}},
    }
    content = {"application/json": {"schema": body, "example": {"model": model, "input": example}}}
    operation = {
        "operationId": "create",
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"description": "ok"}},
    }
    document = {
        "openapi": "3.0.1",
        "info": {"title": "Model", "version": "1"},
        "paths": {"/api/v1/jobs/createTask": {"post": operation}},
    }
    (found,) = read_published(json.dumps(document).encode(), source="made up")
    return prepare(found)


def written(prepared: Prepared, folder: Path) -> Path:
    """Write the document of a model where a sandbox can read it, and return its path."""
    path = folder / f"{prepared.slug}.yaml"
    path.write_text(json.dumps(prepared.document), "utf-8")
    return path
