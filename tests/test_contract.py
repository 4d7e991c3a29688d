"""Contracts: loading one, and saying what is wrong with an input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Contract, PluginError
from kie_registry.contract import MediaLimits

TEXT: dict[str, Any] = {"type": "string"}


def contract(properties: dict[str, Any], *required: str, **more: Any) -> Contract:
    schema = {"type": "object", "properties": properties, "required": list(required), **more}
    return Contract(id="m", title="M", output="image", input=schema)


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        pytest.param(
            {"type": "string", "enum": ["1K", "2K"]},
            "3K",
            '"3K" is not one of "1K", "2K"',
            id="enum",
        ),
        pytest.param({"enum": [1, 2]}, 3, "3 is not one of 1, 2", id="enum of numbers"),
        pytest.param(TEXT, 5, "5 is of the wrong type; it takes string", id="type"),
        pytest.param(TEXT, None, "null is of the wrong type; it takes string", id="null"),
        pytest.param(
            {"type": ["integer", "string"]},
            True,
            "true is of the wrong type; it takes integer or string",
            id="types",
        ),
        pytest.param(
            TEXT | {"maxLength": 1_000},
            "x" * 1_001,
            "has 1,001 characters; at most 1,000 are allowed",
            id="maxLength",
        ),
        pytest.param(TEXT | {"minLength": 3}, "ab", "has 2 characters; at least 3 are needed", id="minLength"),
        pytest.param({"maxItems": 2}, [1, 2, 3], "has 3 items; at most 2 are allowed", id="maxItems"),
        pytest.param({"minItems": 1}, [], "has 0 items; at least 1 is needed", id="minItems 1"),
        pytest.param({"minItems": 2}, [1], "has 1 item; at least 2 are needed", id="minItems 2"),
        pytest.param({"maximum": 10}, 11, "11 is above the largest value, 10", id="maximum"),
        pytest.param({"minimum": 0.5}, 0, "0 is below the smallest value, 0.5", id="minimum"),
        pytest.param({"multipleOf": 8}, 9, "9 is not a multiple of 8", id="multipleOf"),
        pytest.param(False, 5, "is not taken here", id="nothing is taken"),
        pytest.param({"exclusiveMinimum": 0}, 0, "0 is not above 0", id="exclusiveMinimum"),
        pytest.param({"exclusiveMaximum": 9}, 9, "9 is not below 9", id="exclusiveMaximum"),
        pytest.param({"uniqueItems": True}, [1, 1], "[1, 1] holds the same item twice", id="uniqueItems"),
        pytest.param(
            {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
            5,
            "5 is of the wrong type; it takes string or array",
            id="none of several types",
        ),
        pytest.param(
            {"anyOf": [TEXT | {"maxLength": 2}, {"type": "integer"}]},
            "abc",
            "has 3 characters; at most 2 are allowed",
            id="the branch of the value's type",
        ),
        pytest.param({"const": "x"}, "y", '"x" was expected', id="const"),
    ],
)
def test_each_keyword_is_explained(schema: Any, value: Any, message: str) -> None:
    (violation,) = contract({"p": schema}).violations({"p": value})
    assert (violation.native, violation.message) == ("p", message)


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"pattern": "^a+$"}, "^a+$"),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "it takes integer or boolean"),
    ],
    ids=["pattern", "anyOf"],
)
def test_a_long_value_does_not_hide_what_would_be_right(schema: dict[str, Any], part: str) -> None:
    (violation,) = contract({"p": schema}).violations({"p": "b" * 500})
    assert part in violation.message


def test_a_rule_across_parameters_is_named() -> None:
    either = {"oneOf": [{"required": ["image_url"]}, {"required": ["video_url"]}]}
    (violation,) = contract({"prompt": TEXT}, **either).violations({"prompt": "b" * 500})
    assert (violation.native, violation.message) == ("", "it needs image_url, or video_url")


@pytest.mark.parametrize(
    "value", ["x" * 10_000, ["x" * 10_000], {"x" * 10_000: 1}], ids=["text", "list", "mapping"]
)
def test_a_long_value_is_shown_in_short(value: Any) -> None:
    (violation,) = contract({"p": {"type": "integer"}}).violations({"p": value})
    assert len(violation.message) < 200


@pytest.mark.parametrize(
    "value",
    [b"bytes", Path("a.png"), {"a"}, object(), float("nan"), 1j, {1: "a"}, 10**5000],
    ids=["bytes", "path", "set", "object", "nan", "complex", "keys that are no text", "endless digits"],
)
def test_what_json_cannot_say_is_a_violation_as_well(value: Any) -> None:
    (violation,) = contract({"p": TEXT}).violations({"p": value})
    assert (violation.native, "of the wrong type" in violation.message) == ("p", True)


@pytest.mark.parametrize(
    ("items", "value", "message"),
    [
        ({"enum": ["a"]}, ["a", "b"], 'item 2: "b" is not one of "a"'),
        (TEXT, ["a", "b", 5], "item 3: 5 is of the wrong type; it takes string"),
        (TEXT | {"maxLength": 2}, ["abc"], "item 1: has 3 characters; at most 2 are allowed"),
        ({"properties": {"a": TEXT}}, [{"a": 5}], "item 1, a: 5 is of the wrong type; it takes string"),
        ({"required": ["a"]}, [{}], "item 1: a is missing"),
        ({"properties": {"b": TEXT}, "additionalProperties": False}, [{"a": 1}], 'item 1: "a" is no key of it'),
        ({"items": TEXT}, [["a", 5]], "item 1, item 2: 5 is of the wrong type; it takes string"),
    ],
    ids=["enum", "type", "maxLength", "a key", "a missing key", "an unknown key", "a list in a list"],
)
def test_an_item_is_named_by_its_position(items: dict[str, Any], value: list[Any], message: str) -> None:
    (violation,) = contract({"p": {"type": "array", "items": items}}).violations({"p": value})
    assert violation.message == message


def test_a_missing_parameter_is_named() -> None:
    (violation,) = contract({"p": TEXT}, "p").violations({})
    assert (violation.native, violation.message) == ("p", "is missing")


def test_an_unknown_parameter_is_named() -> None:
    (violation,) = contract({"p": TEXT}, additionalProperties=False).violations({"q": 1})
    assert (violation.native, violation.message) == ("q", "is no parameter of this model")


BAD: dict[str, Any] = {"a": 1, "b": "x" * 9, "unknown": 1}
MANY = contract({"a": TEXT, "b": TEXT | {"maxLength": 5}, "c": TEXT}, "c", additionalProperties=False)


def test_all_violations_are_found_at_once() -> None:
    assert {violation.native for violation in MANY.violations(BAD)} == {"a", "b", "c", "unknown"}


def test_violations_come_in_the_order_of_the_contract() -> None:
    natives = [violation.native for violation in MANY.violations(BAD)]
    assert [native for native in natives if native in "ab"] == ["a", "b"]


def test_a_parameter_is_reported_once() -> None:
    both = TEXT | {"enum": ["a"]}
    assert len(contract({"p": both}).violations({"p": 5})) == 1


def test_what_holds_the_contract_has_no_violation() -> None:
    assert MANY.violations({"a": "x", "b": "12345", "c": ""}) == []


def test_a_format_is_not_checked_because_local_files_stand_there_too() -> None:
    assert contract({"p": TEXT | {"format": "uri"}}).violations({"p": "a.png"}) == []


def test_what_the_page_says_of_files_is_kept() -> None:
    said = {"types": [], "max_bytes": None, "kind": "video", "schemes": ["asset"]}
    limits = Contract.from_json({**GOOD, "media": {"a": said, "b": {"types": [], "max_bytes": 5}}}).media
    assert limits == {
        "a": MediaLimits(kind="video", schemes=("asset",)),
        "b": MediaLimits(max_bytes=5, kind="file", schemes=()),
    }


@pytest.mark.parametrize(
    ("package", "model"),
    [
        ("nano_banana_edit", "google/nano-banana-edit"),
        ("kie_generated.nano_banana_edit", "google/nano-banana-edit"),
        ("nano_banana_pro", "nano-banana-pro"),
    ],
)
def test_a_generated_package_is_found_by_either_name(package: str, model: str) -> None:
    assert Contract.load(package).id == model


@pytest.mark.parametrize("field", ["title", "output", "media", "replaced_by", "example", "client"])
def test_everything_in_the_file_is_loaded(field: str) -> None:
    expected = {
        "title": "Google - Nano Banana Pro",
        "output": "image",
        "media": {"image_input": MediaLimits(("image/jpeg", "image/png", "image/webp"), 30 * 2**20, "image")},
        "replaced_by": {},
        "client": "kie_generated.nano_banana_pro",
    }
    loaded = Contract.load("nano_banana_pro")
    found = getattr(loaded, field)
    assert (sorted(found) == sorted(loaded.parameters)) if field == "example" else found == expected[field]


def test_parameters_stand_in_the_order_of_the_documentation() -> None:
    assert list(Contract.load("nano_banana_edit").parameters) == [
        "prompt",
        "image_urls",
        "output_format",
        "image_size",
    ]


def test_the_text_of_a_contract_is_short() -> None:
    assert len(repr(Contract.load("nano_banana_edit"))) < 200


GOOD: dict[str, Any] = {
    "id": "m",
    "title": "M",
    "output": "image",
    "input": {},
    "media": {},
    "replaced_by": {},
    "example": None,
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package called ``some_plugin.client``, without a contract."""
    folder = tmp_path / "some_plugin" / "client"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in ("some_plugin", "some_plugin.client"):
        sys.modules.pop(name, None)


def test_a_package_of_someone_else_is_found_by_its_dotted_name(package: Path) -> None:
    (package / "contract.json").write_text(json.dumps(GOOD), "utf-8")
    loaded = Contract.load("some_plugin.client")
    assert (loaded.id, loaded.client) == ("m", "some_plugin.client")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", json.dumps({**GOOD, "media": {"p": {}}}).encode(), b"\xff\xfe"],
    ids=["empty", "broken", "a list", "nothing in it", "limits missing", "no text"],
)
def test_a_contract_that_cannot_be_read_is_the_plugins_fault(package: Path, content: bytes) -> None:
    (package / "contract.json").write_bytes(content)
    with pytest.raises(PluginError, match=r"some_plugin\.client"):
        Contract.load("some_plugin.client")


def test_a_package_without_a_contract_says_so(package: Path) -> None:
    with pytest.raises(PluginError, match=r"some_plugin\.client: there is no contract\.json in this package"):
        Contract.load("some_plugin.client")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("no_such_model", "kie_generated.no_such_model"),
        ("no_such_package.client", "no_such_package.client"),
        ("kie_generated.no_such_model", "kie_generated.no_such_model"),
    ],
)
def test_a_package_that_does_not_exist_is_called_missing(name: str, shown: str) -> None:
    with pytest.raises(PluginError) as caught:
        Contract.load(name)
    assert (caught.value.plugin, "o module named" in str(caught.value)) == (shown, True)
