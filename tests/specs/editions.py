"""Make editions of a model's page to compare."""

from __future__ import annotations

import json
from typing import Any

from kie_registry.specs.changes.compare import Change, compare
from kie_registry.specs.documents import CREATE_TASK_PATH, Json
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import read_published


def edition(parameters: Json | None = None, *, model: str = "acme/lamp", **keywords: Any) -> Prepared:
    """Return a model whose input has these parameters, and these keywords beside them."""
    given = {"prompt": {"type": "string", "maxLength": 100}} if parameters is None else parameters
    return of_document(document({"type": "object", "properties": given, **keywords}, model=model))


def document(schema: Json, *, model: str = "acme/lamp", **operation: Any) -> Json:
    body = {
        "type": "object",
        "required": ["model", "input"],
        "properties": {"model": {"type": "string", "enum": [model]}, "input": schema},
    }
    request = {"content": {"application/json": {"schema": body}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lamp", "version": "1.0.0"},
        "paths": {CREATE_TASK_PATH: {"post": {"requestBody": request, "responses": {}, **operation}}},
    }


def of_document(published: Json) -> Prepared:
    (found,) = read_published(json.dumps(published).encode(), source="lamp.json")
    return prepare(found)


def told(old: Prepared, new: Prepared) -> list[tuple[str, str]]:
    """Return the kind and the sentence of each change."""
    return [(change.kind, change.sentence) for change in compare(old, new)]


def of_kind(changes: list[Change], kind: str) -> list[str]:
    return [change.sentence for change in changes if change.kind == kind]
