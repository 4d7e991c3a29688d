"""From a document as published to the clean one that everything else is made from."""

from __future__ import annotations

import copy

from attrs import frozen

from kie_registry.specs.documents import Json
from kie_registry.specs.rules import RULES, rule_name


@frozen
class Repair:
    """What one rule did to a document.

    Attributes:
        rule: The name of the rule.
        places: Where, as JSONPaths or in words.
    """

    rule: str
    places: tuple[str, ...]


def normalize(
    published: Json, *, slug: str | None = None, title: str | None = None
) -> tuple[Json, tuple[Repair, ...]]:
    """Return a clean OpenAPI 3.1 document, and what each rule did; `published` stays as it is.

    Args:
        published: The document as kie.ai publishes it.
        slug: The short name of the model, from which the names of classes are made; None makes one of its id.
        title: The human name of the model, from the page; it becomes the title of the document.

    Raises:
        SpecError: The document cannot be used; the message says why.
    """
    document = copy.deepcopy(published)
    info = document.get("info")
    document["info"] = {**(info if isinstance(info, dict) else {}), **({"title": title} if title else {})}
    repairs = []
    for apply in RULES:
        if places := tuple(apply(document, slug or "")):
            repairs.append(Repair(rule_name(apply), places))
    return document, tuple(repairs)
