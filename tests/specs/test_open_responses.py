"""Whatever createTask's page says of its answer, the answer is read: no task that was paid for may be lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kie_registry.specs.documents import Json, create_operation
from kie_registry.specs.normalize import normalize

MakeDocument = Callable[..., Json]

TEXT = {"type": "string"}
DATA = {"type": "object", "properties": {"taskId": TEXT}, "required": ["taskId"]}
COMPONENTS = {
    "schemas": {
        "ApiResponse": {"type": "object", "properties": {"code": {"type": "integer", "enum": [200]}, "msg": TEXT}},
        "Data": DATA,
        "Whole": {"type": "object", "properties": {"data": DATA}},
    },
    "responses": {"Ok": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}},
}


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def data(schema: Json) -> Json:
    return {"type": "object", "properties": {"data": schema}}


def respond(schema: Json) -> Json:
    return {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}


PUBLISHED = [
    pytest.param({}, id="no-responses"),
    pytest.param({"200": {"description": ""}}, id="no-content"),
    pytest.param({"200": {"$ref": "#/components/responses/Ok"}}, id="response-by-reference"),
    pytest.param({"default": {"description": ""}}, id="only-a-default"),
    pytest.param(respond({"type": "object"}), id="empty-schema"),
    pytest.param(respond(data(DATA)), id="plain"),
    pytest.param(respond({"allOf": [reference("ApiResponse"), data(DATA)]}), id="all-of"),
    pytest.param(respond(reference("Whole")), id="schema-by-reference"),
    pytest.param(respond({"allOf": [reference("Whole")]}), id="all-of-one-reference"),
    pytest.param(respond(data(reference("Data"))), id="data-by-reference"),
    pytest.param(respond(data({"allOf": [reference("Data")]})), id="data-by-all-of"),
    pytest.param(respond(data({"oneOf": [{"type": "null"}, DATA]})), id="data-or-null"),
    pytest.param(respond(data({"type": "object"})), id="data-without-properties"),
    pytest.param(respond(data({"type": "object", "properties": {"recordId": TEXT}})), id="data-without-task-id"),
    pytest.param(respond(data({"type": "string"})), id="data-is-text"),
]


@pytest.fixture
def answer(make_document: MakeDocument) -> Callable[[Json], tuple[Json, Json]]:
    """Return the schemas of the answer and of its data, for published responses."""

    def normalized(responses: Json) -> tuple[Json, Json]:
        document, _ = normalize(make_document(components=COMPONENTS, responses=responses), slug="lamp")
        schemas = document["components"]["schemas"]
        return schemas["CreateTaskResponse"], schemas["CreateTaskData"]

    return normalized


@pytest.mark.parametrize("responses", PUBLISHED)
def test_task_id_is_always_read(answer: Callable[[Json], tuple[Json, Json]], responses: Json) -> None:
    assert answer(responses)[1]["properties"].get("taskId", {}).get("type") == ["string", "null"]


@pytest.mark.parametrize("responses", PUBLISHED)
def test_envelope_is_always_whole(answer: Callable[[Json], tuple[Json, Json]], responses: Json) -> None:
    assert {"code", "msg", "data"} <= answer(responses)[0]["properties"].keys()


@pytest.mark.parametrize("responses", PUBLISHED)
def test_nothing_in_an_answer_is_required_or_closed(
    answer: Callable[[Json], tuple[Json, Json]], responses: Json
) -> None:
    envelope, inner = answer(responses)
    parts = [envelope, inner, *envelope["properties"].values(), *inner["properties"].values()]
    assert [part for part in parts if part.keys() & {"required", "enum", "const", "additionalProperties"}] == []


def test_only_one_response_is_left(make_document: MakeDocument) -> None:
    responses = {"200": {"description": ""}, "500": {"$ref": "#/components/responses/Ok"}}
    document, _ = normalize(make_document(components=COMPONENTS, responses=responses), slug="lamp")
    operation = create_operation(document)
    assert operation is not None
    assert list(operation["responses"]) == ["default"]


def test_null_is_allowed_everywhere(answer: Callable[[Json], tuple[Json, Json]]) -> None:
    envelope, _ = answer(respond({"allOf": [reference("ApiResponse"), data(DATA)]}))
    types = {name: schema.get("type") for name, schema in envelope["properties"].items()}
    assert types == {"code": ["integer", "null"], "msg": ["string", "null"], "data": None}
    assert envelope["properties"]["data"] == {"oneOf": [{"type": "null"}, reference("CreateTaskData")]}
