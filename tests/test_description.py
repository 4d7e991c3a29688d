"""Descriptions: what a person is told of each parameter of a model."""

from __future__ import annotations

from typing import Any

import pytest

from kie_registry import Adapter
from kie_registry.description import ParameterInfo, describe
from tests.models import SWITCH, TEXT, URL, URLS, WHOLE, adapter, flat


def described(schema: Any, *required: str, **more: Any) -> ParameterInfo:
    """Describe a parameter ``p`` with this schema."""
    (info,) = describe(adapter(flat({"p": schema}, *required, **more)), "somewhere").parameters
    return info


@pytest.mark.parametrize(
    ("schema", "type_", "many"),
    [
        (TEXT, "string", False),
        ({"type": ["string", "null"]}, "string", False),
        ({"type": ["string", "integer"]}, "string or integer", False),
        ({"anyOf": [TEXT, WHOLE]}, "string or integer", False),
        ({"type": "array", "items": WHOLE}, "integer", True),
        ({"type": "array", "items": {"type": "object"}}, "object", True),
        ({"type": "array", "items": {"type": "array", "items": WHOLE}}, "array", True),
        ({"anyOf": [TEXT, {"type": "array", "items": TEXT}]}, "string", True),
        ({}, "any", False),
    ],
)
def test_the_type_in_words(schema: dict[str, Any], type_: str, many: bool) -> None:
    info = described(schema)
    assert (info.type, info.many, info.file_kind) == (type_, many, None)


@pytest.mark.parametrize(("schema", "many"), [(URL, False), (URLS, True)])
@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
def test_a_file_has_a_kind(schema: dict[str, Any], many: bool, kind: str) -> None:
    info = described(schema, media={"p": {"kind": kind}})
    assert (info.type, info.file_kind, info.many) == ("file", kind, many)


SHOT: dict[str, Any] = {
    "type": "object",
    "properties": {"prompt": TEXT | {"maxLength": 500}, "loop": SWITCH, "size": {"enum": ["1K", "2K"]}},
    "required": ["prompt"],
}
SHOT_WORDS = "with prompt (string; up to 500 characters), loop (boolean; optional), size (1K, 2K; optional)"


@pytest.mark.parametrize(
    ("schema", "limits"),
    [
        (TEXT | {"maxLength": 5_000}, ["up to 5,000 characters"]),
        (TEXT | {"minLength": 3, "maxLength": 9}, ["3 to 9 characters"]),
        (TEXT | {"minLength": 3}, ["at least 3 characters"]),
        (TEXT | {"minLength": 0, "maxLength": 9}, ["up to 9 characters"]),
        (TEXT | {"pattern": "^#"}, ["of the form ^#"]),
        (WHOLE | {"minimum": 0, "maximum": 9}, ["from 0 to 9"]),
        (WHOLE | {"minimum": 1}, ["from 1"]),
        (WHOLE | {"maximum": 9}, ["up to 9"]),
        (WHOLE | {"exclusiveMinimum": 0, "exclusiveMaximum": 9}, ["above 0", "below 9"]),
        (WHOLE | {"multipleOf": 8}, ["multiples of 8"]),
        ({"type": "array", "items": TEXT, "minItems": 1, "maxItems": 3}, ["1 to 3 of them"]),
        ({"type": "array", "items": TEXT, "minItems": 2}, ["at least 2 of them"]),
        ({"type": "array", "items": TEXT, "uniqueItems": True}, ["no two alike"]),
        ({"type": "array", "items": TEXT | {"maxLength": 5}}, ["up to 5 characters each"]),
        ({"anyOf": [TEXT | {"maxLength": 5}, {"type": "null"}]}, ["up to 5 characters"]),
        ({"anyOf": [TEXT | {"maxLength": 5}, TEXT | {"maxLength": 9}]}, []),
        (SHOT, [SHOT_WORDS]),
        ({"type": "array", "items": SHOT, "maxItems": 5}, ["up to 5 of them", f"each {SHOT_WORDS}"]),
    ],
)
def test_the_limits_in_words(schema: dict[str, Any], limits: list[str]) -> None:
    assert list(described(schema).limits) == limits


def test_the_limits_of_files() -> None:
    media = {"types": ["video/mp4", "video/quicktime"], "max_bytes": 50 * 2**20, "schemes": ["asset"]}
    assert described(URLS | {"maxItems": 3}, media={"p": media}).limits == (
        "up to 3 of them",
        "mp4, quicktime",
        "up to 50 MB each",
        "asset:// addresses as well",
    )


@pytest.mark.parametrize(
    ("schema", "required", "expected"),
    [(TEXT, ["p"], True), (TEXT, [], False), (TEXT | {"default": "a"}, ["p"], False)],
    ids=["required", "optional", "required with a default"],
)
def test_required_is_what_the_caller_must_give(
    schema: dict[str, Any], required: list[str], expected: bool
) -> None:
    assert described(schema, *required).required is expected


def test_choices_are_those_of_the_items_of_a_list() -> None:
    assert described({"type": "array", "items": {"enum": ["a", "b"]}}).choices == ("a", "b")


def test_text_of_a_page_cannot_move_the_cursor_of_a_terminal() -> None:
    schema = TEXT | {"description": "two\nlines \x1b[2J\x07of it"}
    assert described(schema).description == "two lines [2Jof it"


def test_a_class_without_words_of_its_own_has_no_summary() -> None:
    class Silent(Adapter, contract=flat({"p": TEXT})):
        pass

    assert describe(Silent, "somewhere").summary == ""


def test_everything_is_plain_data() -> None:
    info = describe(adapter(flat({"p": URL}, media={"p": {"kind": "image"}})), "somewhere").as_dict()
    assert info["parameters"][0]["file_kind"] == "image"
