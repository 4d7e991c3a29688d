"""What holds of the changes between any two documents."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings, strategies as st

from kie_registry.specs.changes.compare import compare
from kie_registry.specs.changes.constraints import Pair
from kie_registry.specs.changes.schemas import compare_schemas
from kie_registry.specs.documents import Json
from tests.specs.editions import document, of_document

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from(["prompt", "image_urls", "duration", "mode", "seed", "style", "x-ray", "input"])
WORDS = st.sampled_from(["", "How long", "Accepted types: image/png; Max size: 10.0MB", "A picture's URL"])
CHOICES = st.lists(st.sampled_from(["1k", "2k", "4k", "auto", " 1:8", "5"]), min_size=1, max_size=4, unique=True)


@st.composite
def texts(draw: st.DrawFn) -> Json:
    return {"type": "string", "maxLength": draw(st.integers(1, 9000)), "description": draw(WORDS)}


@st.composite
def chosen(draw: st.DrawFn) -> Json:
    return {"type": "string", "enum": draw(CHOICES), "title": draw(WORDS)}


@st.composite
def numbers(draw: st.DrawFn) -> Json:
    return {"type": draw(st.sampled_from(["integer", "number"])), "maximum": draw(st.integers(0, 99))}


PLAIN = texts() | chosen() | numbers()


@st.composite
def lists(draw: st.DrawFn) -> Json:
    inner: Json = draw(PLAIN)
    nested: Json = {"type": "object", "properties": draw(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=2))}
    return {"type": "array", "items": draw(st.sampled_from([inner, nested])), "maxItems": draw(st.integers(1, 9))}


@st.composite
def inputs(draw: st.DrawFn) -> Json:
    properties: Json = draw(st.dictionaries(NAMES, PLAIN | lists(), min_size=1, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True, max_size=2))
    schema: Json = {"type": "object", "properties": properties, "required": required}
    if draw(st.booleans()):
        schema["oneOf"] = [{"required": [name]} for name in sorted(properties)]
    return schema


DOCUMENTS = st.builds(document, inputs(), description=WORDS, tags=st.lists(WORDS, max_size=2))


@SETTINGS
@given(DOCUMENTS)
def test_nothing_changed_between_equal_documents(published: Json) -> None:
    assert compare(of_document(published), of_document(json.loads(json.dumps(published)))) == []


@SETTINGS
@given(DOCUMENTS, DOCUMENTS)
def test_something_changed_between_different_documents(old: Json, new: Json) -> None:
    assume(old != new)
    assert compare(of_document(old), of_document(new))


@SETTINGS
@given(DOCUMENTS, DOCUMENTS)
def test_changes_stand_in_one_order(old: Json, new: Json) -> None:
    changes = compare(of_document(old), of_document(new))
    ranks = [("breaking", "widening", "wording").index(change.kind) for change in changes]
    assert ranks == sorted(ranks)
    assert changes == compare(of_document(old), of_document(new))


def kinds(old: Json, new: Json) -> list[tuple[str, str]]:
    return sorted((finding.keyword, finding.kind) for finding in compare_schemas(Pair("x", old, new)))


def turned(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    other = {"breaking": "widening", "widening": "breaking"}
    return sorted((keyword, other.get(kind, kind)) for keyword, kind in found)


def bounded(keyword: str, kind: str) -> st.SearchStrategy[Json]:
    none: st.SearchStrategy[Any] = st.just({"type": kind})
    return none | st.builds(lambda bound: {"type": kind, keyword: bound}, st.integers(0, 9))


OF_TYPE = {
    "maxLength": "string",
    "minLength": "string",
    "maximum": "number",
    "minimum": "number",
    "exclusiveMaximum": "number",
    "maxItems": "array",
    "minItems": "array",
}
BOUNDED = st.sampled_from(sorted(OF_TYPE.items())).flatmap(lambda one: st.tuples(bounded(*one), bounded(*one)))
CHOSEN = st.builds(lambda values: {"type": "string", "enum": values}, CHOICES)


@settings(max_examples=200, deadline=None)
@given(BOUNDED | st.tuples(CHOSEN, CHOSEN))
def test_what_breaks_one_way_widens_the_other(pair: tuple[Json, Json]) -> None:
    old, new = pair
    assert kinds(new, old) == turned(kinds(old, new))
