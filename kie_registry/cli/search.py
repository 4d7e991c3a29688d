"""`kie models search`: models by a word, here and in kie.ai's catalog."""

from __future__ import annotations

import os
from typing import Any

import click

from kie_registry.cli import output
from kie_registry.errors import KieError
from kie_registry.registry import default_registry


@output.with_json
@click.command("search")
@click.argument("word")
def search_models(word: str, *, as_json: bool) -> None:
    """Find models that have WORD in their names, here and, with an API key, in kie.ai's catalog."""
    found = {entry["id"]: entry for entry in _here(word)}
    known = set(default_registry().ids())
    for entry in _in_the_catalog(word):
        found.setdefault(entry["id"], {**entry, "here": entry["id"] in known})
    if as_json:
        output.show_json(list(found.values()))
    elif found:
        rows = [(each["id"], "yes" if each["here"] else "no", each["title"]) for each in found.values()]
        output.table(("MODEL", "HERE", "TITLE"), rows)
    if not found:
        output.note(f"no model has {word!r} in its names")
    elif not all(each["here"] for each in found.values()):
        output.note("`kie models add MODEL` adds one that is not here.")


def _here(word: str) -> list[dict[str, Any]]:
    wanted = word.lower()
    return [
        {"id": each.id, "title": each.title, "here": True}
        for each in default_registry().summaries()
        if wanted in " ".join((each.id, *each.aliases, each.title)).lower()
    ]


def _in_the_catalog(word: str) -> list[dict[str, Any]]:
    if not os.environ.get("KIE_API_KEY"):
        output.note("Without an API key (KIE_API_KEY) only the models here are searched, not kie.ai's catalog.")
        return []
    from kie_registry.specs.catalog import search_catalog

    try:
        return [{"id": entry.id, "title": entry.title} for entry in search_catalog(word)]
    except KieError as error:
        output.note(f"The catalog could not be searched, only the models here: {error}")
        return []
