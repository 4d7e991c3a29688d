"""Which parameter takes the place of a deprecated one."""

from __future__ import annotations

import re

from kie_registry.schemas import Schema, parameters, required
from kie_registry.specs.documents import Json
from kie_registry.vocabulary import common_names, synonyms

_SUCCESSOR = re.compile(
    r"(?:replaced (?:by|with)|use|in favou?r of|superseded by|switch to|prefer)(?: the)?(?: new)?"
    r"(?: parameter| field)? `(\w+)`|`(\w+)` instead",
    re.IGNORECASE,
)


def successors(schema: Schema) -> Json:
    """Return each deprecated parameter with its successor, where the document tells of one."""
    properties = parameters(schema)
    natives = common_names(schema)
    needed = required(schema)
    found: Json = {}
    for name, parameter in properties.items():
        if not parameter.get("deprecated"):
            continue
        named = _SUCCESSOR.findall(str(parameter.get("description", "")))
        candidates = [other for pair in named for other in pair if other in properties and other != name]
        same = [other for other in properties if other != name and _alike(natives, other, name)]
        # A prompt is always given; it cannot stand in for something else.
        if able := [other for other in candidates or same if other not in needed or other in same]:
            found[name] = able[0]
    return found


def _alike(natives: dict[str, str], current: str, deprecated: str) -> bool:
    common = next((name for name, native in natives.items() if native == current), None)
    return common is not None and deprecated in synonyms(common)
