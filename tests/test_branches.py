"""Models whose input is made of branches, and models that take an empty text."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry.binding import bind
from tests.models import TEXT, URL as ADDRESS, WHOLE, adapter, contract, flat

URL = "https://files.example/a.png"


@pytest.mark.parametrize(
    ("schema", "value", "messages"),
    [
        (TEXT, "", ["prompt: is empty"]),
        ({**TEXT, "minLength": 0}, "", []),
        ({**TEXT, "minLength": 0}, "  ", ["prompt: is empty"]),
    ],
    ids=["not allowed", "allowed outright", "white space is no empty text"],
)
def test_an_empty_text_passes_only_where_the_contract_says_so(
    schema: dict[str, Any], value: str, messages: list[str]
) -> None:
    bound = bind(adapter(flat({"prompt": schema}, "prompt")), {"prompt": value})
    assert [str(problem) for problem in bound.problems] == messages


WAYS = contract(
    {
        "properties": {"prompt": TEXT, "length": {"type": "integer", "default": 5}},
        "required": ["prompt"],
        "oneOf": [
            {
                "title": "Text",
                "properties": {"mode": {"const": "text", "default": "text"}, "image_url": False},
                "required": ["mode", "length"],
            },
            {
                "title": "Image",
                "properties": {"mode": {"const": "image", "default": "image"}, "image_url": ADDRESS},
                "required": ["mode", "image_url"],
            },
        ],
    },
    media={"image_url": {"kind": "image"}},
)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"mode": "text", "length": 5}),
        ({"images": URL}, {"image_url": URL, "mode": "image"}),
        ({"mode": "image", "images": URL}, {"mode": "image", "image_url": URL}),
        ({"mode": "TEXT"}, {"mode": "text", "length": 5}),
    ],
    ids=["the first", "the one that takes an image", "as it is given", "in another case"],
)
def test_the_defaults_of_the_branch_that_then_fits_are_sent(given: dict[str, Any], sent: dict[str, Any]) -> None:
    bound = bind(adapter(WAYS), {"prompt": "a", **given})
    assert (bound.input, bound.problems) == ({"prompt": "a", **sent}, [])


def test_a_value_takes_the_form_of_the_branch_that_fits() -> None:
    branches = [
        {"properties": {"mode": {"const": "a"}, "size": WHOLE}, "required": ["mode"]},
        {"properties": {"mode": {"const": "b"}, "size": TEXT}, "required": ["mode"]},
    ]
    bound = bind(adapter(contract({"oneOf": branches})), {"mode": "b", "size": 5})
    assert (bound.input, bound.problems) == ({"mode": "b", "size": "5"}, [])


def test_of_branches_only_what_all_of_them_need_is_missing() -> None:
    found = bind(adapter(WAYS), {"mode": "image"}).problems
    assert [str(problem) for problem in found] == [
        "prompt: is missing",
        'images (image_url): is missing (in "Image", which comes nearest)',
    ]
