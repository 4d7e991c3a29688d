"""Rules for a document as a whole, and for the operation."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from kie_registry.specs.documents import Json, walk
from kie_registry.specs.request import model_operation, request_schema
from kie_registry.wording import CONTROLS


def drop_extensions(document: Json, _slug: str) -> Iterator[str]:
    """Remove every ``x-`` keyword but our own; kie.ai's editor leaves them even where they are invalid."""
    for place, node in walk(document):
        for key in [key for key in node if str(key).startswith("x-")]:
            if not key.startswith("x-kie-"):
                del node[key]
                yield f"{place}.{key}"


def drop_control_characters(document: Json, _slug: str) -> Iterator[str]:
    """Remove from texts for people what a terminal would obey rather than show."""
    for place, node in walk(document):
        for key in ("title", "description", "summary"):
            text = node.get(key)
            if isinstance(text, str) and CONTROLS.search(text):
                node[key] = CONTROLS.sub("", text)
                yield f"{place}.{key}"


def declare_3_1(document: Json, _slug: str) -> Iterator[str]:
    """Call the document OpenAPI 3.1, whose schemas are plain JSON Schema."""
    if document.get("openapi") != "3.1.0":
        yield f"$.openapi: {document.get('openapi')}"
        document["openapi"] = "3.1.0"


def title_document(document: Json, _slug: str) -> Iterator[str]:
    """Give a document without a title that of its operation, or else the name of its model."""
    operation, body = model_operation(document), request_schema(document)
    if operation is None or body is None:
        return
    info = _mapping(document, "info")
    info.setdefault("version", "1.0.0")
    if not isinstance(info.get("title"), str) or not info["title"].strip():
        model = body["properties"]["model"].get("const")
        info["title"] = str(operation.get("summary") or model or "")
        yield "$.info.title"


def plain_bearer(document: Json, _slug: str) -> Iterator[str]:
    """Declare the bearer scheme validly (newer pages have ``type: bearer``) and drop its manual."""
    schemes = _mapping(_mapping(document, "components"), "securitySchemes")
    wanted = {"type": "http", "scheme": "bearer"}
    if schemes.get("BearerAuth") != wanted:
        schemes["BearerAuth"] = wanted
        yield "$.components.securitySchemes.BearerAuth"


def _mapping(node: Json, key: str) -> Json:
    found = node.get(key)
    if not isinstance(found, dict):
        found = node[key] = {}
    return found


def name_operation(document: Json, _slug: str) -> Iterator[str]:
    """Name the operation of a model create_task, and drop the tags that would become folders."""
    operation = model_operation(document)
    if operation is None:
        return
    if operation.get("operationId") != "create_task":
        yield f"$..operationId: {operation.get('operationId')}"
        operation["operationId"] = "create_task"
    for key in ("tags", "callbacks", "parameters"):
        if operation.pop(key, None):
            yield f"$..{key}"


def require_body(document: Json, _slug: str) -> Iterator[str]:
    """Require the body of createTask."""
    operation = model_operation(document)
    if operation is not None and operation["requestBody"].get("required") is not True:
        operation["requestBody"]["required"] = True
        yield "$..requestBody.required"


def require_input(document: Json, _slug: str) -> Iterator[str]:
    """Require the input beside the model; some pages forget it, and without it there is nothing to make."""
    if (body := request_schema(document)) is None:
        return
    said = body["required"] if isinstance(body.get("required"), list) else []
    needed = [name for name in said if name in body["properties"]]
    if misplaced := [name for name in said if isinstance(name, str) and name not in needed]:
        # Said of the body and meant of the input; what the input does not know goes in a later rule.
        model_input = body["properties"]["input"]
        inner = model_input.get("required")
        model_input["required"] = [*(inner if isinstance(inner, list) else []), *misplaced]
        yield f"$..required: {', '.join(misplaced)} of the input"
    missing = [name for name in ("model", "input") if name not in needed]
    if missing or misplaced:
        body["required"] = [*needed, *missing]
    if missing:
        yield f"$..required: {', '.join(missing)}"


def open_responses(document: Json, _slug: str) -> Iterator[str]:
    """Give createTask one response for every status, in which anything may be missing, null or unknown.

    kie.ai answers errors with HTTP 200, codes that no page lists, and ``data: null``; what its pages say of
    the answer differs from page to page, and a task id that was not read would be a paid task lost.
    """
    operation = model_operation(document)
    if operation is None or operation.get("responses") == _ANY_ANSWER:
        return
    operation["responses"] = copy.deepcopy(_ANY_ANSWER)
    document["components"].pop("responses", None)
    yield "$..responses"


_ANY_ANSWER: Json = {
    "default": {
        "description": "The envelope. The HTTP status is usually 200; `code` tells.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CreateTaskResponse"}}},
    }
}
