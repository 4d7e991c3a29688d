"""Each rule repairs what it is for, and leaves the names that authors chose alone."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs import rules
from kie_registry.specs.documents import CREATE_TASK_PATH, Json, create_operation
from kie_registry.specs.normalize import normalize
from kie_registry.specs.request import request_schema
from kie_registry.specs.rules import document as of_document, model as of_model, schemas as of_schemas

MakeDocument = Callable[..., Json]

BEARER = {"type": "http", "scheme": "bearer"}


def run(rule: rules.Rule, document: Json) -> Json:
    """Apply one rule alone."""
    tuple(rule(document, "lamp"))
    return document


def parameters(document: Json) -> Json:
    body = request_schema(document)
    assert body is not None
    properties: Json = body["properties"]["input"]["properties"]
    return properties


def operation(document: Json) -> Json:
    found = create_operation(document)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        pytest.param(
            of_document.drop_extensions,
            {"type": "string", "x-apidog-mock": "a"},
            {"type": "string"},
            id="extension",
        ),
        pytest.param(
            of_document.drop_extensions,
            {"items": {"x-a": 1, "x-b": 2}},
            {"items": {}},
            id="extensions-of-items",
        ),
        pytest.param(
            of_document.drop_extensions,
            {"anyOf": [{"x-a": 1}]},
            {"anyOf": [{}]},
            id="extension-of-an-alternative",
        ),
        pytest.param(of_document.drop_extensions, {"x-kie-a": 1}, {"x-kie-a": 1}, id="our-own-extension"),
        pytest.param(
            of_schemas.list_examples,
            {"type": "string", "example": "a"},
            {"type": "string", "examples": ["a"]},
            id="example",
        ),
        pytest.param(
            of_schemas.list_examples,
            {"type": "array", "example": []},
            {"type": "array", "examples": [[]]},
            id="empty-list",
        ),
        pytest.param(
            of_schemas.list_examples,
            {"type": "string", "example": "a", "examples": ["b"]},
            {"type": "string", "examples": ["b"]},
            id="example-and-examples",
        ),
        pytest.param(
            of_schemas.null_as_a_type,
            {"type": "string", "nullable": True},
            {"type": ["string", "null"]},
            id="nullable",
        ),
        pytest.param(
            of_schemas.null_as_a_type,
            {"type": "string", "nullable": False},
            {"type": "string"},
            id="not-nullable",
        ),
        pytest.param(
            of_schemas.null_as_a_type,
            {"type": ["string", "integer"], "nullable": True},
            {"type": ["string", "integer", "null"]},
            id="nullable-types",
        ),
    ],
)
def test_rule_repairs_a_schema(make_document: MakeDocument, rule: rules.Rule, before: Json, after: Json) -> None:
    assert parameters(run(rule, make_document({"shade": before})))["shade"] == after


@pytest.mark.parametrize("version", ["3.0.0", "3.0.1", "3.1.1", None])
def test_document_is_called_3_1(make_document: MakeDocument, version: str | None) -> None:
    document = {**make_document(), "openapi": version}
    assert run(of_document.declare_3_1, document)["openapi"] == "3.1.0"


@pytest.mark.parametrize(
    "components",
    [
        pytest.param({}, id="missing"),
        pytest.param(
            {"securitySchemes": {"BearerAuth": {"type": "bearer", "scheme": "bearer"}}}, id="invalid-type"
        ),
        pytest.param({"securitySchemes": {"BearerAuth": {**BEARER, "description": "A manual"}}}, id="with-manual"),
        pytest.param({"securitySchemes": {"BearerAuth": BEARER}}, id="valid"),
    ],
)
def test_bearer_scheme_is_plain(make_document: MakeDocument, components: Json) -> None:
    document = run(of_document.plain_bearer, make_document(components=components))
    assert document["components"]["securitySchemes"] == {"BearerAuth": BEARER}


def test_extension_inside_a_security_requirement_is_dropped(make_document: MakeDocument) -> None:
    document = make_document(security=[{"BearerAuth": [], "x-apidog": {"required": True}}])
    assert operation(run(of_document.drop_extensions, document))["security"] == [{"BearerAuth": []}]


@pytest.mark.parametrize("status", ["200", "default"])
def test_extension_of_a_response_is_dropped(make_document: MakeDocument, status: str) -> None:
    document = make_document(responses={status: {"description": "", "x-apidog-name": "Success"}})
    assert operation(run(of_document.drop_extensions, document))["responses"] == {status: {"description": ""}}


@pytest.mark.parametrize("keyword", ["operationId", "tags", "callbacks"])
@pytest.mark.parametrize("name", ["acme-lamp", "create_task"])
def test_operation_is_create_task_and_in_no_folder(make_document: MakeDocument, name: str, keyword: str) -> None:
    document = make_document(operationId=name, tags=["docs/en"], callbacks={"onDone": {}})
    expected = {"operationId": "create_task"}.get(keyword)
    assert operation(run(of_document.name_operation, document)).get(keyword) == expected


def test_operation_without_a_name_gets_one(make_document: MakeDocument) -> None:
    document = make_document()
    del operation(document)["operationId"]
    assert operation(run(of_document.name_operation, document))["operationId"] == "create_task"


@pytest.mark.parametrize("required", [None, False, True], ids=["unsaid", "optional", "required"])
def test_body_is_required(make_document: MakeDocument, required: bool | None) -> None:
    document = make_document()
    if required is not None:
        operation(document)["requestBody"]["required"] = required
    assert operation(run(of_document.require_body, document))["requestBody"]["required"] is True


def test_one_model_id_is_a_constant(make_document: MakeDocument) -> None:
    body = request_schema(run(of_model.fix_model, make_document()))
    assert body is not None
    assert body["properties"]["model"] == {"type": "string", "const": "acme/lamp"}


def test_two_model_ids_are_no_constant(make_document: MakeDocument) -> None:
    document = make_document()
    model = {"type": "string", "enum": ["acme/lamp", "acme/torch"]}
    body = request_schema(document)
    assert body is not None
    body["properties"]["model"] = model
    run(of_model.fix_model, document)
    assert body["properties"]["model"] == {"type": "string", "enum": ["acme/lamp", "acme/torch"]}


@pytest.mark.parametrize("rule", rules.RULES, ids=rules.rule_name)
def test_document_that_models_share_is_left_alone(rule: rules.Rule) -> None:
    shared: Json = {
        "openapi": "3.1.0",
        "paths": {
            CREATE_TASK_PATH: {
                "post": {
                    "operationId": "anything",
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "properties": {"model": {"type": "string"}, "input": {"type": "object"}}
                                }
                            }
                        }
                    },
                }
            }
        },
        "components": {"securitySchemes": {"BearerAuth": BEARER}},
    }
    assert run(rule, copy.deepcopy(shared)) == shared


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"requestBody": {}}, "no JSON body", id="no-body"),
        pytest.param(
            {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
            "no model and no input",
            id="empty-body",
        ),
        pytest.param(
            {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Gone"}}}}},
            "points to nothing",
            id="dangling-reference",
        ),
    ],
)
def test_createTask_without_a_usable_body_is_refused(
    make_document: MakeDocument, change: Json, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        normalize(make_document(**change), slug="lamp")


def test_names_are_what_a_person_would_choose(make_document: MakeDocument) -> None:
    given = {"aspect_ratio": {"enum": ["1:1"]}, "outputFormat": {"enum": ["png"]}, "4k_mode": {"enum": ["on"]}}
    document, _ = normalize(make_document(given), slug="lamp-2-pro")
    assert sorted(document["components"]["schemas"]) == [
        "AspectRatio",
        "CreateTaskData",
        "CreateTaskRequest",
        "CreateTaskResponse",
        "Lamp2ProInput",
        "OutputFormat",
        "Parameter4KMode",
    ]
