"""The example call of a page: where it hides, what it tells of the parameters, and what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import Json
from kie_registry.specs.normalize import normalize
from kie_registry.specs.request import input_schema, request_content, request_schema

MakeDocument = Callable[..., Json]

PARAMETERS: Json = {
    "prompt": {"type": "string"},
    "duration": {"type": "string", "enum": ["5", "10"]},
    "seed": {"type": "integer", "maximum": 9},
    "image_urls": {"type": "array", "items": {"type": "string", "format": "uri"}},
}


def contract(document: Json) -> Json:
    clean, _ = normalize(document, slug="lamp")
    return build_contract(clean, slug="lamp")


def call(**parameters: Any) -> Json:
    return {"model": "acme/lamp", "input": parameters}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param({"prompt": "a", "duration": "5"}, {"prompt": "a", "duration": "5"}, id="as-it-should-be"),
        pytest.param({"prompt": "a", "duration": 5}, {"prompt": "a", "duration": "5"}, id="number-for-text"),
        pytest.param({"prompt": "a", "seed": "7"}, {"prompt": "a", "seed": 7}, id="text-for-number"),
        pytest.param(
            {"prompt": "a", "image_urls": "https://a.test/b"},
            {"prompt": "a", "image_urls": ["https://a.test/b"]},
            id="one-for-several",
        ),
        pytest.param({"prompt": "a", "duration": "7"}, {"prompt": "a"}, id="value-that-is-none-of-the-choices"),
        pytest.param({"prompt": "a", "seed": 10}, {"prompt": "a"}, id="value-beyond-a-limit"),
        pytest.param({"prompt": ""}, {"prompt": ""}, id="empty-text"),
        pytest.param({"prompt": "a", "seed": None}, {"prompt": "a"}, id="null"),
        pytest.param({"prompt": "a", " seed ": 7}, {"prompt": "a", "seed": 7}, id="name-with-spaces"),
        pytest.param(
            {"prompt": "a", "glow": 2}, {"prompt": "a", "glow": 2}, id="parameter-that-the-schema-forgets"
        ),
    ],
)
def test_example_fits_the_schema(make_document: MakeDocument, given: Json, read: Json) -> None:
    assert contract(make_document(PARAMETERS, example=call(**given)))["example"] == read


def test_parameter_that_only_the_example_gives_can_be_given(make_document: MakeDocument) -> None:
    found = contract(make_document(PARAMETERS, example=call(prompt="a", glow=2)))
    assert found["input"]["properties"]["glow"]["type"] == "integer"


@pytest.mark.parametrize(("shown", "least"), [("", 0), ("a", None)])
def test_text_may_be_empty_only_where_the_example_shows_it(
    make_document: MakeDocument, shown: str, least: int | None
) -> None:
    found = contract(make_document(PARAMETERS, example=call(prompt=shown)))
    assert found["input"]["properties"]["prompt"].get("minLength") == least


@pytest.mark.parametrize(
    ("content", "body", "of_input", "of_prompt"),
    [
        pytest.param({"example": json.dumps(call(prompt="a"))}, {}, {}, {}, id="as-text"),
        pytest.param({"example": {"input": json.dumps({"prompt": "a"})}}, {}, {}, {}, id="input-as-text"),
        pytest.param({"examples": {"one": {"value": call(prompt="a")}}}, {}, {}, {}, id="one-of-several"),
        pytest.param({"examples": [{"value": json.dumps(call(prompt="a"))}]}, {}, {}, {}, id="as-text-in-a-list"),
        pytest.param({}, {"examples": [call(prompt="a")]}, {}, {}, id="of-the-body"),
        pytest.param({}, {"example": call(prompt="a")}, {}, {}, id="of-the-body-in-3.0"),
        pytest.param({}, {}, {"examples": [{"prompt": "a"}]}, {}, id="of-the-input"),
        pytest.param({"example": {}}, {}, {"examples": [{"prompt": "a"}]}, {}, id="of-the-input-beside-none"),
        pytest.param({}, {}, {}, {"examples": ["a"]}, id="of-the-parameters"),
        pytest.param({"example": '{"input": {image'}, {}, {}, {"examples": ["a"]}, id="beside-broken-text"),
    ],
)
def test_example_is_found_where_it_hides(
    make_document: MakeDocument, content: Json, body: Json, of_input: Json, of_prompt: Json
) -> None:
    document = make_document({"prompt": {"type": "string", **of_prompt}})
    (request_content(document) or {}).update(content)
    (request_schema(document) or {}).update(body)
    (input_schema(document) or {}).update(of_input)
    assert contract(document)["example"] == {"prompt": "a"}


@pytest.mark.parametrize(
    "example",
    [
        pytest.param(call(duration="5"), id="what-is-required-is-missing"),
        pytest.param(call(prompt=None), id="what-is-required-is-null"),
        pytest.param("words", id="words"),
    ],
)
def test_example_that_is_none_is_dropped(make_document: MakeDocument, example: Any) -> None:
    document = make_document(PARAMETERS, example=example)
    schema = input_schema(document)
    assert schema is not None
    schema["required"] = ["prompt"]
    assert contract(document)["example"] is None


def test_missing_part_of_an_example_is_taken_from_the_parameter(make_document: MakeDocument) -> None:
    parameters = {**PARAMETERS, "prompt": {"type": "string", "examples": ["a"]}}
    document = make_document(parameters, example=call(duration="5"))
    schema = input_schema(document)
    assert schema is not None
    schema["required"] = ["prompt"]
    assert contract(document)["example"] == {"duration": "5", "prompt": "a"}


def test_what_a_rule_did_to_the_example_is_reported(make_document: MakeDocument) -> None:
    _, repairs = normalize(make_document(PARAMETERS, example=call(prompt="a", duration=5)), slug="lamp")
    assert {repair.rule: repair.places for repair in repairs}["fit-example"] == ("input.duration: 5 is '5'",)
