"""Whatever a page says, it becomes a model that can be checked, or is refused with a reason."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

from kie_registry.errors import SpecError
from kie_registry.specs.documents import CREATE_TASK_PATH, Json
from kie_registry.specs.normalize import normalize
from kie_registry.specs.prepare import Prepared, prepare
from kie_registry.specs.published import read_published

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["prompt", "image_urls ", "class", "größe", "a-b", "__init__", "7up", "duration", "image_size"]
)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "file", "null"])
KEYWORDS = {
    "type": TYPES | st.lists(TYPES, max_size=3) | JSON,
    "enum": st.lists(JSON, max_size=4),
    "default": JSON,
    "example": JSON,
    "examples": st.lists(JSON, max_size=2) | JSON,
    "minimum": st.integers(-3, 3) | JSON,
    "maximum": st.integers(-3, 9) | JSON,
    "exclusiveMinimum": st.booleans() | JSON,
    "maxLength": st.integers(0, 9) | JSON,
    "minLength": st.integers(0, 9) | JSON,
    "maxItems": JSON,
    "pattern": st.text(max_size=4) | JSON,
    "format": st.sampled_from(["uri", "date"]) | JSON,
    "description": st.sampled_from(["Max length: 3", "(Min: 1, Max: 2)", "`prompt`", "Max size: 3MB, asset://"])
    | JSON,
    "nullable": st.booleans(),
    "deprecated": st.booleans() | JSON,
    "required": st.booleans() | st.lists(NAMES, max_size=2) | JSON,
    "$ref": st.sampled_from(["#/components/schemas/A", "#/components/schemas/Gone", "http://a.test/b", "#"]),
    "x-apidog": JSON,
}
LEAVES = st.fixed_dictionaries({}, optional=KEYWORDS)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            **KEYWORDS,
            "items": inner | JSON,
            "properties": st.dictionaries(NAMES, inner, max_size=3) | JSON,
            "oneOf": st.lists(inner, max_size=2),
            "anyOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
        },
    ),
    max_leaves=5,
)


def document(model_input: Json, example: Any, component: Json) -> Json:
    body = {"properties": {"model": {"enum": ["acme/lamp"]}, "input": model_input}}
    content = {"application/json": {"schema": body, "example": example}}
    return {
        "openapi": "3.0.1",
        "paths": {CREATE_TASK_PATH: {"post": {"requestBody": {"content": content}}}},
        "components": {"schemas": {"A": component}},
    }


def made_of(published: Json) -> Prepared | None:
    """Prepare the document as it would come from a file; None where it is refused."""
    (found,) = read_published(yaml.safe_dump(published, allow_unicode=True).encode(), source="page.yaml")
    try:
        return prepare(found)
    except SpecError as error:
        named = str(error).startswith("page.yaml: ")
    assert named
    return None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(NAMES, SCHEMAS, min_size=1, max_size=4),
    st.fixed_dictionaries({"model": st.just("acme/lamp")}, optional={"input": st.dictionaries(NAMES, JSON) | JSON})
    | JSON,
    SCHEMAS,
)
def test_made_up_page_is_usable_or_refused(properties: Json, example: Any, component: Json) -> None:
    published = document({"type": "object", "properties": properties}, example, component)
    prepared = made_of(published)
    if prepared is None:
        return
    schema = prepared.contract["input"]
    validator = jsonschema_rs.Draft202012Validator(schema)
    if prepared.contract["example"] is not None:
        assert isinstance(prepared.contract["example"], dict)
        assert set(prepared.contract["example"]) <= set(schema["properties"])
    assert not validator.is_valid("no object") or "type" not in schema
    assert normalize(copy.deepcopy(prepared.document), slug=prepared.slug)[0] == prepared.document


@pytest.mark.parametrize("key", ["oneOf", "anyOf", "allOf"])
def test_input_of_branches_is_a_model(key: str) -> None:
    branches = [
        {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
        {"type": "object", "required": ["image_url"], "properties": {"image_url": {"type": "string"}}},
    ]
    prepared = made_of(document({key: branches}, None, {}))
    assert prepared is not None
    assert prepared.contract["input"][key] == branches
    assert list(prepared.contract["media"]) == ["image_url"]
