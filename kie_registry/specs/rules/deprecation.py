"""The rule for deprecated parameters beside those that replace them."""

from __future__ import annotations

from collections.abc import Iterator

from kie_registry.schemas import parameters, required
from kie_registry.specs.documents import Json
from kie_registry.specs.request import example_input, input_nodes, input_schema
from kie_registry.specs.successors import successors
from kie_registry.specs.validity import fits


def free_deprecated(document: Json, _slug: str) -> Iterator[str]:
    """Require no deprecated parameter that has a successor, and show the successor in its place."""
    if (schema := input_schema(document)) is None:
        return
    replaced = successors(schema)
    for place, node in input_nodes(document):
        needed = node.get("required")
        if isinstance(needed, list) and replaced.keys() & set(map(str, needed)):
            node["required"] = [name for name in needed if name not in replaced]
            yield f"{place}.required"
    if (shown := example_input(document)) is None:
        return
    known = parameters(schema)
    for deprecated, current in replaced.items():
        if deprecated not in shown or not (current in shown or current in required(schema)):
            continue
        value = shown.pop(deprecated)
        if current not in shown and fits(value, known[current]):
            shown[current] = value
            yield f"input.{current}: {value!r} of {deprecated}"
        yield f"input.{deprecated}: left out"
