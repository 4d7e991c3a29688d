"""Find a model's request in its OpenAPI document: the operation, the body, the input."""

from __future__ import annotations

from collections.abc import Iterator

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json, create_operation, resolve, walk

# What a schema says of the one value that it takes.
_NAMES_A_MODEL = ("enum", "const", "default", "example", "examples")


def request_schema(document: Json) -> Json | None:
    """Return the schema of a model's createTask body; None where the document describes no model.

    Raises:
        SpecError: There is a createTask without a JSON body, or without ``model`` and ``input``.
    """
    operation = create_operation(document)
    if operation is None:
        return None
    schema = _content(operation).get("schema")
    if not isinstance(schema, dict):
        raise SpecError("createTask has no JSON body in this document")
    schema = resolve(document, schema)
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if missing := [name for name in ("model", "input") if not isinstance(properties.get(name), dict)]:
        raise SpecError(f"the body of createTask has no {' and no '.join(missing)}")
    model = resolve(document, properties["model"])
    return schema if any(key in model for key in _NAMES_A_MODEL) else None


def model_operation(document: Json) -> Json | None:
    """Return createTask where it is that of one model; None in the document that all models share."""
    return create_operation(document) if request_schema(document) is not None else None


def request_content(document: Json) -> Json | None:
    """Return what createTask's body is given as: its ``schema`` and its ``example``; None without a model."""
    operation = model_operation(document)
    return None if operation is None else _content(operation)


def example_input(document: Json) -> Json | None:
    """Return the input of the example call; None where there is none, or none that is an object."""
    example = (request_content(document) or {}).get("example")
    found = example.get("input") if isinstance(example, dict) else None
    return found if isinstance(found, dict) else None


def input_schema(document: Json) -> Json | None:
    """Return the schema of a model's input; None where the document describes no model."""
    body = request_schema(document)
    return None if body is None else resolve(document, body["properties"]["input"])


def input_nodes(document: Json) -> Iterator[tuple[str, Json]]:
    """Yield every schema within a model's input, itself included, with its place; for inlined documents."""
    schema = input_schema(document)
    if schema is not None:
        yield from walk(schema, "input")


def _content(operation: Json) -> Json:
    body = operation.get("requestBody")
    content = body.get("content") if isinstance(body, dict) else None
    found = content.get("application/json") if isinstance(content, dict) else None
    return found if isinstance(found, dict) else {}
