"""The common vocabulary: which name means which parameter, and which values mean the same."""

from __future__ import annotations

import math
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings, strategies as st

from kie_registry.vocabulary import SYNONYMS, coerce, common_names, synonyms

TEXT: dict[str, Any] = {"type": "string"}
TEXTS: dict[str, Any] = {"type": "array", "items": TEXT}
RATIOS: dict[str, Any] = {"type": "string", "enum": ["1:1", "16:9"]}
NAMED_RATIOS: dict[str, Any] = {"type": "string", "enum": ["square_hd", "landscape_16_9"]}
SIZES: dict[str, Any] = {"type": "string", "enum": ["1K", "2K"]}
LEVELS: dict[str, Any] = {"type": "string", "enum": ["basic", "high"]}
OLD: dict[str, Any] = {"deprecated": True}


@pytest.mark.parametrize(
    ("properties", "names"),
    [
        pytest.param({"prompt": TEXT}, {"prompt": "prompt"}, id="the same name"),
        pytest.param({"text": TEXT}, {"prompt": "text"}, id="text is the prompt"),
        pytest.param({"text": TEXT, "prompt": TEXT}, {"prompt": "prompt", "text": "text"}, id="native name wins"),
        pytest.param({"image_input": TEXTS}, {"images": "image_input"}, id="image_input"),
        pytest.param({"image_url": TEXT}, {"images": "image_url"}, id="a single image_url"),
        pytest.param(
            {"image_url": TEXT, "image_urls": TEXTS},
            {"images": "image_urls", "image_url": "image_url"},
            id="image_url beside image_urls",
        ),
        pytest.param(
            {"images": TEXT, "image_urls": TEXTS},
            {"images": "images", "image_urls": "image_urls"},
            id="images of its own",
        ),
        pytest.param({"image_size": RATIOS}, {"aspect_ratio": "image_size"}, id="image_size as ratios"),
        pytest.param({"image_size": NAMED_RATIOS}, {"aspect_ratio": "image_size"}, id="image_size as names"),
        pytest.param({"image_size": SIZES}, {"image_size": "image_size"}, id="image_size that is no ratio"),
        pytest.param({"image_size": TEXT}, {"image_size": "image_size"}, id="image_size without values"),
        pytest.param({"ratio": RATIOS}, {"aspect_ratio": "ratio"}, id="ratio"),
        pytest.param({"quality": SIZES}, {"resolution": "quality"}, id="quality that is a resolution"),
        pytest.param({"quality": LEVELS}, {"quality": "quality"}, id="quality that is none"),
        pytest.param({"resolution": LEVELS}, {"resolution": "resolution"}, id="a native name needs no form"),
        pytest.param(
            {"resolution": SIZES, "quality": SIZES},
            {"resolution": "resolution", "quality": "quality"},
            id="quality beside resolution",
        ),
        pytest.param(
            {"image_size": RATIOS | OLD, "aspect_ratio": RATIOS},
            {"aspect_ratio": "aspect_ratio", "image_size": "image_size"},
            id="deprecated image_size beside aspect_ratio",
        ),
        pytest.param(
            {"image_size": RATIOS | OLD, "ratio": RATIOS},
            {"aspect_ratio": "ratio", "image_size": "image_size"},
            id="deprecated image_size beside ratio",
        ),
        pytest.param({"image_size": RATIOS | OLD}, {"aspect_ratio": "image_size"}, id="deprecated, but alone"),
        pytest.param({"steps": TEXT, "cfg": TEXT}, {"steps": "steps", "cfg": "cfg"}, id="names of its own"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_common_names(properties: dict[str, Any], names: dict[str, str]) -> None:
    assert common_names({"properties": properties}) == names


@given(st.lists(st.sampled_from([native for natives in SYNONYMS.values() for native in natives]), unique=True))
def test_every_parameter_has_exactly_one_common_name(natives: list[str]) -> None:
    found = common_names({"properties": dict.fromkeys(natives, SIZES)})
    assert sorted(found.values()) == sorted(natives)


@pytest.mark.parametrize(("common", "native"), [("images", "image_urls"), ("prompt", "text"), ("steps", "steps")])
def test_synonyms_list_the_native_names(common: str, native: str) -> None:
    assert native in synonyms(common)


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
        ("4k", enum("1K", "4K"), "4K"),
        ("768p", enum("768P"), "768P"),
        ("1080P", enum("480p", "1080p"), "1080p"),
        ("JPG", enum("png", "jpeg"), "jpeg"),
        ("JPG", enum("jpg", "jpeg"), "jpg"),
        ("Auto", enum("auto", "adaptive"), "auto"),
        ("a", TEXTS, ["a"]),
        (["a"], TEXT, "a"),
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
        (True, enum("true", "false")),
        (True, enum("1", "2")),
        ("true", {"type": "boolean"}),
        (1, {"type": "boolean"}),
        (True, {"type": "integer"}),
        (None, TEXT),
        (None, enum("none", "auto")),
        ("none", enum(None, "auto")),
        ("true", enum(True, False)),
        (0.5, {"type": "integer"}),
        (4, enum("1K", "4K")),
        ("4", enum("1K", "4K")),
        ("1:1", enum("square_hd")),
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
schemas = simple | st.fixed_dictionaries({"type": st.just("array"), "items": simple})


@settings(max_examples=200, deadline=None)
@given(json_values, schemas)
def test_a_valid_value_stays_valid(value: Any, schema: dict[str, Any]) -> None:
    if jsonschema_rs.is_valid(schema, value):
        assert jsonschema_rs.is_valid(schema, coerce(value, schema))


@settings(max_examples=200, deadline=None)
@given(json_values, schemas)
def test_a_value_in_its_form_is_not_changed_again(value: Any, schema: dict[str, Any]) -> None:
    once = coerce(value, schema)
    assert coerce(once, schema) == once
