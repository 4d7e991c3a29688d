"""Rules for the limits of parameters: those that only the prose states, and those that nothing can meet."""

from __future__ import annotations

from collections.abc import Iterator

from kie_registry.errors import SpecError
from kie_registry.specs.documents import Json
from kie_registry.specs.prose import limits
from kie_registry.specs.request import input_nodes, input_schema
from kie_registry.specs.validity import fits

_PAIRS = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))


def limits_from_prose(document: Json, _slug: str) -> Iterator[str]:
    """Make limits that the prose states in so many words (``Max length: 500``) limits of the schema."""
    for place, node in input_nodes(document):
        for keyword, value in limits(node).items():
            shown = [node["default"]] if "default" in node else []
            shown += node["examples"] if isinstance(node.get("examples"), list) else []
            # What the page itself shows to be wrong is no limit.
            limit = {"type": node["type"], keyword: value}
            if all(fits(example, limit) or not fits(example, {"type": node["type"]}) for example in shown):
                node[keyword] = value
                yield f"{place}.{keyword}: {value}"


def refuse_contradictions(document: Json, _slug: str) -> Iterator[str]:
    """Refuse limits that no value can meet, and schemas that are none. It changes nothing."""
    schema = input_schema(document)
    if schema is None:
        return
    for place, node in input_nodes(document):
        for least, most in _PAIRS:
            if least in node and most in node and node[least] > node[most]:
                raise SpecError(
                    f"{place} contradicts itself: its {least} is {node[least]} and its {most} is {node[most]}"
                )
    fits({}, schema)
    yield from ()
