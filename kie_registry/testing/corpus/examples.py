"""What a page gives as its example, and which rules changed it on the way to the contract."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from attrs import frozen

from kie_registry.specs.documents import Json
from kie_registry.specs.prepare import Prepared
from kie_registry.specs.request import request_content
from kie_registry.specs.rules import RULES, rule_name
from kie_registry.testing.json_data import differences, same_json


@frozen
class PublishedExample:
    """The example of a page.

    Attributes:
        left: What the rules made of it; None where there is none, or none any more.
        rules: The names of the rules that changed it, found it, or gave it up.
        unexplained: The changes to parameters that the rule which made them does not name.
        dropped: Whether there is one on the page that was given up.
    """

    left: Any
    rules: tuple[str, ...]
    unexplained: tuple[str, ...]
    dropped: bool


def published_example(prepared: Prepared) -> PublishedExample:
    """Apply the rules to the document again, one by one, and watch the example."""
    document = copy.deepcopy(prepared.published.document)
    document["info"] = {**(document.get("info") or {}), "title": prepared.title}
    last = _example(document)
    rules, unexplained, dropped = [], [], False
    for apply in RULES:
        notes = list(apply(document, prepared.slug))
        now = _example(document)
        given_up = any(note in _GIVEN_UP for note in notes)
        dropped |= given_up
        if given_up or not same_json(now, last):
            rules.append(rule_name(apply))
            unexplained += [f"{rule_name(apply)}: {each}" for each in _unnamed(last, now, notes)]
        last = now
    return PublishedExample(last, tuple(rules), tuple(unexplained), dropped)


_WHOLE = "$..example"
_GIVEN_UP = (f"{_WHOLE}: dropped", f"{_WHOLE}: cannot be read")
"""How a note begins that is about the example as a whole, and those that say that it is given up."""


def _unnamed(before: Any, after: Any, notes: Sequence[str]) -> Iterator[str]:
    """Yield the differences in parameters that no note names; a note for the whole covers what is no input.

    What is only found, because its place is now where an example belongs, is no difference.
    """
    if before is None:
        return
    if not (isinstance(before, dict) and isinstance(after, dict)):
        if not any(note.startswith(_WHOLE) for note in notes):
            yield from differences(before, after)
        return
    for name in dict.fromkeys([*before, *after]):
        one, other = ({name: each[name]} if name in each else {} for each in (before, after))
        if not any(_is_about(note, name) for note in notes):
            yield from differences(one, other)


def _is_about(note: str, name: str) -> bool:
    """Whether a note names a parameter: ``input.name``, ``input.properties.name``, or ``input: 'name '``."""
    place, _, spelled = note.partition(": ")
    if place == "input":
        return spelled.strip("'\"").strip() == name.strip()
    return place in (f"input.{name}", f"input.properties.{name}", f"input.properties.{name}.minLength")


def _example(document: Json) -> Any:
    try:
        content = request_content(document) or {}
    except Exception:
        # Before the rules have run, a document may be anything.
        return None
    example = content.get("example")
    return copy.deepcopy(example.get("input")) if isinstance(example, dict) else None
