"""Take a JSON Schema apart: from one with branches to the flat ones of which a value has to fit one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kie_registry.schemas import Schema

_MOST = 64
_BRANCHES = ("allOf", "anyOf", "oneOf")


def flattened(schema: Schema) -> list[dict[str, Any]]:
    """Return each way through the branches of `schema` as one schema without branches; at most 64 of them."""
    return list(itertools.islice(_flatten(schema), _MOST))


def _flatten(schema: Schema) -> Iterator[dict[str, Any]]:
    own = {key: value for key, value in schema.items() if key not in _BRANCHES}
    choices: list[list[Schema]] = [[branch] for branch in schema.get("allOf", ())]
    choices += [list(schema[key]) for key in ("anyOf", "oneOf") if schema.get(key)]
    for chosen in itertools.product(*choices):
        ways = [[*_flatten(branch)] for branch in chosen if isinstance(branch, Mapping)]
        for parts in itertools.product(*ways):
            flat = dict(own)
            for part in parts:
                flat = _both(flat, part)
            yield flat


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema that holds where both hold."""
    merged = {**one, **other}
    for key in one.keys() & other.keys():
        if merge := _MERGED.get(key):
            merged[key] = merge(one[key], other[key])
    return merged


def _properties(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    shared = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
    return {**one, **other, **shared}


def _in_both(one: list[Any], other: list[Any]) -> list[Any]:
    return [value for value in one if value in other]


def _types(one: str | list[str], other: str | list[str]) -> str | list[str]:
    kinds = _in_both(*([each] if isinstance(each, str) else each for each in (one, other)))
    narrower = {"integer"} if "integer" in (*one, one, *other, other) else set()
    kinds = kinds or sorted(narrower)
    return kinds[0] if len(kinds) == 1 else kinds


_MERGED: Mapping[str, Callable[[Any, Any], Any]] = {
    "properties": _properties,
    "items": lambda one, other: {"allOf": [one, other]},
    "required": lambda one, other: [*one, *(name for name in other if name not in one)],
    "enum": _in_both,
    "type": _types,
    **dict.fromkeys(("minLength", "minItems", "minimum", "exclusiveMinimum", "minProperties"), max),
    **dict.fromkeys(("maxLength", "maxItems", "maximum", "exclusiveMaximum", "maxProperties"), min),
}
"""Keyword -> how what two branches say of it holds together."""
