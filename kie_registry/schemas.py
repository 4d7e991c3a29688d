"""Read JSON Schemas of a model's input: flat ones, and those that are made of branches.

Most models take a flat object. Some say ``oneOf``, ``anyOf`` or ``allOf``, at the top or within a branch; what
such a model takes is the union of its branches, and what it needs is what every way through them needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_ALTERNATIVES = ("oneOf", "anyOf")


def alternatives(schema: Schema) -> list[Schema]:
    """Return the branches of which one must hold; empty where there are none."""
    return [branch for key in _ALTERNATIVES for branch in schema.get(key, ()) if isinstance(branch, Mapping)]


def parts(schema: Schema) -> Iterator[Schema]:
    """Yield `schema` and every branch in it, outermost first."""
    yield schema
    for branch in [*schema.get("allOf", ()), *alternatives(schema)]:
        if isinstance(branch, Mapping):
            yield from parts(branch)


def parameters(schema: Schema) -> dict[str, Schema]:
    """Return name -> schema for every parameter that the input may have, in the order of the document.

    A parameter that several branches describe differently takes what any of them takes.
    """
    found: dict[str, list[Schema]] = {}
    for part in parts(schema):
        for name, described in part.get("properties", {}).items():
            known = found.setdefault(name, [])
            if isinstance(described, Mapping) and described not in known:
                known.append(described)
    return {name: _merged(described) for name, described in found.items()}


def required(schema: Schema) -> frozenset[str]:
    """Return the names that every valid input has."""
    needed = set(schema.get("required", ()))
    for branch in schema.get("allOf", ()):
        needed |= required(branch)
    for key in _ALTERNATIVES:
        if branches := schema.get(key):
            needed |= frozenset.intersection(*map(required, branches))
    return frozenset(needed)


def types(schema: Schema) -> tuple[str, ...]:
    """Return the JSON types that `schema` takes, as far as it tells; empty where it takes anything."""
    kinds = schema.get("type", ())
    if kinds:
        return (kinds,) if isinstance(kinds, str) else tuple(kinds)
    return tuple(dict.fromkeys(kind for branch in alternatives(schema) for kind in types(branch)))


def _merged(described: list[Schema]) -> Schema:
    """Return the one schema of a parameter from those of the branches."""
    if len(described) < 2:
        return described[0] if described else {}
    said = {key: value for schema in reversed(described) for key, value in schema.items() if key in _WORDS}
    enums = [schema.get("enum") for schema in described]
    kinds = {types(schema) for schema in described}
    if all(enums) and len(kinds) == 1:
        values = list(dict.fromkeys(value for enum in enums if enum for value in enum))
        return {**said, "type": described[0].get("type", "string"), "enum": values}
    return {**said, "anyOf": [{k: v for k, v in schema.items() if k not in _WORDS} for schema in described]}


# What a schema says to people, and what it suggests, rather than what it demands.
_WORDS = frozenset({"title", "description", "default", "examples", "deprecated"})
