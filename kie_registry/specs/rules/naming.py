"""The last rule: parts of the request get names of their own, from which the names of classes are made."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import chain, count

from kie_registry.slugs import choose_slug
from kie_registry.specs.documents import Json
from kie_registry.specs.request import model_operation, request_schema


def name_schemas(document: Json, slug: str) -> Iterator[str]:
    """Lift the parts of the request and the response into components with names a person would choose."""
    body, operation = request_schema(document), model_operation(document)
    if body is None or operation is None:
        return
    input_name = f"{pascal(slug or choose_slug(body['properties']['model']['const']))}Input"
    schemas: Json = {**copy.deepcopy(_ANSWER_SCHEMAS), input_name: {}, "CreateTaskRequest": {}}
    properties = body["properties"]
    model_input = properties["input"]
    for name, schema in model_input.get("properties", {}).items():
        if isinstance(schema, dict):
            model_input["properties"][name] = _lift_enum(schemas, name, schema)
            if isinstance(items := schema.get("items"), dict):
                schema["items"] = _lift_enum(schemas, name, items)
    for name, schema in ((input_name, model_input), ("CreateTaskRequest", body)):
        schema.pop("title", None)
        schemas[name] = schema
    properties["input"] = _reference(input_name)
    operation["requestBody"]["content"]["application/json"]["schema"] = _reference("CreateTaskRequest")
    if document["components"].get("schemas") != schemas:
        document["components"]["schemas"] = schemas
        yield ", ".join(sorted(schemas))


def pascal(name: str) -> str:
    """Return `name` as that of a class; ``Parameter`` where nothing of it can stay."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if joined[:1].isalpha() else f"Parameter{joined}"


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


def _lift_enum(schemas: Json, name: str, schema: Json) -> Json:
    """Lift an enum that Python can name; one of mixed types or of booleans stays where it is."""
    if {type(value) for value in schema.get("enum", ())} not in ({str}, {int}):
        return schema
    taken = {known.lower() for known in schemas}
    wanted = pascal(name)
    numbered = (f"{wanted}{number}" for number in count(2))
    component = next(each for each in chain((wanted,), numbered) if each.lower() not in taken)
    schema.pop("title", None)
    schemas[component] = schema
    return _reference(component)


def _reference(component: str) -> Json:
    return {"$ref": f"#/components/schemas/{component}"}
