"""The whole of kie.ai as one OpenAPI document, from those that the clients are generated from.

It is for tools that take one document. What it says beyond them is how one answer leads to the next request.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kie_generated
import yaml

COMMON = ("jobs", "files", "catalog")
CREATE_TASK = "/api/v1/jobs/createTask"
BODY = ("post", "requestBody", "content", "application/json")

_PACKAGE = Path(kie_generated.__file__).parent


def whole_document() -> dict[str, Any]:
    """Return the document; the body of createTask is that of any of the models."""
    whole: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "kie.ai", "version": "1"}}
    whole |= {"paths": {}, "components": {}}
    bodies = []
    for path in sorted(_PACKAGE.glob("*/openapi.yaml")):
        slug = path.parent.name
        document = _with_own_names(yaml.safe_load(path.read_text("utf-8")), slug)
        for kind, named in document["components"].items():
            whole["components"].setdefault(kind, {}).update(named)
        if slug in COMMON:
            whole["paths"] |= document["paths"]
            whole["security"] = document["security"]
        else:
            bodies.append(at(document["paths"][CREATE_TASK], *BODY)["schema"])
    at(whole["paths"][CREATE_TASK], *BODY)["schema"] = {"oneOf": bodies}
    link = {"operationId": "get_task", "parameters": {"taskId": "$response.body#/data/taskId"}}
    whole["paths"][CREATE_TASK]["post"]["responses"]["default"]["links"] = {"record": link}
    return whole


def at(node: Any, *steps: str) -> Any:
    """Return what stands at the end of a path."""
    for step in steps:
        node = node[step]
    return node


def _with_own_names(node: Any, slug: str) -> Any:
    """Return a document whose schemas and parameters are named after it, so that none are named alike."""
    if isinstance(node, list):
        return [_with_own_names(item, slug) for item in node]
    if not isinstance(node, dict):
        return node
    renamed: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref":
            start, _, name = value.rpartition("/")
            renamed[key] = f"{start}/{slug}.{name}"
        elif key == "components":
            renamed[key] = {
                kind: named if kind == "securitySchemes" else _prefixed(named, slug)
                for kind, named in value.items()
            }
        else:
            renamed[key] = _with_own_names(value, slug)
    return renamed


def _prefixed(named: dict[str, Any], slug: str) -> dict[str, Any]:
    return {f"{slug}.{name}": _with_own_names(item, slug) for name, item in named.items()}
