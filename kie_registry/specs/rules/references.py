"""Rules for what a document refers to."""

from __future__ import annotations

from collections.abc import Iterator

from kie_registry.errors import SpecError
from kie_registry.specs.documents import CREATE_TASK_PATH, Json, create_operation, inline, resolve, walk
from kie_registry.specs.request import model_operation, request_content

# Without these there is no model to speak of.
_CANNOT_BE_MISSING = ("application/json.schema", "application/json.schema.properties.input")


def place_create_task(document: Json, _slug: str) -> Iterator[str]:
    """Put createTask at its full path, where a document leaves a part of it to the server's address."""
    for path in list(document["paths"]):
        if path != CREATE_TASK_PATH and path.strip().rstrip("/").endswith("/jobs/createTask"):
            document["paths"][CREATE_TASK_PATH] = document["paths"].pop(path)
            yield f"$.paths.{path}"


def plain_body(document: Json, _slug: str) -> Iterator[str]:
    """Put the body of createTask in its place, and take its JSON alone: other forms of it are none of ours."""
    operation = create_operation(document)
    if operation is None or not isinstance(operation.get("requestBody"), dict):
        return
    body = resolve(document, operation["requestBody"])
    if body is not operation["requestBody"]:
        operation["requestBody"] = body
        yield "$..requestBody"
    content = body["content"] if isinstance(body.get("content"), dict) else {}
    kinds = [kind for kind in content if str(kind).split(";")[0].strip() == "application/json"]
    if kinds and list(content) != ["application/json"]:
        body["content"] = {"application/json": content[kinds[0]]}
        yield f"$..requestBody.content: {', '.join(content)}"


def only_create_task(document: Json, _slug: str) -> Iterator[str]:
    """Leave out what a model's document tells of other endpoints, and of servers where that is no list."""
    if model_operation(document) is None:
        return
    for path in [path for path in document["paths"] if path != CREATE_TASK_PATH]:
        del document["paths"][path]
        yield f"$.paths.{path}"
    if not isinstance(document.get("servers", []), list):
        del document["servers"]
        yield "$.servers"


def open_missing_references(document: Json, _slug: str) -> Iterator[str]:
    """Let a part that refers to a missing component take anything: what it demands is nowhere said."""
    for place, node in walk(document):
        reference = node.get("$ref")
        if not isinstance(reference, str) or place.endswith(_CANNOT_BE_MISSING):
            continue
        try:
            resolve(document, node)
        except SpecError:
            del node["$ref"]
            yield f"{place}: {reference}"


def inline_request(document: Json, _slug: str) -> Iterator[str]:
    """Put what the request refers to in its place, so that the rules after it see one tree."""
    if model_operation(document) is None:
        return
    content = request_content(document) or {}
    inlined = inline(document, content["schema"])
    if inlined != content["schema"]:
        content["schema"] = inlined
        yield "$..requestBody"
