"""The catalog."""

from __future__ import annotations

import pytest

from tests.sandbox.conftest import EDIT, PRO, Asker


def test_every_model_is_listed_in_full(ask: Asker) -> None:
    data = ask.get("/api/v1/models")["data"]
    fields = {"model", "slug", "title", "provider", "taskType", "description", "pricingDesc"}
    assert {PRO, EDIT} <= {model["model"] for model in data["models"]}
    assert [set(model) for model in data["models"]] == [fields] * data["total"]


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ({"q": "banana EDIT"}, {EDIT}),
        ({"q": "nano-banana-pro"}, {PRO}),
        ({"q": "no such thing"}, set()),
        ({"taskType": "image-to-image", "q": "banana"}, {EDIT}),
        ({"provider": "nobody"}, set()),
    ],
    ids=str,
)
def test_a_search(ask: Asker, query: dict[str, str], models: set[str]) -> None:
    found = ask.get("/api/v1/models", **query)["data"]["models"]
    assert {model["model"] for model in found} & {PRO, EDIT} == models


@pytest.mark.parametrize("model", [PRO, EDIT])
def test_the_document_of_a_model(ask: Asker, model: str) -> None:
    data = ask.get(f"/api/v1/models/{model}/schema")["data"]
    schemas = data["openapi"]["components"]["schemas"]
    assert (data["model"], schemas["CreateTaskRequest"]["properties"]["model"]["const"]) == (model, model)


def test_the_price_of_a_model(ask: Asker) -> None:
    assert "4 credits" in ask.get(f"/api/v1/models/{EDIT}/price")["data"]["pricingDesc"]


@pytest.mark.parametrize("what", ["schema", "price"])
def test_an_unknown_model(ask: Asker, what: str) -> None:
    assert ask.get(f"/api/v1/models/a/b/{what}")["code"] == 404
