"""The rules for parameters: their names, values, limits and defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs import rules
from kie_registry.specs.documents import Json
from kie_registry.specs.normalize import normalize
from kie_registry.specs.request import input_schema
from kie_registry.specs.rules import document as of_documents, limits, references, schemas, values

MakeDocument = Callable[..., Json]


def shade(document: Json) -> Json:
    """Return the schema of the parameter `shade`."""
    schema = input_schema(document)
    assert schema is not None
    found: Json = schema["properties"]["shade"]
    return found


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        pytest.param(schemas.known_types, {"type": "int"}, {"type": "integer"}, id="int"),
        pytest.param(schemas.known_types, {"type": "Float"}, {"type": "number"}, id="float"),
        pytest.param(schemas.known_types, {"type": "file"}, {"type": "string"}, id="file"),
        pytest.param(schemas.known_types, {"type": "whatever"}, {}, id="no-type"),
        pytest.param(schemas.known_types, {"type": ["int", "str"]}, {"type": ["integer", "string"]}, id="types"),
        pytest.param(schemas.known_types, {"type": ["string"]}, {"type": "string"}, id="list-of-one-type"),
        pytest.param(schemas.schemas_as_mappings, {"items": None}, {"items": {}}, id="items-null"),
        pytest.param(schemas.schemas_as_mappings, {"properties": []}, {"properties": {}}, id="properties-list"),
        pytest.param(
            schemas.numbers_as_bounds,
            {"minimum": 1, "exclusiveMinimum": True},
            {"exclusiveMinimum": 1},
            id="exclusive-of-3.0",
        ),
        pytest.param(
            schemas.numbers_as_bounds,
            {"exclusiveMaximum": False, "maximum": 3},
            {"maximum": 3},
            id="not-exclusive",
        ),
        pytest.param(schemas.numbers_as_bounds, {"maximum": "2.5"}, {"maximum": 2.5}, id="bound-in-quotes"),
        pytest.param(schemas.numbers_as_bounds, {"maxLength": "80"}, {"maxLength": 80}, id="count-in-quotes"),
        pytest.param(schemas.numbers_as_bounds, {"maxLength": 80.0}, {"maxLength": 80}, id="whole-count"),
        pytest.param(schemas.numbers_as_bounds, {"maxLength": -1}, {}, id="negative-count"),
        pytest.param(schemas.numbers_as_bounds, {"maximum": "none"}, {}, id="bound-in-words"),
        pytest.param(schemas.numbers_as_bounds, {"multipleOf": 0}, {}, id="multiple-of-nothing"),
        pytest.param(schemas.drop_broken_patterns, {"pattern": "(["}, {}, id="broken-pattern"),
        pytest.param(schemas.drop_broken_patterns, {"pattern": "^a$"}, {"pattern": "^a$"}, id="pattern"),
        pytest.param(schemas.forget_schema_addresses, {"$id": "http://a/"}, {}, id="address"),
        pytest.param(
            schemas.null_as_a_type,
            {"type": "string", "nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
            id="nullable-enum",
        ),
        pytest.param(values.trim_values, {"enum": [" 1:8 ", "a"]}, {"enum": ["1:8", "a"]}, id="value-with-spaces"),
        pytest.param(
            values.trim_values, {"enum": ["a "], "default": "a "}, {"enum": ["a"], "default": "a"}, id="default"
        ),
        pytest.param(
            values.values_of_type,
            {"type": "string", "enum": [5, 10.5, True]},
            {"type": "string", "enum": ["5", "10.5", "true"]},
            id="numbers-and-truth-as-text",
        ),
        pytest.param(
            values.values_of_type, {"type": "integer", "enum": ["5"]}, {"type": "integer", "enum": [5]}, id="text"
        ),
        pytest.param(
            values.values_of_type, {"type": "integer", "enum": [5.0]}, {"type": "integer", "enum": [5]}, id="5.0"
        ),
        pytest.param(
            values.values_of_type,
            {"type": "number", "enum": [0, 0.5]},
            {"type": "number", "enum": [0, 0.5]},
            id="mix",
        ),
        pytest.param(
            values.values_of_type,
            {"type": "boolean", "enum": ["true"]},
            {"type": "boolean", "enum": [True]},
            id="bool",
        ),
        pytest.param(
            values.values_of_type, {"type": "integer", "enum": ["auto", "5"]}, {"enum": ["auto", "5"]}, id="misfit"
        ),
        pytest.param(values.values_of_type, {"type": "string", "enum": []}, {"type": "string"}, id="no-values"),
        pytest.param(values.values_of_type, {"enum": ["a", "a"]}, {"enum": ["a"]}, id="twice"),
        pytest.param(values.values_of_type, {"enum": [1, True]}, {"enum": [1, True]}, id="1-is-not-true"),
        pytest.param(
            values.values_of_type,
            {"type": "string", "enum": ["a", None]},
            {"type": "string", "enum": ["a"]},
            id="null-among-texts",
        ),
        pytest.param(
            values.default_within_limits,
            {"type": "string", "enum": ["5", "10"], "default": 5},
            {"type": "string", "enum": ["5", "10"], "default": "5"},
            id="default-of-another-type",
        ),
        pytest.param(
            values.default_within_limits,
            {"type": "string", "enum": ["a"], "default": "b"},
            {"type": "string", "enum": ["a"]},
            id="default-outside-its-enum",
        ),
        pytest.param(
            values.default_within_limits,
            {"type": "integer", "maximum": 3, "default": 9},
            {"type": "integer", "maximum": 3},
            id="default-beyond-its-limit",
        ),
        pytest.param(
            values.default_within_limits,
            {"type": "string", "default": None},
            {"type": "string"},
            id="default-null",
        ),
        pytest.param(
            values.samples_are_no_defaults,
            {"type": "string", "default": "https://a.test/b.png"},
            {"type": "string", "examples": ["https://a.test/b.png"]},
            id="sample-file",
        ),
        pytest.param(
            values.samples_are_no_defaults,
            {"type": "string", "default": ""},
            {"type": "string", "default": "", "minLength": 0},
            id="empty-default",
        ),
        pytest.param(
            values.samples_are_no_defaults,
            {"type": "integer", "default": 5},
            {"type": "integer", "default": 5},
            id="5",
        ),
        pytest.param(
            limits.limits_from_prose,
            {"type": "string", "description": "The name (Max length: 500 characters)"},
            {"type": "string", "description": "The name (Max length: 500 characters)", "maxLength": 500},
            id="length-in-prose",
        ),
        pytest.param(
            limits.limits_from_prose,
            {"type": "string", "description": "Max length: 5", "default": "too long"},
            {"type": "string", "description": "Max length: 5", "default": "too long"},
            id="length-that-the-page-itself-exceeds",
        ),
        pytest.param(
            of_documents.drop_control_characters,
            {"description": "a\x1b[31mb\u202ec\nd"},
            {"description": "a[31mbc\nd"},
            id="escapes-of-a-terminal",
        ),
        pytest.param(
            references.open_missing_references,
            {"$ref": "#/components/schemas/Gone", "description": "a"},
            {"description": "a"},
            id="reference-to-nothing",
        ),
        pytest.param(
            references.open_missing_references, {"$ref": "http://a.test/b.yaml"}, {}, id="reference-to-elsewhere"
        ),
    ],
)
def test_rule_repairs_a_parameter(
    make_document: MakeDocument, rule: rules.Rule, before: Json, after: Json
) -> None:
    document = make_document({"shade": before})
    reported = tuple(rule(document, "lamp"))
    assert shade(document) == after
    assert bool(reported) == (repr(before) != repr(after))


def normal(document: Json) -> Json:
    """Return the input schema of the normalized document."""
    clean, _ = normalize(document, slug="lamp")
    found: Json = clean["components"]["schemas"]["LampInput"]
    return found


@pytest.mark.parametrize(
    ("parameters", "required", "names", "needed"),
    [
        pytest.param({"shade ": {}}, ["shade "], ["shade"], ["shade"], id="spaces"),
        pytest.param({"shade ": {}, "shade": {}}, [], ["shade"], None, id="spaces-beside-the-same-without"),
        pytest.param({"shade": {"required": True}}, None, ["shade"], ["shade"], id="said-of-the-parameter"),
        pytest.param({"shade": {"required": False}}, ["shade"], ["shade"], ["shade"], id="said-of-both"),
        pytest.param({"shade": {}}, ["shade", "gone"], ["shade"], ["shade"], id="a-name-that-nobody-describes"),
        pytest.param({"shade": {}}, ["shade", "shade"], ["shade"], ["shade"], id="twice"),
        pytest.param({"shade": {}}, True, ["shade"], None, id="no-list"),
    ],
)
def test_names_and_what_is_required(
    make_document: MakeDocument, parameters: Json, required: Any, names: list[str], needed: list[str] | None
) -> None:
    document = make_document(parameters)
    schema = input_schema(document)
    assert schema is not None
    schema["required"] = required
    found = normal(document)
    assert (list(found["properties"]), found.get("required")) == (names, needed)


def test_required_of_a_branch_may_name_what_another_describes(make_document: MakeDocument) -> None:
    document = make_document({"shade": {}, "tint": {}})
    schema = input_schema(document)
    assert schema is not None
    schema["anyOf"] = [{"required": ["shade"]}, {"required": ["tint"]}]
    assert normal(document)["anyOf"] == [{"required": ["shade"]}, {"required": ["tint"]}]


@pytest.mark.parametrize("name", ["prompt", "text", "negative_prompt"])
def test_sample_text_is_never_sent_by_default(make_document: MakeDocument, name: str) -> None:
    found = normal(make_document({name: {"type": "string", "default": "A cat"}}))
    assert found["properties"][name] == {"type": "string", "examples": ["A cat"]}


@pytest.mark.parametrize("default", ["/etc/hostname", "demo.png", ["a.png"]])
def test_default_never_names_a_file_of_this_machine(make_document: MakeDocument, default: Any) -> None:
    found = normal(make_document({"image_url": {"default": default, "type": "string"}}))
    assert found["properties"]["image_url"] == {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "minLength": 5, "maxLength": 3}, r"shade contradicts itself: its minLength is 5"),
        ({"type": "array", "minItems": 5, "maxItems": 3}, r"its minItems is 5 and its maxItems is 3"),
        ({"type": "number", "minimum": 5, "maximum": 3}, r"its minimum is 5 and its maximum is 3"),
        ({"type": "array", "items": {"minimum": 5, "maximum": 3}}, r"shade.items contradicts itself"),
        ({"anyOf": "both"}, r"properties/shade/anyOf is no JSON Schema"),
    ],
)
def test_contradiction_is_refused_with_its_place(make_document: MakeDocument, schema: Json, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        normalize(make_document({"shade": schema}), slug="lamp")


def test_references_in_a_circle_are_refused(make_document: MakeDocument) -> None:
    circle = {"A": {"properties": {"b": {"$ref": "#/components/schemas/A"}}}}
    document = make_document({"shade": {"$ref": "#/components/schemas/A"}}, components={"schemas": circle})
    with pytest.raises(SpecError, match=r"#/components/schemas/A leads back to itself"):
        normalize(document, slug="lamp")


def test_references_that_multiply_are_refused(
    make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.specs.documents._MAX_NODES", 5_000)

    def of(name: str) -> Json:
        return {"anyOf": [{"$ref": f"#/components/schemas/{name}"}] * 10}

    bomb = {f"A{level}": of(f"A{level + 1}") for level in range(9)} | {"A9": {}}
    document = make_document({"shade": {"$ref": "#/components/schemas/A0"}}, components={"schemas": bomb})
    with pytest.raises(SpecError, match="write out to more than 5,000 values"):
        normalize(document, slug="lamp")


def test_reference_in_a_response_may_be_circular(make_document: MakeDocument) -> None:
    circle = {"A": {"properties": {"b": {"$ref": "#/components/schemas/A"}}}}
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}
    document = make_document(components={"schemas": circle}, responses=answer)
    assert list(normal(document)["properties"]) == ["prompt"]
