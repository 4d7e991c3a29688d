"""The rules that turn a document as published into one that a generator, a validator and a person can use.

Each rule is a function that changes the document in place and yields a note for each place that it changed.
They run in the order in which they stand here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json, create_operation, resolve, walk

Rule = Callable[[Json, str], Iterator[str]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    """Add `function` to the rules; its name, with dashes, is the name of the rule."""
    RULES.append(function)
    return function


def rule_name(function: Rule) -> str:
    """Return the name under which a rule is reported."""
    return function.__name__.replace("_", "-")


@rule
def drop_extensions(document: Json, _slug: str) -> Iterator[str]:
    """Remove every ``x-`` keyword but our own; kie.ai's editor leaves them even where they are invalid."""
    for place, node in walk(document):
        for key in [key for key in node if str(key).startswith("x-")]:
            if not key.startswith("x-kie-"):
                del node[key]
                yield f"{place}.{key}"


@rule
def declare_3_1(document: Json, _slug: str) -> Iterator[str]:
    """Call the document OpenAPI 3.1, whose schemas are plain JSON Schema."""
    if document.get("openapi") != "3.1.0":
        yield f"$.openapi: {document.get('openapi')}"
        document["openapi"] = "3.1.0"


@rule
def list_examples(document: Json, _slug: str) -> Iterator[str]:
    """Turn a schema's ``example`` into ``examples``, as 3.1 has it."""
    for place, node in walk(document):
        if "example" in node and _is_schema(node):
            example = node.pop("example")
            node.setdefault("examples", [example])
            yield place


@rule
def null_as_a_type(document: Json, _slug: str) -> Iterator[str]:
    """Turn 3.0's ``nullable`` into a type."""
    for place, node in walk(document):
        if node.pop("nullable", False) and "type" in node:
            types = node["type"] if isinstance(node["type"], list) else [node["type"]]
            node["type"] = [*types, "null"]
            yield place


@rule
def plain_bearer(document: Json, _slug: str) -> Iterator[str]:
    """Declare the bearer scheme validly (newer pages have ``type: bearer``) and drop its manual."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    wanted = {"type": "http", "scheme": "bearer"}
    if schemes.get("BearerAuth") != wanted:
        schemes["BearerAuth"] = wanted
        yield "$.components.securitySchemes.BearerAuth"


@rule
def name_operation(document: Json, _slug: str) -> Iterator[str]:
    """Name the operation of a model create_task, and drop the tags that would become folders."""
    operation = model_operation(document)
    if operation is None or operation.get("operationId") == "create_task":
        return
    yield f"$..operationId: {operation.get('operationId')}"
    operation["operationId"] = "create_task"
    operation.pop("tags", None)
    operation.pop("callbacks", None)


@rule
def require_body(document: Json, _slug: str) -> Iterator[str]:
    """Require the body of createTask."""
    operation = model_operation(document)
    if operation is not None and operation["requestBody"].get("required") is not True:
        operation["requestBody"]["required"] = True
        yield "$..requestBody.required"


@rule
def fix_model(document: Json, _slug: str) -> Iterator[str]:
    """Turn the enum of one model id into a constant."""
    if (body := request_schema(document)) is None:
        return
    model = body["properties"]["model"]
    if len(model.get("enum", ())) == 1:
        (model["const"],) = model.pop("enum")
        yield "$..properties.model"


@rule
def open_responses(document: Json, _slug: str) -> Iterator[str]:
    """Give createTask one response for every status, in which anything may be missing, null or unknown.

    kie.ai answers errors with HTTP 200, codes that no page lists, and ``data: null``.
    """
    operation = model_operation(document)
    if operation is None:
        return
    published = operation.get("responses", {}).get("200", {})
    schema = published.get("content", {}).get("application/json", {}).get("schema", {})
    merged = _open(_merge(document, schema))
    for name in ("code", "msg", "data"):
        if name not in merged.setdefault("properties", {}):
            merged["properties"][name] = _open(_ENVELOPE[name])
    operation["responses"] = {
        "default": {
            "description": "The envelope. The HTTP status is usually 200; `code` tells.",
            "content": {"application/json": {"schema": merged}},
        }
    }
    document["components"].pop("responses", None)
    document["components"].pop("schemas", None)
    yield "$..responses"


@rule
def name_schemas(document: Json, slug: str) -> Iterator[str]:
    """Lift the parts of the request and the response into components with names a person would choose."""
    body, operation = request_schema(document), model_operation(document)
    if body is None or operation is None:
        return
    schemas: Json = document["components"].setdefault("schemas", {})
    properties = body["properties"]
    model_input = resolve(document, properties["input"])
    for name, schema in model_input.get("properties", {}).items():
        if isinstance(schema, dict) and "enum" in schema and _all_text(schema["enum"]):
            model_input["properties"][name] = _lift(schemas, _pascal(name), schema)
    properties["input"] = _lift(schemas, f"{_pascal(slug)}Input", model_input)
    content = operation["requestBody"]["content"]["application/json"]
    content["schema"] = _lift(schemas, "CreateTaskRequest", body)
    content = operation["responses"]["default"]["content"]["application/json"]
    response = content["schema"]
    data = _lift(schemas, "CreateTaskData", response["properties"]["data"])
    response["properties"]["data"] = {"oneOf": [{"type": "null"}, data]}
    schemas["CreateTaskData"]["type"] = "object"
    content["schema"] = _lift(schemas, "CreateTaskResponse", response)
    yield ", ".join(sorted(schemas))


_ENVELOPE: Json = {
    "code": {"type": "integer"},
    "msg": {"type": "string"},
    "data": {"type": "object", "properties": {"taskId": {"type": "string"}}},
}


def request_schema(document: Json) -> Json | None:
    """Return the schema of a model's createTask body; None where the document describes no model.

    Raises:
        SpecError: There is a createTask without a JSON body, or without ``model`` and ``input``.
    """
    operation = create_operation(document)
    if operation is None:
        return None
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema")
    if not isinstance(schema, dict):
        raise SpecError("createTask has no JSON body in this document")
    schema = resolve(document, schema)
    properties = schema.get("properties", {})
    if missing := [name for name in ("model", "input") if name not in properties]:
        raise SpecError(f"the body of createTask has no {' and no '.join(missing)}")
    model = properties["model"]
    return schema if "enum" in model or "const" in model else None


def model_operation(document: Json) -> Json | None:
    """Return createTask where it is that of one model; None in the document that all models share."""
    return create_operation(document) if request_schema(document) is not None else None


def _is_schema(node: Json) -> bool:
    return any(key in node for key in ("type", "enum", "const", "properties", "items"))


def _merge(document: Json, schema: Json) -> Json:
    """Merge the ``allOf`` of a response into one object; later parts add to earlier ones."""
    schema = resolve(document, schema)
    merged: Json = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", ()):
        for key, value in _merge(document, part).items():
            if key == "properties":
                merged.setdefault("properties", {}).update(value)
            else:
                merged.setdefault(key, value)
    return merged


def _open(schema: Json) -> Json:
    """Return `schema` so that no answer can break it: all optional, all nullable, no closed lists."""
    opened: Json = {"type": schema.get("type", "object")}
    if "description" in schema:
        opened["description"] = schema["description"]
    properties = schema.get("properties")
    if properties or opened["type"] == "object":
        opened["properties"] = {name: _open(value) for name, value in (properties or {}).items()}
    elif isinstance(opened["type"], str):
        opened["type"] = [opened["type"], "null"]
    return opened


def _lift(schemas: Json, name: str, schema: Json) -> Json:
    while name in schemas:
        name += "_"
    schema.pop("title", None)
    schemas[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def _all_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _pascal(name: str) -> str:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)
