"""Where the request stands in a document, and what its parameters are where nothing says it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import CREATE_TASK_PATH, Json, create_operation
from kie_registry.specs.normalize import normalize
from kie_registry.specs.request import input_schema, request_schema

MakeDocument = Callable[..., Json]


def built(document: Json) -> Json:
    clean, _ = normalize(document, slug="lamp")
    return build_contract(clean, slug="lamp")


def test_body_may_be_a_component(make_document: MakeDocument) -> None:
    document = make_document()
    operation = create_operation(document)
    assert operation is not None
    document["components"]["requestBodies"] = {"Lamp": operation["requestBody"]}
    operation["requestBody"] = {"$ref": "#/components/requestBodies/Lamp"}
    assert built(document)["id"] == "acme/lamp"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", " application/json"])
def test_body_is_json_however_it_is_spelled(make_document: MakeDocument, kind: str) -> None:
    document = make_document()
    operation = create_operation(document)
    assert operation is not None
    content = operation["requestBody"]["content"]
    operation["requestBody"]["content"] = {"multipart/form-data": {}, kind: content["application/json"]}
    clean, _ = normalize(document, slug="lamp")
    assert list(clean["paths"][CREATE_TASK_PATH]["post"]["requestBody"]["content"]) == ["application/json"]


def test_other_endpoints_and_broken_servers_are_left_out(make_document: MakeDocument) -> None:
    document = {**make_document(), "servers": None}
    document["paths"]["/api/v1/jobs/recordInfo"] = {"get": {}}
    clean, _ = normalize(document, slug="lamp")
    assert (list(clean["paths"]), "servers" in clean) == ([CREATE_TASK_PATH], False)


def test_names_required_of_the_body_are_those_of_the_input(make_document: MakeDocument) -> None:
    document = make_document()
    body = request_schema(document)
    assert body is not None
    body["required"] = ["model", "prompt", "gone"]
    clean, _ = normalize(document, slug="lamp")
    schemas = clean["components"]["schemas"]
    assert (schemas["CreateTaskRequest"]["required"], schemas["LampInput"]["required"]) == (
        ["model", "input"],
        ["prompt"],
    )


@pytest.mark.parametrize(
    ("name", "parameter", "kind"),
    [
        ("prompt", {}, "string"),
        ("image_url", {"description": "a"}, "string"),
        ("image_urls", {}, "array"),
        ("glow", {"default": 3}, "integer"),
        ("glow", {"examples": [True]}, "boolean"),
        ("glow", {}, None),
        ("glow", {"enum": ["a"]}, None),
    ],
)
def test_type_is_told_by_what_is_shown_or_by_the_name(
    make_document: MakeDocument, name: str, parameter: Json, kind: str | None
) -> None:
    assert built(make_document({name: parameter}))["input"]["properties"][name].get("type") == kind


@pytest.mark.parametrize(
    ("name", "parameter", "items"),
    [
        ("image_urls", {"type": "array"}, {"type": "string"}),
        ("points", {"type": "array", "examples": [[1, 2]]}, {"type": "integer"}),
        ("points", {"type": "array", "default": ["a"]}, {"type": "string"}),
        ("points", {"type": "array"}, {}),
    ],
)
def test_lists_say_what_they_hold(make_document: MakeDocument, name: str, parameter: Json, items: Json) -> None:
    assert built(make_document({name: parameter}))["input"]["properties"][name]["items"] == items


PAIR: Json = {
    "prompt": {"type": "string"},
    "image_size": {"type": "string", "deprecated": True, "description": "Use `aspect_ratio` instead"},
    "aspect_ratio": {"type": "string"},
}


def test_deprecated_parameter_is_not_required_beside_its_successor(make_document: MakeDocument) -> None:
    document = make_document(PAIR)
    schema = input_schema(document)
    assert schema is not None
    schema["required"] = ["prompt", "image_size"]
    found = built(document)
    assert (found["input"]["required"], found["replaced_by"]) == (["prompt"], {"image_size": "aspect_ratio"})


def test_example_shows_one_of_a_pair(make_document: MakeDocument) -> None:
    shown = {"prompt": "a", "image_size": "1:1", "aspect_ratio": "16:9"}
    found = built(make_document(PAIR, example={"model": "acme/lamp", "input": shown}))
    assert found["example"] == {"prompt": "a", "aspect_ratio": "16:9"}


@pytest.mark.parametrize(
    ("shown", "read", "schemes"),
    [
        pytest.param(["https://a.test/b.png "], ["https://a.test/b.png"], [], id="spaces"),
        pytest.param('["https://a.test/b.png"]', ["https://a.test/b.png"], [], id="json-as-text"),
        pytest.param(["asset://a-1"], ["asset://a-1"], ["asset"], id="another-scheme"),
        pytest.param(["<your image>"], None, [], id="placeholder"),
        pytest.param([""], None, [], id="empty"),
    ],
)
def test_addresses_of_the_example(
    make_document: MakeDocument, shown: Any, read: list[str] | None, schemes: list[str]
) -> None:
    parameters = {"prompt": {"type": "string"}, "image_urls": {"type": "array", "items": {"type": "string"}}}
    call = {"model": "acme/lamp", "input": {"prompt": "a", "image_urls": shown}}
    found = built(make_document(parameters, example=call))
    assert found["example"].get("image_urls") == read
    assert found["media"]["image_urls"]["schemes"] == schemes
