"""Rules that turn 3.0's and the editor's way of writing schemas into plain JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json, walk
from kie_registry.specs.request import input_nodes
from kie_registry.specs.validity import fits

_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})
_SPELLED = {
    "str": "string",
    "text": "string",
    "file": "string",
    "url": "string",
    "date": "string",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "map": "object",
}
_ADDRESSES = frozenset({"$id", "$schema", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"})
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def list_examples(document: Json, _slug: str) -> Iterator[str]:
    """Turn a schema's ``example`` into ``examples``, as 3.1 has it."""
    parameters = {id(node) for _, node in input_nodes(document)}
    for place, node in walk(document):
        if "example" in node and (_is_schema(node) or id(node) in parameters):
            example = node.pop("example")
            node.setdefault("examples", [example])
            yield place


def forget_schema_addresses(document: Json, _slug: str) -> Iterator[str]:
    """Drop the keywords by which a schema could lead out of its document."""
    for place, node in walk(document):
        for key in _ADDRESSES & node.keys():
            del node[key]
            yield f"{place}.{key}"


def null_as_a_type(document: Json, _slug: str) -> Iterator[str]:
    """Turn 3.0's ``nullable`` into a type."""
    for place, node in walk(document):
        if node.pop("nullable", False) and "type" in node:
            types = node["type"] if isinstance(node["type"], list) else [node["type"]]
            node["type"] = [*types, "null"]
            if isinstance(enum := node.get("enum"), list) and None not in enum:
                enum.append(None)
            yield place


def known_types(document: Json, _slug: str) -> Iterator[str]:
    """Read ``int`` as ``integer`` and the like; a type that means nothing takes anything."""
    for place, node in input_nodes(document):
        if "type" not in node:
            continue
        said = node["type"]
        found = [_SPELLED.get(str(kind).lower(), str(kind).lower()) for kind in _listed(said)]
        known = list(dict.fromkeys(kind for kind in found if kind in _TYPES))
        wanted = known if isinstance(said, list) and len(known) > 1 else known[0] if known else None
        if wanted is None:
            del node["type"]
        elif wanted != said:
            node["type"] = wanted
        else:
            continue
        yield f"{place}.type: {said}"


def schemas_as_mappings(document: Json, _slug: str) -> Iterator[str]:
    """Replace what stands where a schema belongs and is none (null, or a text) by one that takes anything."""
    for place, node in input_nodes(document):
        for key, kinds in (("properties", dict), ("items", (dict, bool))):
            if key in node and not isinstance(node[key], kinds):
                node[key] = {}
                yield f"{place}.{key}"
        for name, schema in node.get("properties", {}).items():
            if not isinstance(schema, dict):
                node["properties"][name] = {}
                yield f"{place}.properties.{name}"


def numbers_as_bounds(document: Json, _slug: str) -> Iterator[str]:
    """Make every limit a number: 3.0's ``exclusiveMinimum: true``, numbers in quotes; others mean nothing."""
    for place, node in input_nodes(document):
        for key in (*_COUNTS, *_BOUNDS):
            if key not in node:
                continue
            said = node[key]
            if said is True and key.startswith("exclusive"):
                bound = _number(node.pop(key.replace("exclusiveM", "m"), None))
            else:
                bound = _number(said)
            if key in _COUNTS and bound is not None:
                bound = int(bound) if bound >= 0 and bound == int(bound) else None
            if bound is None or (key == "multipleOf" and bound <= 0):
                del node[key]
            elif bound != said or type(bound) is not type(said):
                node[key] = bound
            else:
                continue
            yield f"{place}.{key}: {said}"


def drop_broken_patterns(document: Json, _slug: str) -> Iterator[str]:
    """Drop a pattern that is no regular expression."""
    for place, node in input_nodes(document):
        if "pattern" in node and not _compiles(node["pattern"]):
            yield f"{place}.pattern: {node.pop('pattern')}"


def _is_schema(node: Json) -> bool:
    return any(key in node for key in ("type", "enum", "const", "properties", "items"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(value: Any) -> float | int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value) if re.search(r"[.eE]", value) else int(value)
        except ValueError:
            return None
    return value if isinstance(value, (int, float)) and abs(value) < float("inf") else None


def _compiles(pattern: Any) -> bool:
    try:
        fits("", {"pattern": pattern})
    except SpecError:
        return False
    return True
