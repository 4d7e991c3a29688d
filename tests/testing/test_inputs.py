"""Inputs made from a contract are valid, and those that break a limit break it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from jsonschema_rs import Draft202012Validator

from kie_registry.contract import Contract
from kie_registry.errors import Problem, SpecError
from kie_registry.testing import valid_input, violations_of
from kie_registry.testing.inputs import is_refusal
from kie_registry.testing.limits import ABSENT, UNKNOWN, Trial

Schema = dict[str, Any]

TEXT = {"type": "string"}


def contract(properties: Schema | None = None, **rest: Any) -> Contract:
    schema = {"type": "object", "additionalProperties": False, "properties": properties or {}, **rest}
    return Contract(id="acme/lamp", title="Lamp", output="image", input=schema)


def tried(made: Contract) -> set[tuple[str, str]]:
    return {(trial.place, trial.rule) for trial in violations_of(made)}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param(TEXT, "a", id="text"),
        pytest.param({"type": "string", "minLength": 3}, "aaa", id="long text"),
        pytest.param({"type": "string", "enum": ["x", "y"]}, "x", id="first choice"),
        pytest.param({"type": "string", "enum": ["x", "y"], "default": "y"}, "y", id="default"),
        pytest.param(
            {"type": "string", "enum": ["x", "y"], "default": "z"}, "x", id="default outside of the enum"
        ),
        pytest.param({"type": "string", "default": "  "}, "a", id="blank default"),
        pytest.param({"const": 7}, 7, id="constant"),
        pytest.param({"type": "string", "pattern": "^#[0-9A-F]{6}$"}, "#000000", id="pattern"),
        pytest.param(
            {"type": "string", "pattern": r"^[A-Z]{3}-\d{2}$"}, "AAA-00", id="pattern that nobody guesses"
        ),
        pytest.param({"type": "string", "pattern": r"^(?:v\w+|x)[^a]?\s.$"}, "vaA a", id="pattern of all sorts"),
        pytest.param({"type": "string", "pattern": "(?<=b)|a"}, "a", id="pattern beyond this"),
        pytest.param({"type": "string", "pattern": "^q+$", "examples": ["qq"]}, "qq", id="example of a pattern"),
        pytest.param({"type": "string", "format": "uri"}, "https://example.com/file-1.png", id="address"),
        pytest.param({"type": "integer", "minimum": 3}, 3, id="integer"),
        pytest.param({"type": "integer", "minimum": 3, "multipleOf": 5}, 5, id="multiple"),
        pytest.param({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.25, id="small number"),
        pytest.param({"type": ["null", "boolean"]}, True, id="boolean or null"),
        pytest.param({"type": "array", "items": TEXT}, ["a"], id="list"),
        pytest.param(
            {"type": "array", "items": TEXT, "minItems": 2, "uniqueItems": True}, ["a", "aa"], id="unique"
        ),
        pytest.param({"anyOf": [{"type": "integer"}, TEXT]}, 1, id="branches"),
        pytest.param({"allOf": [{"minLength": 2}, TEXT]}, "aa", id="parts"),
        pytest.param({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, 2, id="what both parts take"),
        pytest.param({"oneOf": [{"type": "integer"}, {"type": "number"}]}, 0.5, id="exactly one branch"),
        pytest.param(
            {"type": "object", "required": ["a"], "properties": {"a": TEXT, "b": TEXT}}, {"a": "a"}, id="object"
        ),
        pytest.param(
            {"type": "object", "minProperties": 1, "properties": {"b": TEXT}}, {"b": "a"}, id="object of something"
        ),
        pytest.param({"required": ["a"]}, {"a": "a"}, id="object that does not say so"),
    ],
)
def test_plainest_value(schema: Schema, value: object) -> None:
    assert valid_input(contract({"it": schema}, required=["it"])) == {"it": value}


def test_only_what_is_required_is_given() -> None:
    assert valid_input(contract({"a": TEXT, "b": TEXT}, required=["b"])) == {"b": "a"}


def test_a_parameter_can_be_asked_for() -> None:
    assert valid_input(contract({"a": TEXT, "b": TEXT}, required=["b"]), "a") == {"a": "a", "b": "a"}


def test_a_parameter_of_a_branch_comes_with_its_branch() -> None:
    branches = [
        {"properties": {"mode": {"const": "fast"}}, "required": ["mode"]},
        {"properties": {"mode": {"const": "slow"}, "steps": {"type": "integer"}}, "required": ["mode"]},
    ]
    schema = {"type": "object", "oneOf": branches, "unevaluatedProperties": False}
    made = Contract(id="acme/lamp", title="Lamp", output="image", input=schema)
    assert valid_input(made, "steps") == {"mode": "slow", "steps": 1}


def test_contradiction_is_an_error_that_names_the_model() -> None:
    with pytest.raises(SpecError, match="acme/lamp: no input could be made"):
        valid_input(contract({"a": {"type": "integer", "minimum": 3, "maximum": 2}}, required=["a"]))


@pytest.mark.parametrize(
    ("schema", "rule", "edge", "beyond"),
    [
        pytest.param({"type": "string", "maxLength": 2}, "maxLength", "aa", "aaa", id="maxLength"),
        pytest.param({"type": "string", "minLength": 2}, "minLength", "aa", "a", id="minLength"),
        pytest.param({"type": "string", "minLength": 0}, "minLength", "", ABSENT, id="minLength 0"),
        pytest.param({"type": "integer", "maximum": 9}, "maximum", 9, 10, id="maximum"),
        pytest.param({"type": "integer", "minimum": -1}, "minimum", -1, -2, id="minimum"),
        pytest.param({"type": "integer", "minimum": 0.5}, "minimum", 1, 0, id="minimum between integers"),
        pytest.param({"type": "integer", "exclusiveMinimum": 2}, "exclusiveMinimum", 3, 2, id="exclusiveMinimum"),
        pytest.param({"type": "integer", "exclusiveMaximum": 2}, "exclusiveMaximum", 1, 2, id="exclusiveMaximum"),
        pytest.param({"type": "integer", "multipleOf": 8}, "multipleOf", 8, 9, id="multipleOf"),
        pytest.param({"type": "number", "maximum": 1, "multipleOf": 0.5}, "maximum", 1, 1.5, id="step"),
        pytest.param({"type": "number", "maximum": 1}, "maximum", 1, 1.0000000000000002, id="number"),
        pytest.param(
            {"type": "array", "items": TEXT, "maxItems": 1}, "maxItems", ["a"], ["a", "a"], id="maxItems"
        ),
        pytest.param({"type": "array", "items": TEXT, "minItems": 1}, "minItems", ["a"], [], id="minItems"),
    ],
)
def test_edge_and_beyond(schema: Schema, rule: str, edge: object, beyond: object) -> None:
    found = [trial for trial in violations_of(contract({"it": schema})) if trial.rule == rule]
    assert [(trial.limit, _it(trial.edge), _it(trial.beyond)) for trial in found] == [(schema[rule], edge, beyond)]


def _it(value: Any) -> object:
    return value if value is ABSENT else value["it"]


def test_limits_within_lists_and_objects_have_places() -> None:
    shot = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 5}}}
    made = contract({"shots": {"type": "array", "maxItems": 3, "items": shot}})
    assert {("shots", "maxItems"), ("shots[].text", "maxLength"), ("shots[].text", "required")} <= tried(made)


def test_a_required_parameter_with_a_default_can_be_left_out() -> None:
    assert ("a", "required") not in tried(contract({"a": {"type": "string", "default": "x"}}, required=["a"]))


def test_what_another_branch_takes_breaks_nothing() -> None:
    branches = [{"type": "string", "maxLength": 2}, {"type": "string", "maxLength": 4}]
    limits = [
        trial.limit for trial in violations_of(contract({"a": {"anyOf": branches}})) if trial.rule == "maxLength"
    ]
    assert limits == [4]


def test_what_another_branch_takes_in_its_own_form_breaks_nothing() -> None:
    branches = [{"type": "integer", "maximum": 5}, {"type": "string"}]
    assert ("a", "maximum") not in tried(contract({"a": {"anyOf": branches}}))


def test_an_address_that_would_be_too_short_is_not_tried() -> None:
    made = contract({"it": {"type": "string", "format": "uri", "maxLength": 5}})
    (trial,) = (trial for trial in violations_of(made) if trial.rule == "maxLength")
    assert (trial.edge, _it(trial.beyond)) == (ABSENT, "httpsa")


def test_every_choice_is_tried_and_one_that_is_none() -> None:
    found = [trial for trial in violations_of(contract({"a": {"enum": ["x", "y"]}})) if trial.rule == "enum"]
    assert [trial.edge for trial in found] == [{"a": "x"}, {"a": "y"}, ABSENT]


def test_the_successor_that_is_required_keeps_the_deprecated_one_out() -> None:
    made = contract({"old": {"type": "string", "maxLength": 3}, "new": TEXT}, required=["new"])
    made.replaced_by = {"old": "new"}
    assert ("old", "maxLength") not in tried(made)


def _bounds(low: str, high: str, largest: int) -> st.SearchStrategy[Schema]:
    pairs = st.tuples(st.integers(0, largest), st.integers(0, largest)).map(sorted)
    both = pairs.map(lambda pair: {low: pair[0], high: pair[1]})
    return st.one_of(st.just({}), both, both.map(lambda pair: {high: pair[high]}))


_LEAVES = st.one_of(
    _bounds("minLength", "maxLength", 60).map(lambda bounds: {"type": "string", **bounds}),
    st.just({"type": "string", "format": "uri"}),
    st.sampled_from(["^#[0-9A-Fa-f]{6}$", r"^\d{1,3}\.\d{2}%$", "^[a-z]+$"]).map(
        lambda pattern: {"type": "string", "pattern": pattern}
    ),
    st.lists(st.one_of(st.text(min_size=1), st.integers(), st.booleans()), min_size=1, max_size=4).map(
        lambda values: {"enum": values}
    ),
    _bounds("minimum", "maximum", 2**31).map(lambda bounds: {"type": "integer", **bounds}),
    _bounds("minimum", "maximum", 20).map(lambda bounds: {"type": "number", **bounds}),
    st.sampled_from([1, 2, 8]).map(lambda step: {"type": "integer", "exclusiveMinimum": -3, "multipleOf": step}),
    st.just({"type": "boolean"}),
    st.just({"type": ["string", "null"]}),
)


def _nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    lists = st.tuples(inner, _bounds("minItems", "maxItems", 4)).map(
        lambda made: {"type": "array", "items": made[0], **made[1]}
    )
    return st.one_of(
        lists,
        _objects(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        inner.map(lambda part: {"allOf": [part]}),
    )


def _objects(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    names = st.sampled_from(["prompt", "image_url", "class", "n", "größe", "a b"])
    return st.dictionaries(names, inner, min_size=1, max_size=4).flatmap(
        lambda properties: st.lists(st.sampled_from(sorted(properties)), unique=True).map(
            lambda required: {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            }
        )
    )


SCHEMAS = _objects(st.recursive(_LEAVES, _nested, max_leaves=6))
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@few
@given(SCHEMAS)
def test_made_up_input_is_valid(schema: Schema) -> None:
    made = Contract(id="acme/lamp", title="Lamp", output="image", input=schema)
    assert Draft202012Validator(schema).is_valid(valid_input(made))


@few
@given(SCHEMAS)
def test_edges_hold_and_what_is_beyond_them_does_not(schema: Schema) -> None:
    validator = Draft202012Validator(schema)
    for trial in violations_of(Contract(id="acme/lamp", title="Lamp", output="image", input=schema)):
        assert trial.edge is ABSENT or validator.is_valid(trial.edge), trial
        assert trial.beyond is ABSENT or not validator.is_valid(trial.beyond), trial


ONE_OF = {
    "oneOf": [
        {"properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"properties": {"b": {"type": "string"}}, "required": ["b"]},
    ]
}


@pytest.mark.parametrize(
    ("rest", "trial", "about", "expected"),
    [
        ({}, Trial("size[].x", "type", "string"), "size", True),
        ({}, Trial("size", "type", "string"), "image_size", False),
        ({}, Trial("size", "type", "string"), "", False),
        ({}, Trial("", "additionalProperties", limit=False), UNKNOWN, True),
        ({}, Trial("", "additionalProperties", limit=False), "size", False),
        (ONE_OF, Trial("a", "type", "string", beyond={"a": {}}), "b", True),
        (ONE_OF, Trial("a", "type", "string", beyond={"a": {}}), "", True),
        (ONE_OF, Trial("a", "type", "string", beyond={"a": {}, "b": "b"}), "b", False),
        (ONE_OF, Trial("a", "type", "string", beyond={"a": {}}), "c", False),
    ],
)
def test_a_refusal_counts_only_for_what_was_tried(
    rest: dict[str, Any], trial: Trial, about: str, expected: bool
) -> None:
    assert is_refusal(trial, [Problem(about, "is wrong")], contract(**rest)) is expected


def test_a_refusal_may_name_the_parameter_by_its_common_name() -> None:
    problem = Problem("aspect_ratio", "is wrong", "image_size")
    assert is_refusal(Trial("image_size", "enum", []), [problem], contract())


def test_closed_objects_within_an_input_are_made_up() -> None:
    shot: Schema = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
    inner = {**shot, "properties": {**shot["properties"], "more": shot}, "required": ["text", "more"]}
    made = contract({"shots": {"type": "array", "items": inner}}, required=["shots"])
    assert valid_input(made) == {"shots": [{"text": "a", "more": {}}]}
    assert {("shots", "additionalProperties"), ("shots[]", "additionalProperties")} & tried(made)
