"""Rules for the example call of a page, and for what it tells of the parameters."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kie_registry.coercion import coerce
from kie_registry.schemas import item, parameters, required, types
from kie_registry.specs.documents import Json
from kie_registry.specs.files import file_parameters
from kie_registry.specs.request import example_input, input_schema, request_content, request_schema
from kie_registry.specs.rules.types import type_of
from kie_registry.specs.validity import fits

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?://|(?<=data:))\S+$")


def read_example(document: Json, _slug: str) -> Iterator[str]:
    """Put the example call where it belongs, as data: some pages hold it as text, elsewhere, or in pieces."""
    body, content = request_schema(document), request_content(document)
    if body is None or content is None:
        return
    published = content.pop("example", None)
    content_examples = content.pop("examples", None)
    if _input_of(published) is not None:
        content["example"] = published
        return
    for place, found in _elsewhere(published, content_examples, body):
        if found is not None:
            content["example"] = {"model": body["properties"]["model"]["const"], "input": copy.deepcopy(found)}
            yield f"$..example: {place}"
            return
    if published is not None:
        yield "$..example: cannot be read"


def _elsewhere(published: Any, content_examples: Any, body: Json) -> Iterator[tuple[str, Json | None]]:
    """Yield the places where an example may hide, with the input that is found there."""
    yield "it was text", _input_of(_parsed(published))
    if isinstance(published, dict):
        yield "its input was text", _mapping(_parsed(published.get("input")))
    named = content_examples.values() if isinstance(content_examples, dict) else content_examples or ()
    for each in named:
        value = each.get("value", each) if isinstance(each, dict) else each
        yield "it was one of several", _input_of(value) or _input_of(_parsed(value))
    for value in _shown(body):
        yield "it stood in the schema of the body", _input_of(value)
    model_input = body["properties"]["input"]
    for value in _shown(model_input):
        yield "it stood in the schema of the input", _mapping(value)
    pieces = {name: _shown(schema)[0] for name, schema in parameters(model_input).items() if _shown(schema)}
    complete = bool(pieces) and fits(pieces, model_input)
    yield "made of the examples of the parameters", pieces if complete else None


def _input_of(example: Any) -> Json | None:
    return _mapping(example.get("input")) if isinstance(example, dict) else None


def _mapping(value: Any) -> Json | None:
    return value if isinstance(value, dict) and value else None


def _parsed(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _shown(schema: Mapping[str, Any]) -> list[Any]:
    examples = schema.get("examples")
    return examples if isinstance(examples, list) else []


def admit_shown_parameters(document: Json, _slug: str) -> Iterator[str]:
    """Add the parameters that the example gives and the schema forgets."""
    schema, example = input_schema(document), _mapping(example_input(document))
    if schema is None or example is None:
        return
    for name in [name for name in example if name != name.strip()]:
        example[name.strip()] = example.pop(name)
        yield f"input: {name!r}"
    yield from _admit(schema, example, "input")


def _admit(schema: Any, value: Any, place: str) -> Iterator[str]:
    """Add to the objects in `schema` the keys that `value` has more."""
    if isinstance(value, list):
        for each in value:
            yield from _admit(item(schema), each, f"{place}.items")
        return
    known = parameters(schema)
    if not isinstance(value, dict) or not (known or place == "input"):
        return
    for name, inner in value.items():
        if name in known:
            yield from _admit(known[name], inner, f"{place}.properties.{name}")
            continue
        if not isinstance(schema.get("properties"), dict):
            schema["properties"] = {}
        described = {"description": "Not described on the page; its example gives it."}
        schema["properties"][name] = {**_shape_of(inner), **described, "examples": [copy.deepcopy(inner)]}
        yield f"{place}.properties.{name}"


def _shape_of(value: Any) -> Json:
    kind = type_of(value)
    if kind == "array":
        kinds = {type_of(each) for each in value}
        return {"type": "array", "items": _shape_of(value[0]) if len(kinds) == 1 else {}}
    return {} if kind is None else {"type": kind}


def admit_shown_schemes(document: Json, _slug: str) -> Iterator[str]:
    """Take addresses of the kind that the example shows, such as ``asset://...``, and tidy the others in it."""
    schema, example = input_schema(document), _mapping(example_input(document))
    if schema is None or example is None:
        return
    known = parameters(schema)
    for name in file_parameters(schema).keys() & example.keys():
        value = example[name]
        tidy = _tidied(value)
        if tidy != value:
            example[name] = tidy
            yield f"input.{name}: {value!r} is {tidy!r}"
        texts = [text for text in (tidy if isinstance(tidy, list) else [tidy]) if isinstance(text, str)]
        unusual = {match[1] for text in texts if (match := _SCHEME.match(text))} - {"http", "https"}
        parameter: Any = known[name]
        if unusual - set(parameter.get("x-kie-schemes", ())):
            parameter["x-kie-schemes"] = sorted(unusual)
            yield f"input.properties.{name}: {', '.join(sorted(unusual))}"
        # An empty text alone says that the parameter may be empty, which is the next rule's.
        if tidy != "" and not all(map(_SCHEME.match, texts)):
            del example[name]
            yield f"input.{name}: {value!r} left out"


def _tidied(value: Any) -> Any:
    if isinstance(value, list):
        return [each.strip() if isinstance(each, str) else each for each in value]
    if isinstance(value, str):
        listed = _parsed(value.strip()) if value.strip().startswith("[") else None
        return listed if isinstance(listed, list) else value.strip()
    return value


def admit_empty(document: Json, _slug: str) -> Iterator[str]:
    """Let a text be empty where the example shows it empty; elsewhere an empty prompt is a mistake."""
    schema, example = input_schema(document), _mapping(example_input(document))
    if schema is None or example is None:
        return
    for name, value in example.items():
        parameter = parameters(schema).get(name, {})
        if (
            value == ""
            and isinstance(parameter, dict)
            and "string" in types(parameter)
            and "enum" not in parameter
        ):
            parameter["minLength"] = 0
            parameter.pop("format", None)
            yield f"input.properties.{name}.minLength: 0"


def fit_example(document: Json, _slug: str) -> Iterator[str]:
    """Give the example's values the type that the schema asks for; leave out those that it does not take.

    An example that still is none is dropped: nobody should copy what kie.ai would refuse.
    """
    schema, example, content = input_schema(document), _mapping(example_input(document)), request_content(document)
    if schema is None or example is None or content is None:
        return
    yield from _fit_values(example, parameters(schema))
    yield from _complete(example, schema)
    taken = fits(example, schema)
    model = content["schema"]["properties"]["model"]["const"]
    if not example or not taken:
        del content["example"]
        yield "$..example: dropped"
    elif content["example"].get("model") != model:
        content["example"]["model"] = model
        yield "$..example.model"


def _fit_values(example: Json, known: Mapping[str, Any]) -> Iterator[str]:
    for name, value in list(example.items()):
        read = coerce(value, known[name])
        if value is None:
            # No call sends null: it leaves the parameter out.
            del example[name]
            yield f"input.{name}: null left out"
        elif fits(value, known[name]):
            continue
        elif fits(read, known[name]):
            example[name] = read
            yield f"input.{name}: {value!r} is {read!r}"
        else:
            del example[name]
            yield f"input.{name}: {value!r} left out"


def _complete(example: Json, schema: Json) -> Iterator[str]:
    """Add what is required and missing, as far as the document knows a value for it."""
    known = parameters(schema)
    for name in sorted(required(schema) - example.keys()):
        parameter = known.get(name, {})
        candidates = [parameter["default"]] if "default" in parameter else _shown(parameter)
        if candidates and fits(candidates[0], parameter):
            example[name] = copy.deepcopy(candidates[0])
            yield f"input.{name}: {example[name]!r} added"
