"""The rule for alternatives that do not exclude each other, though the document says that one alone must hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kie_registry.schemas import Schema, parameters, required
from kie_registry.specs.documents import Json
from kie_registry.specs.request import input_nodes


def one_of_what_overlaps(document: Json, _slug: str) -> Iterator[str]:
    """Read ``oneOf`` as ``anyOf`` where what one branch needs is enough for another as well.

    With two branches that both need nothing but a prompt, every prompt would fit two of them, and none be taken.
    """
    for place, node in input_nodes(document):
        branches = node.get("oneOf")
        if not isinstance(branches, list) or "anyOf" in node:
            continue
        objects = [branch for branch in branches if isinstance(branch, dict)]
        if len(objects) == len(branches) and any(
            _holds_in(one, other) for one in objects for other in objects if one is not other
        ):
            node["anyOf"] = node.pop("oneOf")
            yield f"{place}.oneOf"


def _holds_in(one: Schema, other: Schema) -> bool:
    """Whether the smallest input of one branch fits another."""
    described = parameters(one), parameters(other)
    if not all(described) or not required(other) <= required(one):
        return False
    shared = described[0].keys() & described[1].keys()
    return not any(_apart(_values(described[0][name]), _values(described[1][name])) for name in shared)


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    enum = schema.get("enum")
    return enum if isinstance(enum, list) else None


def _apart(one: list[Any] | None, other: list[Any] | None) -> bool:
    return one is not None and other is not None and not any(value in other for value in one)
