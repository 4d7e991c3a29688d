"""The sandbox serves what the user added, while it runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kie_registry import Registry, added
from kie_registry.adding import Adding
from kie_registry.specs.published import read_published
from tests.pages import page
from tests.sandbox.conftest import EDIT, PRO, Asker, Serve


def add(model: str, **parameters: Any) -> Path:
    """Add a model, in the place of one that is there, and return its file."""
    (published,) = read_published(page(model, **parameters).encode(), source="page.md")
    addition = Adding(Registry(), replace=True).add(published)
    assert addition is not None
    return addition.model.path


@pytest.fixture
def ask(serve: Serve) -> Asker:
    return serve()


class TestAModelAddedWhileItServes:
    def test_is_accepted(self, ask: Asker) -> None:
        unknown = ask.create("acme/kite")["code"]
        add("acme/kite")
        assert (unknown, ask.create("acme/kite")["code"]) == (422, 200)

    def test_is_accepted_though_the_clock_of_the_folder_stood_still(self, ask: Asker) -> None:
        add("acme/boat")
        ask.create("acme/boat")
        stamp = added.folder().stat().st_mtime_ns
        add("acme/kite")
        os.utime(added.folder(), ns=(stamp, stamp))
        assert ask.create("acme/kite")["code"] == 200

    def test_is_checked(self, ask: Asker) -> None:
        add("acme/kite")
        assert "prompt" in ask.create("acme/kite", prompt="x" * 101)["msg"]

    def test_is_in_the_catalog(self, ask: Asker) -> None:
        add("acme/kite")
        assert [each["title"] for each in ask.get("/api/v1/models", q="kite")["data"]["models"]] == ["Acme - Kite"]
        assert "openapi" in ask.get("/api/v1/models/acme/kite/schema")["data"]["openapi"]

    def test_is_served_in_its_latest_edition(self, ask: Asker) -> None:
        add("acme/kite")
        before = ask.create("acme/kite", style="none")["code"]
        add("acme/kite", style={"type": "string", "enum": ["plain", "fancy"]})
        assert (before, ask.create("acme/kite", style="none")["code"]) == (200, 422)

    def test_takes_the_place_of_a_built_in_one_and_gives_it_back(self, ask: Asker) -> None:
        add(PRO, style={"type": "string", "enum": ["plain", "fancy"]})
        replaced = ask.create(PRO, style="none")["code"]
        added.remove(added.listing().models[PRO])
        assert (replaced, ask.create(PRO, style="none")["code"]) == (422, 200)


class TestABrokenDocument:
    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"info": {"title": "x"}, "paths": {}},
            {"info": {"title": "x"}, "paths": {"/api/v1/jobs/createTask": {"post": {"requestBody": 5}}}},
        ],
        ids=["empty", "without paths", "without a body"],
    )
    def test_of_an_added_model_is_an_error_of_the_server(self, ask: Asker, document: Any) -> None:
        path = add("acme/kite")
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "document": document}))
        assert ask.create("acme/kite")["code"] == 500
        assert ask.get("/api/v1/models/acme/kite/schema")["code"] == 500

    @pytest.mark.parametrize("text", ["", "a: 'b", "[1]", "\0"], ids=["empty", "cut", "a list", "no text"])
    def test_that_was_given_is_an_error_of_the_server(self, serve: Serve, tmp_path: Path, text: str) -> None:
        (tmp_path / "openapi.yaml").write_text(text)
        assert serve(documents={"acme/kite": tmp_path}).create("acme/kite")["code"] == 500

    @pytest.mark.parametrize("schema", [{"pattern": "["}, {"type": "none"}, {"$ref": "#/nowhere"}], ids=str)
    def test_whose_schema_is_none_is_an_error_of_the_server(self, ask: Asker, schema: Any) -> None:
        path = add("acme/kite", style={"type": "string"})
        content = json.loads(path.read_text())
        text = json.dumps(content["document"])
        assert '{"type": "string"}' in text
        document = json.loads(text.replace('{"type": "string"}', json.dumps(schema)))
        path.write_text(json.dumps({**content, "document": document}))
        assert ask.create("acme/kite", style="x")["code"] == 500


BRANCHES = [
    {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    {"type": "object", "properties": {"photo": {"type": "integer"}}, "required": ["photo"]},
]


def alternatives(keyword: str, *, closed: bool) -> Any:
    """Return a schema of two branches."""
    more: dict[str, Any] = {"additionalProperties": False} if closed else {}
    return {keyword: [{**branch, **more} for branch in BRANCHES]}


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize(
    ("keyword", "given", "code"),
    [
        ("oneOf", {"text": "x"}, 200),
        ("oneOf", {"photo": "x"}, 422),
        ("oneOf", {}, 422),
        ("anyOf", {"text": "x"}, 200),
        ("anyOf", {"text": "x", "photo": 1}, 200),
        ("anyOf", {"photo": "x"}, 422),
    ],
)
def test_alternatives_are_checked(
    serve: Serve, tmp_path: Path, keyword: str, given: Any, code: int, closed: bool
) -> None:
    path = tmp_path / "openapi.json"
    content = json.loads(page("acme/kite").split("```yaml\n")[1].split("\n```")[0])
    body = content["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]["application/json"]
    body["schema"]["properties"]["input"] = alternatives(keyword, closed=closed)
    path.write_text(json.dumps(content))
    ask = serve(documents={"acme/kite": path})
    assert ask.post("/api/v1/jobs/createTask", model="acme/kite", input=given)["code"] == code


def test_branches_told_apart_by_being_closed_alone_take_either(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    content = json.loads(page("acme/kite").split("```yaml\n")[1].split("\n```")[0])
    body = content["paths"]["/api/v1/jobs/createTask"]["post"]["requestBody"]["content"]["application/json"]
    closed = [{"properties": {name: {"type": "string"}}, "additionalProperties": False} for name in ("a", "b")]
    body["schema"]["properties"]["input"] = {"oneOf": closed}
    path.write_text(json.dumps(content))
    ask = serve(documents={"acme/kite": path})
    assert ask.post("/api/v1/jobs/createTask", model="acme/kite", input={"a": "x"})["code"] == 200


class TestTheCatalog:
    def test_has_no_document_where_told(self, serve: Serve) -> None:
        data = serve(catalog_without={EDIT}).get(f"/api/v1/models/{EDIT}/schema")["data"]
        assert data == {"model": EDIT, "openapi": None}

    def test_has_quirks_where_told(self, serve: Serve) -> None:
        openapi = serve(catalog_quirks=True).get(f"/api/v1/models/{EDIT}/schema")["data"]["openapi"]
        assert all(name.endswith(" ") for name in openapi["components"]["schemas"])
        assert "#/components/schemas/CreateTaskRequest%20" in json.dumps(openapi)
