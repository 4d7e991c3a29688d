"""What a page gives as its example, and which rules changed it on the way to the contract."""

from __future__ import annotations

import copy
from typing import Any

from attrs import frozen

from kie_registry.specs.documents import Json
from kie_registry.specs.prepare import Prepared
from kie_registry.specs.request import request_content
from kie_registry.specs.rules import RULES, rule_name
from kie_registry.testing.json_data import same_json


@frozen
class PublishedExample:
    """The example of a page.

    Attributes:
        input: As published; None where the page has none.
        rules: The names of the rules that changed it, or found it.
    """

    input: Any
    rules: tuple[str, ...]


def published_example(prepared: Prepared) -> PublishedExample:
    """Apply the rules to the document again, one by one, and watch the example."""
    document = copy.deepcopy(prepared.published.document)
    document.setdefault("info", {})["title"] = prepared.title
    first = last = _example(document)
    rules = []
    for apply in RULES:
        for _ in apply(document, prepared.slug):
            pass
        now = _example(document)
        if not same_json(now, last):
            rules.append(rule_name(apply))
            first = now if first is None else first
        last = now
    return PublishedExample(first, tuple(rules))


def _example(document: Json) -> Any:
    try:
        content = request_content(document) or {}
    except Exception:
        # Before the rules have run, a document may be anything.
        return None
    example = content.get("example")
    return copy.deepcopy(example.get("input")) if isinstance(example, dict) else None
