"""Reading JSON Schemas: flat ones, and those that are made of branches."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry import schemas

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
AB: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}
BC: dict[str, Any] = {"type": "string", "enum": ["b", "c"]}


def having(*names: str, **properties: Any) -> dict[str, Any]:
    return {"properties": properties, "required": list(names)}


@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        (having(p=TEXT), {"p": TEXT}),
        ({"oneOf": [having(p=TEXT), having(q=WHOLE)]}, {"p": TEXT, "q": WHOLE}),
        ({**having(p=TEXT), "allOf": [having(q=WHOLE)]}, {"p": TEXT, "q": WHOLE}),
        ({"anyOf": [{"oneOf": [having(p=TEXT)]}]}, {"p": TEXT}),
        ({"oneOf": [having(p=AB), having(p=BC)]}, {"p": {"type": "string", "enum": ["a", "b", "c"]}}),
        ({"oneOf": [having(p=TEXT), having(p=WHOLE)]}, {"p": {"anyOf": [TEXT, WHOLE]}}),
        (
            {**having(p=TEXT), "oneOf": [having(p={"description": "words"})]},
            {"p": {"type": "string", "description": "words"}},
        ),
        ({"oneOf": [True, having(p=True)]}, {"p": {}}),
        ({}, {}),
    ],
    ids=["flat", "oneOf", "allOf", "nested", "enums", "types", "words", "no mappings", "nothing"],
)
def test_parameters_are_those_of_all_branches(schema: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert schemas.parameters(schema) == parameters


@pytest.mark.parametrize(
    ("schema", "required"),
    [
        (having("p"), {"p"}),
        ({"oneOf": [having("p", "q"), having("q")]}, {"q"}),
        ({**having("p"), "anyOf": [having("q"), {}]}, {"p"}),
        ({"allOf": [having("p"), having("q")]}, {"p", "q"}),
        ({"oneOf": [{"allOf": [having("p")]}, having("p")]}, {"p"}),
        ({"oneOf": [True, having("p")]}, set()),
        ({}, set()),
    ],
)
def test_required_is_what_every_way_needs(schema: dict[str, Any], required: set[str]) -> None:
    assert set(schemas.required(schema)) == required


@pytest.mark.parametrize(
    ("schema", "types"),
    [
        (TEXT, ("string",)),
        ({"type": ["string", "null"]}, ("string", "null")),
        ({"anyOf": [TEXT, {"type": "array"}, TEXT]}, ("string", "array")),
        ({}, ()),
    ],
)
def test_types(schema: dict[str, Any], types: tuple[str, ...]) -> None:
    assert schemas.types(schema) == types


@pytest.mark.parametrize(
    ("schema", "choices"),
    [
        (AB, ("a", "b")),
        ({"const": "a"}, ("a",)),
        ({"anyOf": [AB, BC]}, ("a", "b", "c")),
        ({"anyOf": [AB, {"type": "null"}]}, ("a", "b")),
        ({"anyOf": [AB, TEXT]}, ()),
        ({"anyOf": [{"const": True}, {"const": 1}]}, (True, 1)),
        (TEXT, ()),
    ],
)
def test_choices_are_all_that_is_taken(schema: dict[str, Any], choices: tuple[Any, ...]) -> None:
    assert schemas.choices(schema) == choices


@pytest.mark.parametrize(
    ("schema", "item"),
    [
        ({"type": "array", "items": TEXT}, TEXT),
        ({"anyOf": [WHOLE, {"type": "array", "items": TEXT}]}, TEXT),
        (TEXT, TEXT),
        ({"type": "array"}, {"type": "array"}),
    ],
)
def test_an_item_is_one_of_the_values(schema: dict[str, Any], item: dict[str, Any]) -> None:
    assert schemas.item(schema) == item


@pytest.mark.parametrize(
    ("schema", "allowed"),
    [
        (TEXT, False),
        (TEXT | {"minLength": 0}, True),
        (TEXT | {"minLength": 1}, False),
        ({"type": "array", "items": TEXT | {"minLength": 0}}, True),
        ({"anyOf": [TEXT | {"minLength": 0}, WHOLE]}, True),
    ],
)
def test_an_empty_text_is_allowed_only_outright(schema: dict[str, Any], allowed: bool) -> None:
    assert schemas.allows_empty(schema) is allowed
