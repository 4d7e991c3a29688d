"""Alternatives: those that exclude each other stay apart, and those that overlap are no dead end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.contract import Contract
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import Json
from kie_registry.specs.normalize import normalize
from kie_registry.specs.request import input_schema

MakeDocument = Callable[..., Json]
TEXT: Json = {"type": "string"}


def branch(*needed: str, **properties: Json) -> Json:
    return {"properties": properties, "required": list(needed)}


def contract(make_document: MakeDocument, schema: Json, example: Any = None) -> Contract:
    document = make_document(example=example)
    found = input_schema(document)
    assert found is not None
    found.clear()
    found.update({"type": "object", **schema})
    clean, _ = normalize(document, slug="lamp")
    return Contract.from_json(build_contract(clean, slug="lamp"))


FROM_TEXT = branch("prompt", prompt=TEXT, size=TEXT)
FROM_IMAGE = branch("prompt", "image_url", prompt=TEXT, image_url=TEXT)


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        pytest.param({"oneOf": [FROM_TEXT, FROM_IMAGE]}, {"prompt": "a", "image_url": "b"}, id="one-needs-more"),
        pytest.param({"oneOf": [branch(a=TEXT), branch(b=TEXT)]}, {"a": "x"}, id="none-needs-anything"),
        pytest.param(
            {"properties": {"prompt": TEXT, "b": TEXT}, "oneOf": [{}, {"required": ["b"]}]},
            {"prompt": "x", "b": "y"},
            id="the-empty-one",
        ),
        pytest.param(
            {"oneOf": [branch("s", s={"enum": ["1", "2"]}), branch("s", s={"enum": ["2", "3"]})]},
            {"s": "2"},
            id="choices-that-overlap",
        ),
        pytest.param(
            {"properties": {"n": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}},
            {"n": 3},
            id="of-a-parameter",
        ),
        pytest.param(
            {"allOf": [{**FROM_TEXT, "additionalProperties": False}, branch(seed={"type": "integer"})]},
            {"prompt": "a", "seed": 3},
            id="a-closed-part",
        ),
    ],
)
def test_input_that_fits_several_is_taken(make_document: MakeDocument, schema: Json, given: Json) -> None:
    assert contract(make_document, schema).violations(given) == []


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        pytest.param(
            {"oneOf": [branch("m", m={"const": "a"}, x=TEXT), branch("m", m={"const": "b"}, y=TEXT)]},
            {"m": "a", "y": "1"},
            id="told-apart-by-a-value",
        ),
        pytest.param(
            {"properties": {"a": TEXT, "b": TEXT}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"a": "1", "b": "2"},
            id="one-or-the-other",
        ),
    ],
)
def test_alternatives_that_exclude_each_other_do(make_document: MakeDocument, schema: Json, given: Json) -> None:
    assert contract(make_document, schema).violations(given) != []


def test_example_that_fits_several_opens_them(make_document: MakeDocument) -> None:
    schema = {"properties": {"a": TEXT, "b": TEXT}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}
    shown = {"a": "1", "b": "2"}
    found = contract(make_document, schema, {"model": "acme/lamp", "input": shown})
    assert (found.violations(shown), found.example) == ([], shown)


@pytest.mark.parametrize("typo", [{"els": [{"nmae": "a"}]}, {"one": {"nmae": "a"}}])
def test_unknown_key_in_an_object_is_refused(make_document: MakeDocument, typo: Json) -> None:
    element: Json = {"type": "object", "properties": {"name": TEXT}}
    schema = {"properties": {"els": {"type": "array", "items": element}, "one": element}}
    assert contract(make_document, schema).violations(typo) != []


def test_key_that_only_the_example_gives_is_taken(make_document: MakeDocument) -> None:
    schema = {"properties": {"els": {"type": "array", "items": {"type": "object", "properties": {"name": TEXT}}}}}
    shown = {"els": [{"name": "a", "glow": 2}]}
    found = contract(make_document, schema, {"model": "acme/lamp", "input": shown})
    assert (found.violations(shown), found.example) == ([], shown)
