"""Parameters of every shape that a page could give them go the whole way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kie_registry.testing.corpus.checking import Report
from kie_registry.testing.corpus.run import run_corpus
from tests.pages import around, document

URL = {"type": "string", "format": "uri"}
ADDRESS = "https://example.com/a.png"
TEXT_OR_IMAGE = [
    {
        "properties": {"mode": {"const": "text"}, "words": {"type": "string", "maxLength": 9}},
        "required": ["words"],
    },
    {"properties": {"mode": {"const": "image"}, "image_url": URL}, "required": ["mode", "image_url"]},
]
SHOTS = [
    {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 5}}},
    {"type": "object", "required": ["image_url"], "properties": {"image_url": URL}},
]
WEIGHED = {"type": "object", "required": ["url"], "properties": {"url": URL, "weight": {"type": "number"}}}

SHAPES: dict[str, tuple[dict[str, Any], Any]] = {
    "file or null": ({"type": ["string", "null"], "format": "uri"}, ADDRESS),
    "files or null": ({"anyOf": [{"type": "array", "items": URL, "maxItems": 3}, {"type": "null"}]}, [ADDRESS]),
    "choice or null": ({"type": "string", "nullable": True, "enum": [None, "oil"]}, "oil"),
    "null as default": ({"type": "integer", "default": None}, 3),
    "list of anything": ({"type": "array", "maxItems": 3}, ["x", 1]),
    "free object": ({"type": "object"}, {"deep": [1, {"x": True}]}),
    "object of numbers": ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}),
    "anything": ({"description": "Anything."}, [1]),
    "file": ({"type": "file"}, ADDRESS),
    "binary": ({"type": "string", "format": "binary"}, ADDRESS),
    "items of branches": ({"type": "array", "items": {"oneOf": SHOTS}, "maxItems": 3}, [{"text": "b"}]),
    "files with and without weights": ({"type": "array", "items": {"anyOf": [URL, WEIGHED]}}, [{"url": ADDRESS}]),
    "exclusive bounds of 3.0": ({"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 1}, 0.5),
    "bounds as text": ({"type": "integer", "minimum": "1", "maximum": "9"}, 5),
    "integers with a point": ({"type": "integer", "minimum": 1.0, "maximum": 9.0}, 5.0),
    "numbers to choose from": ({"type": "number", "enum": [0.5, 1, 2]}, 1.0),
    "choices of a list beside it": ({"type": "array", "enum": ["en"], "items": {"type": "string"}}, ["en"]),
    "pattern": ({"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"}, "ABC-1234"),
    "large numbers": ({"type": "integer", "minimum": -(2**63), "maximum": 2**64 - 1}, 2**63),
    "many items": ({"type": "array", "items": {"type": "integer"}, "maxItems": 1500}, [1]),
    "branches of the parameter": ({"oneOf": [{"type": "integer", "maximum": 3}, {"type": "boolean"}]}, 2),
}


def content(document_: dict[str, Any]) -> dict[str, Any]:
    """Return what createTask's body is given as."""
    post = document_["paths"]["/api/v1/jobs/createTask"]["post"]
    found: dict[str, Any] = post["requestBody"]["content"]["application/json"]
    return found


def write(folder: Path, name: str, schema: dict[str, Any] | None, given: Any) -> None:
    """Write the page of a model with a parameter `it` of this shape, or with this input."""
    parameters: dict[str, Any] = {"it": schema} if schema else {}
    made = document("acme/shape-" + name.replace(" ", "-").replace(".", "-"), **parameters)
    if schema is None:
        content(made)["schema"]["properties"]["input"] = given[0]
    example = {"prompt": "a shape", "it": given} if schema else given[1]
    content(made)["example"]["input"] = example
    (folder / f"{name}.md").write_text(around(json.dumps(made)), "utf-8")


INPUTS: dict[str, tuple[dict[str, Any], Any]] = {
    "input of branches": ({"type": "object", "oneOf": TEXT_OR_IMAGE}, {"mode": "image", "image_url": ADDRESS}),
    "one needs another": (
        {"type": "object", "properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
        {"a": 1, "b": 2},
    ),
    "not both": (
        {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "not": {"required": ["a", "b"]}},
        {"a": 1},
    ),
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    """What one run says of all of them."""
    folder = tmp_path_factory.mktemp("shapes")
    for name, (schema, value) in SHAPES.items():
        write(folder, name, schema, value)
    for name, given in INPUTS.items():
        write(folder, name, None, given)
    return {report.page.removesuffix(".md"): report for report in run_corpus(folder)}


@pytest.mark.parametrize("name", [*SHAPES, *INPUTS])
def test_shape(reports: dict[str, Report], name: str) -> None:
    assert (reports[name].failures, reports[name].verdict, reports[name].example) == ([], "works", ())
