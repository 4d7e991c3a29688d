"""What a comparison of two schemas finds, before it is told to anyone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any, Literal

from attrs import field, frozen

from kie_registry.wording import clip

Kind = Literal["breaking", "widening", "wording"]
KINDS: tuple[Kind, ...] = ("breaking", "widening", "wording")
"""From the gravest to the least."""

ITSELF = ""
"""The keyword of a finding that concerns a parameter as a whole: it came, went or was renamed."""
EVERYTHING = "*"
"""The keyword of a finding that says all about a parameter but its prose."""
PROSE = frozenset({"title", "description", "example", "examples", "$comment", "externalDocs"})
"""Keywords that speak to people alone."""


@frozen
class Finding:
    """One difference between what two editions of a schema demand.

    Attributes:
        path: The parameter, as ``prompt`` or ``multi_prompt[].duration``; empty for the input as a whole.
        keyword: The keyword of JSON Schema that differs, `ITSELF` or `EVERYTHING`.
        kind: What it means for a caller.
        sentence: The same in words.
        values: The values that came or went, as JSON, where the keyword holds several.
    """

    path: str
    keyword: str
    kind: Kind
    sentence: str
    values: frozenset[str] = field(factory=frozenset, repr=False)

    def tells_of(self, path: str, keyword: str, value: str | None = None) -> bool:
        """Whether this finding has told of a difference at this place already."""
        if self.keyword == EVERYTHING and keyword not in PROSE:
            return path == self.path or path.startswith((f"{self.path}.", f"{self.path}["))
        if (path, keyword) != (self.path, self.keyword):
            return False
        return value is None or not self.values or value in self.values


def as_json(value: Any) -> str:
    """Return `value` as JSON; equal for equal values, whatever the order of their keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def names(path: str) -> str:
    """Return how a sentence calls a parameter."""
    return f"`{path}`" if path else "the input"


def shown(value: Any) -> str:
    """Return a value as a sentence shows it: text bare, all else as JSON, in backticks."""
    bare = isinstance(value, str) and value == value.strip() and value
    return f"`{clip(value if bare else as_json(value))}`"


def listed(values: Iterable[Any]) -> str:
    """Return ``a``, ``a and b``, or ``a, b and c``, as `shown`."""
    words = [shown(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def were(values: Collection[Any]) -> str:
    """Return the verb for so many values."""
    return "was" if len(values) == 1 else "were"
