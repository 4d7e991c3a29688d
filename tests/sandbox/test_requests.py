"""What createTask accepts, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.conftest import EDIT, PRO, Asker, Serve

IMAGE = "https://example.com/image.png"


@pytest.mark.parametrize(
    ("model", "input_", "words"),
    [
        (PRO, {"aspect_ratio": "2:1"}, ["input.aspect_ratio", '"2:1"', '"21:9"']),
        (PRO, {"prompt": "x" * 10_001}, ["input.prompt", "longer than 10000 characters"]),
        (PRO, {"prompt": 5}, ["input.prompt", '5 is not of type "string"']),
        (PRO, {"image_input": [IMAGE] * 9}, ["input.image_input", "more than 8 items"]),
        (EDIT, {}, ['input: "image_urls" is a required property']),
        (EDIT, {"image_urls": [IMAGE] * 11}, ["input.image_urls", "more than 10 items"]),
        (EDIT, {"image_urls": []}, ["input.image_urls", "less than 1 item"]),
        (EDIT, {"image_urls": [IMAGE, "photo.jpg"]}, ['input.image_urls[1]: "photo.jpg" is not a "uri"']),
        ("nano-banana-xxl", {}, ["model", "nano-banana-xxl"]),
    ],
)
def test_a_wrong_request_is_refused_with_the_reason(ask: Asker, model: str, input_: Any, words: list[str]) -> None:
    answer = ask.create(model, **input_)
    assert (answer["code"], answer["data"]) == (422, None)
    assert [word for word in words if word not in answer["msg"]] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": PRO}, 422),
        ({"model": PRO, "input": None}, 422),
        ({"model": PRO, "input": '{"prompt": "x"}'}, 422),
        ({"input": {"prompt": "x"}}, 422),
        ({"model": ["x"], "input": {"prompt": "x"}}, 422),
        ({"model": PRO, "input": {"prompt": "x"}, "callBackUrl": "no url"}, 422),
        ([1], 400),
        ("text", 400),
    ],
    ids=str,
)
def test_a_malformed_body_is_refused(ask: Asker, body: Any, code: int) -> None:
    assert ask.http.post("/api/v1/jobs/createTask", json=body).json()["code"] == code


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"a": NaN}', b'{"a": "\\uD800"}', b"[" * 100_000], ids=lambda c: c[:9]
)
def test_a_body_that_is_no_json_is_refused(ask: Asker, content: bytes) -> None:
    assert ask.http.post("/api/v1/jobs/createTask", content=content).json()["code"] == 400


def test_a_number_of_any_size_is_recorded(ask: Asker) -> None:
    assert ask.create(seed=10**40)["code"] == 200
    assert ask.box.tasks[-1].input["seed"] == 10**40


def test_text_of_any_script_is_recorded(ask: Asker) -> None:
    param = json.loads(ask.finished(prompt="灯塔 🚀 \x00")["param"])
    assert json.loads(param["input"])["prompt"] == "灯塔 🚀 \x00"


def test_a_refused_request_costs_nothing(ask: Asker) -> None:
    before = ask.box.balance
    ask.create(aspect_ratio="2:1")
    assert ask.box.balance == before


def test_unknown_keys_are_accepted_billed_and_recorded(ask: Asker) -> None:
    before = ask.box.balance
    answer = ask.create(asspect_ratio="16:9")
    assert answer["code"] == 200
    assert ask.box.tasks[-1].input == {"prompt": "a lighthouse", "asspect_ratio": "16:9"}
    assert ask.box.balance == before - 4


def test_documented_defaults_are_not_applied(ask: Asker) -> None:
    ask.create()
    assert ask.box.tasks[-1].input == {"prompt": "a lighthouse"}


def test_the_other_id_of_the_answer_cannot_be_polled(ask: Asker) -> None:
    answer = ask.create()
    assert ask.record(answer["data"]["recordId"])["code"] == 422


def test_an_image_missing_from_this_host_is_refused_and_not_billed(ask: Asker) -> None:
    before = ask.box.balance
    answer = ask.create(EDIT, image_urls=[f"{ask.box.url}/files/uploads/none.png"])
    assert answer["code"] == 451
    assert "none.png" in answer["msg"]
    assert ask.box.balance == before


def test_this_host_is_known_by_its_other_name_too(ask: Asker) -> None:
    url = f"http://localhost:{ask.box.port}/files/uploads/none.png"
    assert ask.create(EDIT, image_urls=[url])["code"] == 451


def test_an_image_that_was_uploaded_is_accepted(ask: Asker) -> None:
    assert ask.create(EDIT, image_urls=[ask.upload(b"...", "ä b.png")])["code"] == 200


def test_an_image_elsewhere_is_accepted_unfetched(ask: Asker) -> None:
    assert ask.create(EDIT, image_urls=["https://nowhere.invalid/a.png"])["code"] == 200


def test_a_model_from_a_document_of_ones_own(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "openapi.yaml"
    path.write_text(_document("acme/paint", "ink: {enum: [red, blue]}"))
    ask = serve(documents={"acme/paint": tmp_path})
    assert ask.create("acme/paint", ink="red")["code"] == 200
    assert ask.create("acme/paint", ink="green")["code"] == 422


def test_keys_that_a_document_forbids_are_accepted_all_the_same(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "paint.yaml"
    path.write_text(_document("acme/paint", "ink: {}", "additionalProperties: false"))
    assert serve(documents={"acme/paint": path}).create("acme/paint", pen="thin")["code"] == 200


def _document(model: str, property_: str, *more: str) -> str:
    return f"""
openapi: 3.1.0
info: {{title: Paint, version: '1', x-kie-output: image}}
paths:
  /api/v1/jobs/createTask:
    post:
      requestBody:
        content:
          application/json:
            schema: {{$ref: '#/components/schemas/Request'}}
components:
  schemas:
    Request:
      properties:
        model: {{const: {model}}}
        input: {{$ref: '#/components/schemas/Input'}}
    Input: {{properties: {{prompt: {{}}, {property_}}}, {", ".join(("type: object", *more))}}}
"""
