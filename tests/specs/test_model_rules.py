"""Which model a document is of, and what that model makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.contracts import build_contract
from kie_registry.specs.documents import CREATE_TASK_PATH, Json
from kie_registry.specs.normalize import Repair, normalize
from kie_registry.specs.request import request_schema

MakeDocument = Callable[..., Json]


def prepared(
    make_document: MakeDocument, title: str, model: Json, example: Any = None, **operation: Any
) -> tuple[Json, tuple[Repair, ...]]:
    document = make_document(example=example, **operation)
    body = request_schema(document)
    assert body is not None
    body["properties"]["model"] = model
    clean, repairs = normalize(document, slug="lamp", title=title)
    return build_contract(clean, slug="lamp"), repairs


WRONG = {"type": "string", "enum": ["acme/lamp-edit"], "default": "acme/lamp-edit"}


@pytest.mark.parametrize(
    ("title", "model", "example", "chosen"),
    [
        pytest.param("Lamp", {"enum": ["acme/lamp"]}, None, "acme/lamp", id="enum"),
        pytest.param("Lamp", {"const": "acme/lamp"}, None, "acme/lamp", id="const"),
        pytest.param("Lamp", {"default": "acme/lamp"}, None, "acme/lamp", id="default-only"),
        pytest.param("Lamp", {"examples": ["acme/lamp"]}, None, "acme/lamp", id="example-only"),
        pytest.param("Lamp", {"enum": [" acme/lamp "]}, None, "acme/lamp", id="spaces"),
        pytest.param(
            "Lamp - Text To Image",
            WRONG,
            {"model": "acme/lamp-text-to-image", "input": {"prompt": "a"}},
            "acme/lamp-text-to-image",
            id="example-is-right",
        ),
        pytest.param(
            "Lamp Edit",
            WRONG,
            {"model": "acme/lamp-text-to-image", "input": {"prompt": "a"}},
            "acme/lamp-edit",
            id="enum-is-right",
        ),
        pytest.param(
            "Lamp V2 Pro",
            {**WRONG, "description": "Must be `acme/lamp-v2-pro` here"},
            None,
            "acme/lamp-v2-pro",
            id="prose-is-right",
        ),
        pytest.param(
            "Lamp - Text To Image",
            WRONG,
            '{"model": "acme/lamp-text-to-image", "input": {image}}',
            "acme/lamp-text-to-image",
            id="broken-example-is-right",
        ),
        pytest.param(
            "Lamp",
            {"enum": ["acme/lamp", "acme/lamp-fast"], "description": "Must be `acme/lamp`"},
            None,
            "acme/lamp",
            id="one-is-named-more-often",
        ),
    ],
)
def test_model_id_is_the_one_that_the_page_is_about(
    make_document: MakeDocument, title: str, model: Json, example: Any, chosen: str
) -> None:
    contract, _ = prepared(make_document, title, model, example)
    assert contract["id"] == chosen


def test_prose_does_not_outvote_schema_and_example(make_document: MakeDocument) -> None:
    model = {"enum": ["acme/lamp-text-to-video"], "description": "Must use `acme/lamp-image-to-video` for images"}
    example = {"model": "acme/lamp-text-to-video", "input": {"prompt": "a"}}
    contract, _ = prepared(make_document, "Lamp Image-conditioned Video", model, example)
    assert contract["id"] == "acme/lamp-text-to-video"


def test_wrong_id_leaves_no_trace_in_the_request(make_document: MakeDocument) -> None:
    example = {"model": "acme/lamp-text-to-image", "input": {"prompt": "a"}}
    document = make_document(example=example)
    body = request_schema(document)
    assert body is not None
    body["properties"]["model"] = {**WRONG, "examples": ["acme/lamp-edit"]}
    clean, repairs = normalize(document, slug="lamp", title="Lamp - Text To Image")
    found = clean["components"]["schemas"]["CreateTaskRequest"]["properties"]["model"]
    assert found == {"type": "string", "const": "acme/lamp-text-to-image", "default": "acme/lamp-text-to-image"}
    told = "$..properties.model: acme/lamp-text-to-image and not acme/lamp-edit"
    assert Repair("choose-model-id", (told,)) in repairs


def test_ids_between_which_nothing_decides_are_refused(make_document: MakeDocument) -> None:
    example = {"model": "acme/lamp-b", "input": {"prompt": "a"}}
    with pytest.raises(SpecError, match="contradicts itself: it names the model acme/lamp-a and acme/lamp-b"):
        prepared(make_document, "Something", {"enum": ["acme/lamp-a"]}, example)


@pytest.mark.parametrize(
    "model",
    [
        "../../x",
        "__import__('os')",
        "a/../b",
        "/etc/passwd",
        "a b",
        "a\nb",
        "C:\\x",
        "a/",
        "a//b",
        "",
        "-rf",
        "x" * 201,
    ],
)
def test_what_can_be_no_id_is_refused(make_document: MakeDocument, model: str) -> None:
    with pytest.raises(SpecError, match="is no model id"):
        prepared(make_document, "Lamp", {"enum": [model]})


@pytest.mark.parametrize(
    ("title", "tags", "output"),
    [
        ("Lamp", ["docs/en/Market/Image    Models/Acme"], "image"),
        ("Lamp", ["docs/en/Market/Video Models/Acme"], "video"),
        ("Lamp", ["docs/en/Market/Music Models/Acme"], "audio"),
        ("Lamp Text to Image", ["docs/en/Market/Video Models/Acme"], "video"),
        ("Lamp - Image to Video", None, "video"),
        ("Lamp - Video to Audio", None, "audio"),
        ("Lamp - Speech To Text", None, "text"),
        ("Lamp Text-to-Speech Turbo", None, "audio"),
        ("Lamp Video Upscale", None, "video"),
        ("Lamp Avatar", None, "video"),
        ("Lamp", None, "image"),
    ],
)
def test_kind_of_output_is_told(
    make_document: MakeDocument, title: str, tags: list[str] | None, output: str
) -> None:
    contract, _ = prepared(make_document, title, {"enum": ["acme/lamp"]}, tags=tags)
    assert contract["output"] == output


def test_model_that_lasts_makes_videos(make_document: MakeDocument) -> None:
    document, _ = normalize(make_document({"duration": {"type": "integer"}}), slug="lamp")
    assert build_contract(document, slug="lamp")["output"] == "video"


@pytest.mark.parametrize("path", ["/jobs/createTask", "/v1/jobs/createTask", "/api/v1/jobs/createTask/"])
def test_create_task_is_found_at_a_shorter_path(make_document: MakeDocument, path: str) -> None:
    document = make_document()
    document["paths"] = {path: document["paths"].pop(CREATE_TASK_PATH)}
    clean, _ = normalize(document, slug="lamp")
    assert list(clean["paths"]) == [CREATE_TASK_PATH]


@pytest.mark.parametrize(
    ("info", "title"),
    [({"title": ""}, "Light a lamp"), ({}, "Light a lamp"), (None, "Light a lamp"), ({"title": "Lamp"}, "Lamp")],
)
def test_document_without_a_title_has_that_of_its_operation(
    make_document: MakeDocument, info: Json | None, title: str
) -> None:
    document = make_document(summary="Light a lamp")
    document["info"] = info
    assert normalize(document, slug="lamp")[0]["info"]["title"] == title
