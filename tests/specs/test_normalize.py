"""Normalizing repairs a whole document, and leaves alone what is not its business."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.specs.documents import Json, create_operation, load_document
from kie_registry.specs.normalize import normalize
from kie_registry.specs.pages import read_pages
from kie_registry.specs.request import request_schema

MakeDocument = Callable[..., Json]


def operation(document: Json) -> Json:
    found = create_operation(document)
    assert found is not None
    return found


NAMES = ["x-ray", "properties", "example", "examples", "nullable", "default", "enum", "const", "required", "type"]


@pytest.mark.parametrize("name", NAMES)
def test_parameter_of_any_name_stays(make_document: MakeDocument, name: str) -> None:
    given = {"prompt": {"type": "string"}, name: {"type": "string", "description": "Kept"}}
    document, _ = normalize(make_document(given), slug="lamp")
    assert document["components"]["schemas"]["LampInput"]["properties"] == given


@pytest.mark.parametrize("name", NAMES)
def test_parameter_of_any_name_is_repaired(make_document: MakeDocument, name: str) -> None:
    document, _ = normalize(make_document({name: {"type": "string", "x-apidog": 1}}), slug="lamp")
    assert document["components"]["schemas"]["LampInput"]["properties"] == {name: {"type": "string"}}


@pytest.mark.parametrize(
    "data", [{"x-ray": 1}, {"nullable": True, "type": "a"}, {"example": "a", "type": "b"}], ids=str
)
@pytest.mark.parametrize("keyword", ["default", "const", "examples"])
def test_data_is_no_schema(make_document: MakeDocument, keyword: str, data: Json) -> None:
    value = [data] if keyword == "examples" else data
    given = {"lens": {"type": "object", keyword: value}}
    document, _ = normalize(make_document(copy.deepcopy(given)), slug="lamp")
    assert document["components"]["schemas"]["LampInput"]["properties"] == given


def test_example_call_is_left_alone(make_document: MakeDocument) -> None:
    example = {"model": "acme/lamp", "input": {"x-ray": 1, "nullable": True, "example": 2}}
    document, _ = normalize(make_document(example=copy.deepcopy(example)), slug="lamp")
    assert operation(document)["requestBody"]["content"]["application/json"]["example"] == example


@pytest.mark.parametrize("part", ["body", "input", "parameter", "plain-parameter"])
def test_request_may_refer_to_components(make_document: MakeDocument, part: str) -> None:
    document = make_document({"shade": {"type": "string", "enum": ["a", "b"]}, "prompt": {"type": "string"}})
    media = operation(document)["requestBody"]["content"]["application/json"]
    properties = media["schema"]["properties"]
    holder, key = {
        "body": (media, "schema"),
        "input": (properties, "input"),
        "parameter": (properties["input"]["properties"], "shade"),
        "plain-parameter": (properties["input"]["properties"], "prompt"),
    }[part]
    document["components"] = {"schemas": {"Part": holder[key]}}
    holder[key] = {"$ref": "#/components/schemas/Part"}
    clean, _ = normalize(document, slug="lamp")
    assert resolved(clean, "LampInput", "shade")["enum"] == ["a", "b"]
    assert resolved(clean, "LampInput", "prompt")["type"] == "string"


@pytest.mark.parametrize(
    ("key", "reference"),
    [
        ("Lamp Input", "Lamp%20Input"),
        ("Lamp ", "Lamp%20"),
        ("Lamp/Input", "Lamp~1Input"),
        ("灯", "%E7%81%AF"),
    ],
    ids=["space", "space-at-the-end", "slash", "not-ascii"],
)
def test_escaped_reference_is_followed(make_document: MakeDocument, key: str, reference: str) -> None:
    document = make_document(components={"schemas": {key: {"type": "object", "properties": {}}}})
    body = request_schema(document)
    assert body is not None
    body["properties"]["input"] = {"$ref": f"#/components/schemas/{reference}"}
    clean, _ = normalize(document, slug="lamp")
    assert clean["components"]["schemas"]["LampInput"]["type"] == "object"


def resolved(document: Json, schema: str, name: str) -> Json:
    schemas = document["components"]["schemas"]
    found: Json = schemas[schema]["properties"][name]
    return schemas[found["$ref"].rsplit("/", 1)[-1]] if "$ref" in found else found


def published(name: str, pages: Path) -> Json:
    (page,) = read_pages((pages / f"{name}.md").read_bytes(), source=name)
    return load_document(page.document, source=name)


PAGES = ["paint-lantern", "paint-kite", "nano-banana-edit-newer"]


@pytest.mark.parametrize("name", PAGES)
def test_normalizing_leaves_its_argument_alone(pages: Path, name: str) -> None:
    document = published(name, pages)
    normalize(document, slug=name)
    assert document == published(name, pages)


@pytest.mark.parametrize("name", PAGES)
def test_normalizing_twice_gives_the_same(pages: Path, name: str) -> None:
    once, _ = normalize(published(name, pages), slug=name)
    twice, _ = normalize(once, slug=name)
    assert twice == once


def test_both_formats_become_alike(pages: Path) -> None:
    schemas = [normalize(published(name, pages), slug="lamp")[0]["components"]["schemas"] for name in PAGES[:2]]
    assert [sorted(found["CreateTaskResponse"]["properties"]) for found in schemas] == [
        ["code", "data", "msg"]
    ] * 2


def test_title_of_the_page_becomes_the_documents(make_document: MakeDocument) -> None:
    document, _ = normalize(make_document(), slug="lamp", title="Acme - Lamp")
    assert document["info"]["title"] == "Acme - Lamp"


def test_repairs_are_reported_by_rule_and_place(make_document: MakeDocument) -> None:
    _, repairs = normalize(make_document({"shade": {"type": "string", "x-apidog": 1}}), slug="lamp")
    places: dict[str, Any] = {repair.rule: repair.places for repair in repairs}
    assert [place.endswith(".properties.shade.x-apidog") for place in places["drop-extensions"]] == [True]
