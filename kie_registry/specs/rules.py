"""The rules that turn a document as published into one that a generator, a validator and a person can use.

Each rule is a function that changes the document in place and yields a note for each place that it changed.
They run in the order in which they stand here.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json, create_operation, inline, resolve, walk

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
def inline_request(document: Json, _slug: str) -> Iterator[str]:
    """Put what the request refers to in its place, so that the rules after it see one tree."""
    operation = model_operation(document)
    if operation is None:
        return
    content = operation["requestBody"]["content"]["application/json"]
    inlined = inline(document, content["schema"])
    if inlined != content["schema"]:
        content["schema"] = inlined
        yield "$..requestBody"


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
    if operation is None:
        return
    if operation.get("operationId") != "create_task":
        yield f"$..operationId: {operation.get('operationId')}"
        operation["operationId"] = "create_task"
    for key in ("tags", "callbacks"):
        if operation.pop(key, None):
            yield f"$..{key}"


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

    kie.ai answers errors with HTTP 200, codes that no page lists, and ``data: null``; what its pages say of
    the answer differs from page to page, and a task id that was not read would be a paid task lost.
    """
    operation = model_operation(document)
    if operation is None or operation.get("responses") == _ANY_ANSWER:
        return
    operation["responses"] = copy.deepcopy(_ANY_ANSWER)
    document["components"].pop("responses", None)
    yield "$..responses"


@rule
def name_schemas(document: Json, slug: str) -> Iterator[str]:
    """Lift the parts of the request and the response into components with names a person would choose."""
    body, operation = request_schema(document), model_operation(document)
    if body is None or operation is None:
        return
    schemas: Json = copy.deepcopy(_ANSWER_SCHEMAS)
    properties = body["properties"]
    model_input = properties["input"]
    for name, schema in model_input.get("properties", {}).items():
        if isinstance(schema, dict):
            model_input["properties"][name] = _lift_enum(schemas, name, schema)
            if isinstance(items := schema.get("items"), dict):
                schema["items"] = _lift_enum(schemas, name, items)
    properties["input"] = _lift(schemas, f"{_pascal(slug)}Input", model_input)
    content = operation["requestBody"]["content"]["application/json"]
    content["schema"] = _lift(schemas, "CreateTaskRequest", body)
    if document["components"].get("schemas") != schemas:
        document["components"]["schemas"] = schemas
        yield ", ".join(sorted(schemas))


_ANY_ANSWER: Json = {
    "default": {
        "description": "The envelope. The HTTP status is usually 200; `code` tells.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CreateTaskResponse"}}},
    }
}
_ANSWER_SCHEMAS: Json = {
    "CreateTaskResponse": {
        "type": "object",
        "properties": {
            "code": {"type": ["integer", "null"], "description": "200, or the code of an error."},
            "msg": {"type": ["string", "null"], "description": "What went wrong, in kie.ai's words."},
            "data": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/CreateTaskData"}]},
        },
    },
    "CreateTaskData": {
        "type": "object",
        "properties": {"taskId": {"type": ["string", "null"], "description": "The id of the new task."}},
    },
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


def _lift_enum(schemas: Json, name: str, schema: Json) -> Json:
    """Lift an enum that Python can name; one of mixed types or of booleans stays where it is."""
    kinds = {type(value) for value in schema.get("enum", ())}
    return _lift(schemas, _pascal(name), schema) if kinds in ({str}, {int}) else schema


def _lift(schemas: Json, name: str, schema: Json) -> Json:
    while name in schemas:
        name += "_"
    schema.pop("title", None)
    schemas[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def _pascal(name: str) -> str:
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)
