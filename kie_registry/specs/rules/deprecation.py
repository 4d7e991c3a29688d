"""The rule for deprecated parameters beside those that replace them."""

from __future__ import annotations

from collections.abc import Iterator

from kie_registry.specs.documents import Json
from kie_registry.specs.request import input_nodes, input_schema, request_content
from kie_registry.specs.successors import successors


def free_deprecated(document: Json, _slug: str) -> Iterator[str]:
    """Require no deprecated parameter that has a successor, and show none in the example beside it."""
    schema, content = input_schema(document), request_content(document)
    if schema is None or content is None:
        return
    replaced = successors(schema)
    for place, node in input_nodes(document):
        needed = node.get("required")
        if isinstance(needed, list) and replaced.keys() & set(map(str, needed)):
            node["required"] = [name for name in needed if name not in replaced]
            yield f"{place}.required"
    example = content.get("example")
    shown = example.get("input") if isinstance(example, dict) else None
    if not isinstance(shown, dict):
        return
    for deprecated, current in replaced.items():
        if deprecated in shown and current in shown:
            del shown[deprecated]
            yield f"input.{deprecated}: left out"
