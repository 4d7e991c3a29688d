"""The rule for alternatives that do not exclude each other, though the document says that one alone must hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kie_registry.schemas import Schema, parameters, required, types
from kie_registry.specs.documents import Json
from kie_registry.specs.request import example_input, input_nodes
from kie_registry.specs.validity import fits

_WHOLE_AND_NUMBER = ({"integer"}, {"number"})


def one_of_what_overlaps(document: Json, _slug: str) -> Iterator[str]:
    """Read ``oneOf`` as ``anyOf`` where what one branch needs is enough for another, or the example fits several.

    With two branches that both need nothing but a prompt, every prompt would fit two of them, and none be taken.
    """
    shown = example_input(document)
    for place, node in input_nodes(document):
        branches = node.get("oneOf")
        if not isinstance(branches, list) or "anyOf" in node:
            continue
        objects = [branch for branch in branches if isinstance(branch, dict)]
        if len(objects) < len(branches):
            continue
        both = any(_holds_in(one, other) for one in objects for other in objects if one is not other)
        by_example = place == "input" and shown is not None and sum(fits(shown, each) for each in objects) > 1
        if both or by_example:
            node["anyOf"] = node.pop("oneOf")
            yield f"{place}.oneOf"


def open_parts(document: Json, _slug: str) -> Iterator[str]:
    """Open the parts of an ``allOf``: a part that takes nothing else would shut its neighbours out."""
    for place, node in input_nodes(document):
        for part in node.get("allOf", ()) if isinstance(node.get("allOf"), list) else ():
            if isinstance(part, dict) and part.get("additionalProperties") is False:
                del part["additionalProperties"]
                yield f"{place}.allOf"


def _holds_in(one: Schema, other: Schema) -> bool:
    """Whether the smallest value of one branch fits another."""
    kinds = set(types(one)), set(types(other))
    if not _is_object(one) or not _is_object(other):
        overlap = bool(kinds[0] & kinds[1]) or kinds == _WHOLE_AND_NUMBER
        return overlap and not _apart(_values(one), _values(other))
    if not required(other) <= required(one):
        return False
    described = parameters(one), parameters(other)
    shared = described[0].keys() & described[1].keys()
    return not any(_apart(_values(described[0][name]), _values(described[1][name])) for name in shared)


def _is_object(schema: Schema) -> bool:
    return "object" in types(schema) or "properties" in schema or "required" in schema or not schema


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    enum = schema.get("enum")
    return enum if isinstance(enum, list) else None


def _apart(one: list[Any] | None, other: list[Any] | None) -> bool:
    return one is not None and other is not None and not any(value in other for value in one)
