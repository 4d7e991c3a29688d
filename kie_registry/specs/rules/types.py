"""Rules for parameters whose type a page leaves out: it is told by what is shown, or by the name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kie_registry.coercion import is_of
from kie_registry.schemas import parameters
from kie_registry.specs.documents import Json
from kie_registry.specs.request import input_nodes, input_schema

_TELLING = frozenset({"type", "enum", "const", "oneOf", "anyOf", "allOf", "properties", "items", "not", "if"})
_KINDS = ("boolean", "integer", "number", "string", "array", "object")
_ADDRESS = re.compile(r"(?:^|_)(?:url|uri)(s?)$")


def types_that_are_shown(document: Json, _slug: str) -> Iterator[str]:
    """Give a parameter without a type that of its default or example, or the one that its name tells."""
    schema = input_schema(document)
    for name, parameter in parameters(schema).items() if schema else ():
        if not isinstance(parameter, dict) or _TELLING & parameter.keys():
            continue
        shown = parameter.get("examples")
        values = [parameter["default"]] if "default" in parameter else shown if isinstance(shown, list) else []
        kind = type_of(values[0]) if values else _by_name(name)
        if kind is not None:
            parameter["type"] = kind
            yield f"input.properties.{name}.type: {kind}"


def items_of_arrays(document: Json, _slug: str) -> Iterator[str]:
    """Say what a list holds that says nothing of it: what its example shows, addresses where its name tells so."""
    schema = input_schema(document)
    names = {id(parameter): name for name, parameter in parameters(schema).items()} if schema else {}
    for place, node in input_nodes(document):
        if node.get("type") != "array" or "items" in node or "prefixItems" in node:
            continue
        shown = [each for example in _listed(node.get("examples")) for each in _listed(example)]
        kinds = {type_of(value) for value in [*shown, *_listed(node.get("default"))]} - {None}
        if not kinds and _ADDRESS.search(names.get(id(node), "")):
            kinds = {"string"}
        node["items"] = {"type": kinds.pop()} if len(kinds) == 1 else {}
        yield f"{place}.items"


def type_of(value: Any) -> str | None:
    """Return the JSON type of a value; None for null."""
    return next((kind for kind in _KINDS if is_of(value, kind)), None)


def _by_name(name: str) -> str | None:
    if name in ("prompt", "negative_prompt", "text"):
        return "string"
    match = _ADDRESS.search(name)
    return None if match is None else "array" if match[1] else "string"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
