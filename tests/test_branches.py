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
        ({"images": iter([URL])}, {"image_url": URL, "mode": "image"}),
        ({"mode": "image", "images": URL}, {"mode": "image", "image_url": URL}),
        ({"mode": "TEXT"}, {"mode": "text", "length": 5}),
    ],
    ids=["the first", "the one that takes an image", "an iterator", "as it is given", "in another case"],
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


A: dict[str, Any] = {"title": "By text", "properties": {"mode": {"const": "a"}, "n": {"maximum": 3}}}
B: dict[str, Any] = {"properties": {"mode": {"const": "b"}, "url": TEXT}, "required": ["url", "mode"]}


@pytest.mark.parametrize(
    ("key", "given", "found"),
    [
        ("oneOf", {"mode": "b", "url": "x"}, []),
        ("oneOf", {"mode": "b"}, [("url", "is missing (in alternative 2 of 2, which comes nearest)")]),
        (
            "anyOf",
            {"mode": "a", "n": 4},
            [("n", '4 is above the largest value, 3 (in "By text", which comes nearest)')],
        ),
        (
            "oneOf",
            {"mode": "c", "url": "x"},
            [("mode", '"b" was expected (in alternative 2 of 2, which comes nearest)')],
        ),
    ],
    ids=["one fits", "a missing one", "a limit", "neither mode"],
)
def test_of_several_branches_the_nearest_is_explained(
    key: str, given: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    violations = contract({key: [A, B]}).violations(given)
    assert [(violation.native, violation.message) for violation in violations] == found


def test_a_branch_that_does_not_know_what_is_given_is_not_near() -> None:
    branches = [
        {"properties": {"a": TEXT}, "required": ["x"], "additionalProperties": False},
        {"properties": {"a": TEXT, "b": TEXT}, "required": ["y"], "additionalProperties": False},
    ]
    (violation,) = contract({"oneOf": branches}).violations({"a": "1", "b": "2"})
    assert violation.native == "y"


BY_TEXT = {"properties": {"p": TEXT | {"maxLength": 3}, "n": WHOLE}, "required": ["p"]}
BY_IMAGE = {"properties": {"p": TEXT, "url": TEXT, "n": {"enum": ["5"]}}, "required": ["url"]}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"p": "long"}, ("p", "has 4 characters; at most 3 are allowed")),
        ({"url": "x", "n": 7}, ("n", '7 is not one of "5"')),
        ({"p": "a", "url": "x", "n": 5}, ("url", "does not go together with what else is given")),
        ({"p": "a", "q": 1}, ("q", "is no parameter of this model")),
    ],
    ids=["a limit as near as what is missing", "what is given tells the branch", "of another branch", "of none"],
)
def test_what_is_given_tells_which_branch_was_meant(given: dict[str, Any], found: tuple[str, str]) -> None:
    of = contract({"anyOf": [BY_TEXT, BY_IMAGE], "unevaluatedProperties": False})
    (violation,) = of.violations(given)
    assert (violation.native, violation.message.partition(" (")[0]) == found


def test_of_branches_that_exclude_each_other_only_one_may_fit() -> None:
    branches = [{"title": "A", "required": ["a"]}, {"required": ["b"]}]
    (violation,) = contract({"properties": {"a": TEXT, "b": TEXT}, "oneOf": branches}).violations(
        {"a": "1", "b": "2"}
    )
    assert violation.message == 'fits "A" and alternative 2 of 2 at once, and must fit only one of them'


def test_what_a_branch_takes_is_not_called_unknown_where_the_branch_fails() -> None:
    branches = [{"properties": {"a": {"type": "integer"}, "b": TEXT}, "required": ["a"]}]
    violations = contract({"anyOf": branches, "unevaluatedProperties": False}).violations({"a": "x", "b": "y"})
    assert [violation.native for violation in violations] == ["a"]


def test_the_parameters_are_those_of_all_branches() -> None:
    of = contract({"properties": {"p": TEXT}, "required": ["p"], "oneOf": [A, B]})
    assert (list(of.parameters), of.required) == (["p", "mode", "n", "url"], frozenset({"p"}))
