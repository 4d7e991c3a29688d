"""The document beside each client is valid OpenAPI 3.1, and its examples are valid calls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

PACKAGE = Path(__file__).parents[2] / "generated" / "kie_generated"
MODELS = sorted(path.parent.name for path in PACKAGE.glob("*/contract.json"))
WITH_EXAMPLE = [name for name in MODELS if json.loads((PACKAGE / name / "contract.json").read_bytes())["example"]]
# What a page shows for one parameter is for people only, and wrong on some; here it is known to be right.
CAREFUL = ["files", "jobs", "nano_banana_edit", "nano_banana_pro"]


def load(package: str) -> Any:
    return yaml.safe_load((PACKAGE / package / "openapi.yaml").read_text("utf-8"))


def validator(document: Any, reference: str) -> Any:
    schema = {"$ref": reference, "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def problems(document: Any, reference: str, value: Any) -> list[str]:
    return [str(error.message) for error in validator(document, reference).iter_errors(value)]


def test_document_is_valid_openapi_3_1(published: Path) -> None:
    document = yaml.safe_load(published.read_text("utf-8"))
    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_document_says_3_1(published: Path) -> None:
    assert yaml.safe_load(published.read_text("utf-8"))["openapi"] == "3.1.0"


@pytest.mark.parametrize("package", CAREFUL)
def test_schema_examples_satisfy_their_schema(package: str) -> None:
    document = load(package)
    found = [
        (name, parameter, problems(document, f"#/components/schemas/{name}/properties/{parameter}", example))
        for name, schema in document["components"]["schemas"].items()
        for parameter, inner in schema.get("properties", {}).items()
        for example in inner.get("examples", ())
    ]
    assert [entry for entry in found if entry[2]] == []


@pytest.mark.parametrize("package", WITH_EXAMPLE)
def test_example_call_satisfies_the_request(package: str) -> None:
    document = load(package)
    media = document["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]["application/json"]
    assert problems(document, media["schema"]["$ref"], media["example"]) == []


@pytest.mark.parametrize("package", WITH_EXAMPLE)
def test_example_of_the_contract_satisfies_its_input(package: str) -> None:
    contract = json.loads((PACKAGE / package / "contract.json").read_text("utf-8"))
    checked = jsonschema_rs.Draft202012Validator(contract["input"], validate_formats=True)
    assert [error.message for error in checked.iter_errors(contract["example"])] == []


@pytest.mark.parametrize("package", MODELS)
def test_empty_call_does_not_satisfy_the_request(package: str) -> None:
    document = load(package)
    assert problems(document, "#/components/schemas/CreateTaskRequest", {}) != []


@pytest.mark.parametrize("package", MODELS)
def test_call_of_another_model_does_not_satisfy_the_request(package: str) -> None:
    document = load(package)
    media = document["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]["application/json"]
    other = {**media["example"], "model": "acme/lamp"}
    assert problems(document, media["schema"]["$ref"], other) != []
