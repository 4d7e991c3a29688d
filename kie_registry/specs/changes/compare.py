"""What changed between two editions of a model's page, in the terms of a caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from kie_registry import schemas, vocabulary
from kie_registry.specs.changes.common import moved_names
from kie_registry.specs.changes.constraints import Pair
from kie_registry.specs.changes.findings import ITSELF, KINDS, Finding, Kind, listed, names, shown, were
from kie_registry.specs.changes.schemas import compare_schemas
from kie_registry.specs.changes.texts import became
from kie_registry.specs.changes.wording import retell
from kie_registry.specs.documents import Json, inline
from kie_registry.specs.prepare import Prepared
from kie_registry.specs.request import request_schema


@frozen
class Change:
    """One thing that changed.

    Attributes:
        model: The model id, in the earlier edition.
        parameter: The native name, with the path to what is nested in it (``multi_prompt[].duration``); empty
            where the model as a whole is concerned.
        common: The common name of the parameter, where it is another; else empty.
        kind: ``breaking`` where a call that was right may be refused or mean something else; ``widening``
            where all such calls stay right and more is possible, or a parameter will go; ``wording`` where
            nothing changes that is checked or sent.
        sentence: What changed, for a person.
    """

    model: str
    parameter: str
    common: str
    kind: Kind
    sentence: str


def compare(old: Prepared, new: Prepared) -> list[Change]:
    """Return everything that changed from `old` to `new`, the gravest first; nothing for equal documents."""
    found = list(_of_contracts(old, new))
    found += retell(old.published.document, new.published.document, found)
    found += _of_headings(old, new)
    if not found and old.published.content != new.published.content:
        found.append(Finding("", "", "wording", "the page is only written otherwise: it says the same"))
    return _ordered(old, new, found)


def _of_headings(old: Prepared, new: Prepared) -> Iterator[Finding]:
    """Compare what stands around the documents; a bare document has neither, which is no change."""
    for attribute, says in (("title", "the title of the page"), ("page", "the place of the page")):
        before, after = getattr(old.published, attribute), getattr(new.published, attribute)
        if before and after and before != after:
            yield Finding("", attribute, "wording", f"{says} {became(before, after)}")


def _ordered(old: Prepared, new: Prepared, found: list[Finding]) -> list[Change]:
    natives = {native: common for each in (old, new) for native, common in _commons(each).items()}
    order = {name: at for at, name in enumerate(["", *schemas.parameters(new.contract["input"])])}
    unique = dict.fromkeys(
        Change(old.id, each.path, _common(natives, each.path), each.kind, each.sentence) for each in found
    )
    return sorted(
        unique,
        key=lambda change: (KINDS.index(change.kind), order.get(top_level(change.parameter), len(order))),
    )


def top_level(path: str) -> str:
    """Return the parameter of the input that a path starts from."""
    return path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0]


def _commons(prepared: Prepared) -> Mapping[str, str]:
    return {native: common for common, native in vocabulary.common_names(prepared.contract["input"]).items()}


def _common(natives: Mapping[str, str], path: str) -> str:
    common = natives.get(path, path)
    return "" if common == path else common


def _of_contracts(old: Prepared, new: Prepared) -> Iterator[Finding]:
    before, after = old.contract, new.contract
    if old.id != new.id:
        yield Finding("", "id", "breaking", f"the model id is {shown(new.id)} now (was {shown(old.id)})")
    if before["output"] != after["output"]:
        kind: Kind = "wording" if before["output"] == "file" else "breaking"
        yield Finding("", "output", kind, f"the output is {after['output']} now (was {before['output']})")
    inputs = list(compare_schemas(Pair("", before["input"], after["input"])))
    yield from (_with_successor(finding, after) for finding in inputs)
    yield from compare_schemas(Pair("", _beside_input(old.document), _beside_input(new.document)))
    whole = {finding.path for finding in inputs if finding.keyword == ITSELF}
    whole |= {path for finding in inputs for path in finding.values if finding.keyword == ITSELF}
    yield from _media(before, after, whole)
    yield from _successors(before["replaced_by"], after["replaced_by"], inputs)
    yield from moved_names(before["input"], after["input"])


def _with_successor(finding: Finding, contract: Json) -> Finding:
    successor = contract["replaced_by"].get(finding.path)
    if finding.keyword != "deprecated" or successor is None:
        return finding
    sentence = f"{finding.sentence}; {names(successor)} replaces it"
    return Finding(finding.path, finding.keyword, finding.kind, sentence)


def _beside_input(document: Json) -> Json:
    """Return the schema of what a request takes beside the model id and the input."""
    body = request_schema(document) or {}
    others = {
        name: schema for name, schema in body.get("properties", {}).items() if name not in ("model", "input")
    }
    required = [name for name in body.get("required", ()) if name in others]
    schema: Json = inline(document, {"type": "object", "properties": others, "required": required})
    return schema


def _media(before: Json, after: Json, whole: set[str]) -> Iterator[Finding]:
    old, new = before["media"], after["media"]
    for path in dict.fromkeys([*new, *old]):
        if any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in whole):
            continue
        if path not in old:
            yield _takes_files(path, _schema_at(before["input"], path))
        elif path not in new:
            yield Finding(path, "media", "breaking", f"{names(path)} takes no local file any more")
            continue
        yield from _limits(path, old.get(path, {}), new[path])


def _takes_files(path: str, before: Mapping[str, Any]) -> Finding:
    now = f"{names(path)} takes a file now: a local one is uploaded"
    if before.get("format") in ("uri", "url"):
        return Finding(path, "media", "widening", now)
    return Finding(path, "media", "breaking", f"{now}, and a text that names none is refused (was any text)")


def _schema_at(schema: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the schema of one value at a path of the input; an empty one where there is none."""
    for part in path.split("."):
        schema = schemas.item(schemas.parameters(schema).get(part.replace("[]", ""), {}))
    return schema


def _limits(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for keyword, noun, nothing_is_any in (("types", "files", True), ("schemes", "addresses", False)):
        yield from _accepted(path, old.get(keyword) or [], new.get(keyword) or [], noun, any_=nothing_is_any)
    before, after = old.get("max_bytes"), new.get("max_bytes")
    if before != after:
        wider = after is None or (before is not None and after > before)
        sentence = f"the files of {names(path)} may have {_size(after)} now (were {_size(before)})"
        yield Finding(path, "media", "widening" if wider else "breaking", sentence)
    if old and new and old.get("kind") != new.get("kind"):
        sentence = f"{names(path)} is for {new.get('kind')} now (was for {old.get('kind')})"
        yield Finding(path, "media", "breaking", sentence)


def _accepted(path: str, old: list[str], new: list[str], noun: str, *, any_: bool) -> Iterator[Finding]:
    added, removed = [one for one in new if one not in old], [one for one in old if one not in new]
    if any_ and not old and new:
        yield Finding(path, "media", "breaking", f"{names(path)} takes only {listed(new)} {noun} now (was any)")
    elif any_ and old and not new:
        yield Finding(path, "media", "widening", f"{names(path)} takes any {noun} now (was {listed(old)})")
    else:
        if added:
            sentence = f"{listed(added)} {were(added)} added to the {noun} that {names(path)} takes"
            yield Finding(path, "media", "widening", sentence)
        if removed:
            sentence = f"{listed(removed)} {were(removed)} removed from the {noun} that {names(path)} takes"
            yield Finding(path, "media", "breaking", sentence)


def _size(size: int | None) -> str:
    return "any size" if size is None else f"up to {size / 2**20:,.6g} MB"


def _successors(old: Json, new: Json, inputs: list[Finding]) -> Iterator[Finding]:
    told = {finding.path for finding in inputs if finding.keyword in (ITSELF, "deprecated")}
    for path in dict.fromkeys([*new, *old]):
        if path not in told and old.get(path) != new.get(path):
            now = f"is replaced by {names(new[path])}" if path in new else "has no successor"
            yield Finding(path, "replaced_by", "wording", f"{names(path)} {now} now")


__all__ = ["KINDS", "Change", "Kind", "compare", "top_level"]
