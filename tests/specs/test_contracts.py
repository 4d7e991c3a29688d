"""A contract holds what the generated classes drop, and what a page says in prose alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.errors import NotAModel, SpecError
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import Json, load_document
from kie_registry.specs.normalize import normalize
from kie_registry.specs.pages import read_pages

MakeDocument = Callable[..., Json]
Contract = Callable[..., Json]

TYPES = "Accepted types: image/jpeg, image/png"
RATIO = {"type": "string", "enum": ["1:1", "16:9"]}


@pytest.fixture
def contract(make_document: MakeDocument) -> Contract:
    """Return the contract of a model with these parameters."""

    def make(parameters: Json | None = None, **more: Any) -> Json:
        document, _ = normalize(make_document(parameters, **more), slug="lamp", title="Acme - Lamp")
        return build_contract(document, slug="lamp")

    return make


@pytest.fixture(scope="module")
def newer(pages: Path) -> Json:
    """The contract of the newer edition of the nano-banana-edit page."""
    (page,) = read_pages((pages / "nano-banana-edit-newer.md").read_bytes(), source="newer")
    document, _ = normalize(
        load_document(page.document, source="newer"), slug="nano-banana-edit", title=page.title
    )
    return build_contract(document, slug="nano-banana-edit")


@pytest.mark.parametrize(
    ("key", "value"),
    [("id", "acme/lamp"), ("slug", "lamp"), ("title", "Acme - Lamp"), ("replaced_by", {}), ("media", {})],
)
def test_contract_names_the_model(contract: Contract, key: str, value: Any) -> None:
    assert contract()[key] == value


@pytest.mark.parametrize(
    "constraints",
    [
        {"type": "string", "minLength": 1, "maxLength": 300},
        {"type": "string", "pattern": "^a+$"},
        {"type": "string", "format": "uri"},
        {"type": "integer", "minimum": 0, "maximum": 10, "multipleOf": 2},
        {"type": "number", "exclusiveMinimum": 0, "default": 0.5},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 9, "uniqueItems": True},
        {"type": "string", "enum": ["a", "b"], "default": "a"},
        {"type": "integer", "enum": [10, 5]},
        {"type": "string", "deprecated": True},
    ],
    ids="-".join,
)
def test_constraints_are_kept(contract: Contract, constraints: Json) -> None:
    assert contract({"shade": constraints})["input"]["properties"]["shade"] == constraints


def test_references_are_inlined(contract: Contract) -> None:
    assert "$ref" not in str(
        contract({"aspect_ratio": RATIO, "shade": {"type": "array", "items": RATIO}})["input"]
    )


def test_reference_to_a_component_is_inlined(contract: Contract) -> None:
    made = contract({"shade": {"$ref": "#/components/schemas/Shade"}}, components={"schemas": {"Shade": RATIO}})
    assert made["input"]["properties"]["shade"] == RATIO


def test_unknown_parameters_are_not_allowed(contract: Contract) -> None:
    assert contract()["input"]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("prose", "types"),
    [
        (f"A picture ({TYPES}; Max size: 10.0MB)", ["image/jpeg", "image/png"]),
        (f"A picture ({TYPES})", ["image/jpeg", "image/png"]),
        (f"{TYPES}\nMore.", ["image/jpeg", "image/png"]),
        ("Accepted types: image/svg+xml", ["image/svg+xml"]),
        ("Accepted types: audio/x-wav,video/mp4", ["audio/x-wav", "video/mp4"]),
        ("- Accepted types: `image/jpeg`, `image/png`\n- Max size: 1MB", ["image/jpeg", "image/png"]),
        ("A picture", []),
        ("", []),
    ],
)
def test_accepted_types_are_read_from_prose(contract: Contract, prose: str, types: list[str]) -> None:
    parameter = {"type": "string", "format": "uri", "description": prose}
    assert contract({"image_url": parameter})["media"]["image_url"]["types"] == types


@pytest.mark.parametrize(
    ("prose", "size"),
    [
        ("Max size: 10.0MB", 10 * 2**20),
        ("Max size: 500KB", 500 * 2**10),
        ("Max size: 1.5 GB", 3 * 2**29),
        ("Max size: 10mb", 10 * 2**20),
        ("Max file size: 7MB", 7 * 2**20),
        ("Maximum file size: 7MB", 7 * 2**20),
        ("Maximum size: 7MB", 7 * 2**20),
        ("Max length: 500", None),
        ("", None),
    ],
)
def test_size_is_read_from_prose(contract: Contract, prose: str, size: int | None) -> None:
    parameter = {"type": "string", "format": "uri", "description": prose}
    assert contract({"image_url": parameter})["media"]["image_url"]["max_bytes"] == size


@pytest.mark.parametrize(
    "parameter",
    [
        pytest.param({"type": "string", "format": "uri"}, id="one"),
        pytest.param({"type": "array", "items": {"type": "string", "format": "uri"}}, id="several"),
        pytest.param({"type": ["string", "null"], "format": "uri"}, id="one-or-null"),
        pytest.param({"type": "string"}, id="one-without-format"),
        pytest.param({"type": "array", "items": {"type": "string"}}, id="several-without-format"),
    ],
)
def test_file_parameter_is_known_by_its_prose(contract: Contract, parameter: Json) -> None:
    described = {**parameter, "description": f"A picture ({TYPES}; Max size: 1MB)"}
    assert contract({"image_url": described})["media"] == {
        "image_url": {"kind": "image", "types": ["image/jpeg", "image/png"], "max_bytes": 2**20, "schemes": []}
    }


@pytest.mark.parametrize(
    "parameter",
    [
        {"type": "string", "description": "Max size: none"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "object"}},
        {"type": "array"},
    ],
    ids=str,
)
def test_other_parameters_take_no_file(contract: Contract, parameter: Json) -> None:
    assert contract({"shade": parameter})["media"] == {}


@pytest.mark.parametrize(
    ("parameters", "replaced_by"),
    [
        pytest.param(
            {"shade": {"deprecated": True, "description": "Use `tint` instead"}, "tint": {}},
            {"shade": "tint"},
            id="named",
        ),
        pytest.param(
            {"shade": {"deprecated": True, "description": "Use `gone` or use `tint`"}, "tint": {}},
            {"shade": "tint"},
            id="named-and-there",
        ),
        pytest.param(
            {"image_size": {**RATIO, "deprecated": True}, "aspect_ratio": RATIO},
            {"image_size": "aspect_ratio"},
            id="synonym",
        ),
        pytest.param(
            {"size": {"deprecated": True, "enum": ["1K"]}, "resolution": {"enum": ["1K"]}},
            {"size": "resolution"},
            id="other-synonym",
        ),
        pytest.param({"image_size": RATIO, "aspect_ratio": RATIO}, {}, id="nothing-deprecated"),
        pytest.param({"shade": {"deprecated": True}, "tint": {}}, {}, id="no-successor"),
        pytest.param(
            {"shade": {"deprecated": True, "description": "`shade` is old"}, "tint": {}}, {}, id="only-itself"
        ),
    ],
)
def test_deprecated_parameter_has_its_successor(contract: Contract, parameters: Json, replaced_by: Json) -> None:
    assert contract(parameters)["replaced_by"] == replaced_by


def test_newer_nano_banana_edit_replaces_image_size(newer: Json) -> None:
    assert newer["replaced_by"] == {"image_size": "aspect_ratio"}


def test_newer_nano_banana_edit_keeps_the_order_of_its_page(newer: Json) -> None:
    assert list(newer["input"]["properties"]) == [
        "prompt",
        "image_urls",
        "output_format",
        "aspect_ratio",
        "image_size",
    ]


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        pytest.param({"model": "acme/lamp", "input": {"prompt": "a"}}, {"prompt": "a"}, id="a-call"),
        pytest.param({"model": "acme/lamp"}, None, id="a-call-without-input"),
        pytest.param(None, None, id="none"),
        pytest.param('{"model": "acme/lamp", "input": {image}}', None, id="broken-json-as-text"),
        pytest.param([], None, id="a-list"),
    ],
)
def test_example_is_the_input_of_the_pages_call(contract: Contract, example: Any, expected: Any) -> None:
    assert contract(example=example)["example"] == expected


@pytest.mark.parametrize(("said", "output"), [("image", "image"), ("video", "video"), (None, "image")])
def test_kind_of_output(make_document: MakeDocument, said: str | None, output: str) -> None:
    document, _ = normalize(make_document(), slug="lamp")
    document["info"]["x-kie-output"] = said or document["info"]["x-kie-output"]
    assert build_contract(document, slug="lamp")["output"] == output


def test_document_is_left_alone(make_document: MakeDocument) -> None:
    document, _ = normalize(make_document(), slug="lamp")
    before = repr(document)
    build_contract(document, slug="lamp")
    assert repr(document) == before


def test_document_of_no_model_is_refused() -> None:
    with pytest.raises(NotAModel, match="no Market model: it describes no endpoint at all"):
        build_contract({"openapi": "3.1.0", "paths": {}}, slug="lamp")


def test_document_of_two_models_is_refused(make_document: MakeDocument) -> None:
    document, _ = normalize(make_document(), slug="lamp")
    document["components"]["schemas"]["CreateTaskRequest"]["properties"]["model"] = {"enum": ["a", "b"]}
    with pytest.raises(SpecError, match="exactly one model id"):
        build_contract(document, slug="lamp")
