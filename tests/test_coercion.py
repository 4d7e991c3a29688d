"""The forms of values: which mean the same, and which are left alone."""

from __future__ import annotations

import math
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings, strategies as st

from kie_registry.coercion import coerce

TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
SWITCH: dict[str, Any] = {"type": "boolean"}
WHOLE: dict[str, Any] = {"type": "integer"}
TEXT_OR_TEXTS: dict[str, Any] = {"anyOf": [TEXT, TEXTS]}
SHOT: dict[str, Any] = {
    "type": "object",
    "properties": {"prompt": TEXT, "duration": WHOLE, "loop": {**SWITCH, "default": False}},
    "required": ["prompt"],
}
SHOTS: dict[str, Any] = {"type": "array", "items": SHOT}
BOXES: dict[str, Any] = {"type": "array", "items": {"type": "array", "items": WHOLE}}


def enum(*values: Any) -> dict[str, Any]:
    return {"enum": list(values)}


@pytest.mark.parametrize(
    ("value", "schema", "result"),
    [
        (5, TEXT, "5"),
        ("5", {"type": "integer"}, 5),
        ("-5", {"type": "integer"}, -5),
        ("0.5", {"type": "number"}, 0.5),
        (0.5, TEXT, "0.5"),
        (5, enum("5", "10"), "5"),
        ("5", enum(5, 10), 5),
        ("jpg", enum("png", "jpeg"), "jpeg"),
        ("jpeg", enum("png", "jpg"), "jpg"),
        ("16:9", enum("square", "landscape_16_9"), "landscape_16_9"),
        ("landscape_16_9", enum("1:1", "16:9"), "16:9"),
        ("9:16", enum("portrait_16_9"), "portrait_16_9"),
        ("portrait_16_9", enum("9:16"), "9:16"),
        ("4:3", enum("landscape_4_3"), "landscape_4_3"),
        ("portrait_4_3", enum("3:4"), "3:4"),
        ("1:1", enum("square", "square_hd"), "square"),
        ("square", enum("1:1"), "1:1"),
        ("auto", enum("adaptive", "1:1"), "adaptive"),
        ("adaptive", enum("auto", "1:1"), "auto"),
        ("1:1", enum("square_hd", "square"), "square"),
        ("1:1", enum("square_hd", "landscape_4_3"), "square_hd"),
        ("square_hd", enum("1:1"), "1:1"),
        ("4k", enum("1K", "4K"), "4K"),
        ("768p", enum("768P"), "768P"),
        ("1080P", enum("480p", "1080p"), "1080p"),
        ("JPG", enum("png", "jpeg"), "jpeg"),
        ("JPG", enum("jpg", "jpeg"), "jpg"),
        ("Auto", enum("auto", "adaptive"), "auto"),
        ("a", TEXTS, ["a"]),
        (["a"], TEXT, "a"),
        (("a",), TEXT, "a"),
        ("true", SWITCH, True),
        ("False", SWITCH, False),
        (True, enum("true", "false"), "true"),
        ("TRUE", enum(True, False), True),
        (5.0, WHOLE, 5),
        ("5.0", WHOLE, 5),
        ("1e3", WHOLE, 1000),
        (5.0, enum("5", "10"), "5"),
        ("0.50", enum(0, 0.5, 1), 0.5),
        ("5", {"type": ["integer", "null"]}, 5),
        ("5", {"type": ["integer", "string"]}, "5"),
        (5, {"type": ["integer", "string"]}, 5),
        ("true", {"type": ["integer", "boolean"]}, True),
        ("a", TEXT_OR_TEXTS, "a"),
        (["a", "b"], TEXT_OR_TEXTS, ["a", "b"]),
        (("a", "b"), TEXT_OR_TEXTS, ["a", "b"]),
        (5, TEXT_OR_TEXTS, "5"),
        ([5], TEXT_OR_TEXTS, ["5"]),
        ("5", {"anyOf": [WHOLE, {"type": "null"}]}, 5),
        ("4k", {"oneOf": [enum("1K", "4K"), WHOLE]}, "4K"),
        ("jpg", {"allOf": [TEXT, enum("jpeg")]}, "jpeg"),
        ({"prompt": "a", "duration": "5"}, SHOT, {"prompt": "a", "duration": 5}),
        ([{"prompt": 1, "loop": "true"}], SHOTS, [{"prompt": "1", "loop": True}]),
        ({"prompt": "a"}, SHOTS, [{"prompt": "a"}]),
        ('{"prompt": "a", "duration": "5"}', SHOT, {"prompt": "a", "duration": 5}),
        ('{"prompt": "a"}', SHOTS, [{"prompt": "a"}]),
        ('[{"prompt": "a"}, {"prompt": "b"}]', SHOTS, [{"prompt": "a"}, {"prompt": "b"}]),
        (['{"prompt": "a"}', '{"prompt": "b"}'], SHOTS, [{"prompt": "a"}, {"prompt": "b"}]),
        (['[{"prompt": "a"}]', '{"prompt": "b"}'], SHOTS, [{"prompt": "a"}, {"prompt": "b"}]),
        ("[[1, 2], [3]]", BOXES, [[1, 2], [3]]),
        (["[1, 2]", "[3]"], BOXES, [[1, 2], [3]]),
        ('["a"]', TEXTS, ['["a"]']),
        ({}, {**SHOT, "required": ["loop"]}, {"loop": False}),
        (("a", "b"), TEXTS, ["a", "b"]),
        ([5, "a"], TEXTS, ["5", "a"]),
        ("jpg", {"type": "array", "items": enum("jpeg")}, ["jpeg"]),
        ([], TEXTS, []),
        ("a", {"type": "array", "items": True}, ["a"]),
    ],
    ids=str,
)
def test_a_value_takes_the_form_that_is_asked_for(value: Any, schema: dict[str, Any], result: Any) -> None:
    assert coerce(value, schema) == result


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        (True, TEXT),
        (True, enum("1", "2")),
        (1, {"type": "boolean"}),
        (True, {"type": "integer"}),
        (None, TEXT),
        (None, enum("none", "auto")),
        ("none", enum(None, "auto")),
        (0.5, {"type": "integer"}),
        (4, enum("1K", "4K")),
        ("4", enum("1K", "4K")),
        ("K", enum("1k", "2k")),
    ],
    ids=str,
)
def test_a_value_is_left_alone_where_meaning_would_be_lost(value: Any, schema: dict[str, Any]) -> None:
    assert coerce(value, schema) is value


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("Ab", enum("aB", "AB")),
        (["a", "b"], TEXT),
        ([], TEXT),
        ("abc", {"type": "integer"}),
        ("", {"type": "integer"}),
        ("0x10", {"type": "integer"}),
        ("1_000", {"type": "integer"}),
        ("nan", {"type": "number"}),
        ("inf", {"type": "number"}),
        ("1e400", {"type": "number"}),
        ({"a": 1}, TEXT),
        ("7:1", enum("1:1")),
        ("5", enum("5.0", "05")),
        ("maybe", SWITCH),
        ("{broken", SHOT),
        ('{"a": NaN}', SHOT),
        ("[" * 10_000, SHOT),
        ("[1]", SHOT),
        (5.5, {"type": "integer"}),
        (1e300, {"type": "integer"}),
        ([1], {"anyOf": [SWITCH, {"type": "object"}]}),
        ([5, "5"], {"type": "array", "prefixItems": [WHOLE, TEXT], "items": WHOLE}),
    ],
    ids=str,
)
def test_a_value_is_left_alone_where_it_is_ambiguous_or_no_value(value: Any, schema: dict[str, Any]) -> None:
    assert coerce(value, schema) == value


def test_a_number_that_json_cannot_write_is_no_text() -> None:
    assert coerce(math.nan, TEXT) != "nan"


@pytest.mark.parametrize("schema", [TEXT, {"type": "integer"}, enum("1"), TEXTS], ids=str)
@pytest.mark.parametrize("value", [10**400, 10**5000, -math.inf], ids=["long", "longer", "endless"])
def test_a_number_beyond_all_bounds_does_not_raise(value: float, schema: dict[str, Any]) -> None:
    assert coerce(value, schema) != "1"


def test_the_callers_list_is_not_changed() -> None:
    values = [5]
    coerce(values, TEXTS)
    assert values == [5]


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
words = st.sampled_from(
    ["5", "5.0", "jpg", "jpeg", "JPG", "16:9", "landscape_16_9", "auto", "adaptive", "4k", "4K"]
)
json_values = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
types = st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean"])})
choices = st.fixed_dictionaries({"enum": st.lists(scalars | words, min_size=1, max_size=5)})
limits = st.fixed_dictionaries({"type": st.just("string"), "maxLength": st.integers(0, 5)})
simple: st.SearchStrategy[dict[str, Any]] = types | choices | limits | st.just({})
names = st.sampled_from(["a", "b", "5"])


def compounds(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Make up schemas that hold others: lists, objects, branches, several types."""
    members = st.dictionaries(names, inner, max_size=3)
    branches = st.lists(inner, min_size=1, max_size=3)
    return (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": members},
            optional={"required": st.lists(names, max_size=2, unique=True)},
        )
        | st.fixed_dictionaries({}, optional={"anyOf": branches, "oneOf": branches, "allOf": branches})
        | st.fixed_dictionaries(
            {
                "type": st.lists(
                    st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"]),
                    min_size=1,
                    unique=True,
                )
            }
        )
    )


schemas = st.recursive(simple, compounds, max_leaves=6)


@settings(max_examples=200, deadline=None)
@given(json_values, schemas)
def test_a_valid_value_is_not_changed(value: Any, schema: dict[str, Any]) -> None:
    if jsonschema_rs.is_valid(schema, value):
        assert coerce(value, schema) == value


anything = json_values | st.binary(max_size=3) | st.just(object()) | st.floats() | st.just(10**5000)


@settings(max_examples=200, deadline=None)
@given(anything | st.lists(anything, max_size=2) | st.dictionaries(names, anything, max_size=2), schemas)
def test_nothing_raises(value: Any, schema: dict[str, Any]) -> None:
    coerce(value, schema)


@settings(max_examples=200, deadline=None)
@given(json_values, simple | st.fixed_dictionaries({"type": st.just("array"), "items": simple}))
def test_a_value_in_its_form_is_not_changed_again(value: Any, schema: dict[str, Any]) -> None:
    once = coerce(value, schema)
    assert coerce(once, schema) == once
