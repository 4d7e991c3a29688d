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
        needed |= _required(branch)
    for key in _ALTERNATIVES:
        if branches := schema.get(key):
            needed |= frozenset.intersection(*map(_required, branches))
    return frozenset(needed)


def _required(branch: Any) -> frozenset[str]:
    return required(branch) if isinstance(branch, Mapping) else frozenset()


def choices(schema: Schema) -> tuple[Any, ...]:
    """Return the only values that `schema` takes, those of all branches; empty where it takes others as well."""
    if "const" in schema:
        return (schema["const"],)
    if enum := schema.get("enum"):
        return tuple(enum)
    of_each = [choices(branch) for branch in alternatives(schema) if branch.get("type") != "null"]
    if not of_each or not all(of_each):
        return ()
    found: list[Any] = []
    for value in (value for values in of_each for value in values):
        if not any(value == other and type(value) is type(other) for other in found):
            found.append(value)
    return tuple(found)


def item(schema: Schema) -> Schema:
    """Return the schema of one of the values: that of the items where `schema` takes a list, else `schema`."""
    for part in parts(schema):
        if "array" in types(part) and isinstance(items := part.get("items"), Mapping):
            return items
    return schema


def allows_empty(schema: Schema) -> bool:
    """Whether `schema` says outright that a text may be empty, itself or for its items."""
    said = [part for one in (schema, item(schema)) for part in parts(one)]
    return any(part.get("minLength") == 0 or "" in part.get("enum", ()) for part in said)


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
    bare = [{key: value for key, value in schema.items() if key not in _WORDS} for schema in described]
    # A branch that only says words about a parameter leaves it to the others what it takes.
    demands = [schema for schema in bare if schema]
    if len(demands) < 2:
        return {**said, **(demands[0] if demands else {})}
    kinds = {types(schema) for schema in demands if types(schema)}
    if (values := choices({"anyOf": demands})) and len(kinds) <= 1:
        (kind,) = kinds or {()}
        return {**said, **({"type": kind[0]} if len(kind) == 1 else {}), "enum": list(values)}
    return {**said, "anyOf": demands}


# What a schema says to people, and what it suggests, rather than what it demands.
_WORDS = frozenset({"title", "description", "default", "examples", "deprecated"})
