"""The catalog: documents by model id, at the pace that kie.ai allows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kie_registry import AuthenticationError, ConfigurationError, SpecError, TransportError
from kie_registry.sandbox import Sandbox
from kie_registry.specs.catalog import PACE, CatalogEntry, fetch_document, search_catalog
from kie_registry.specs.prepare import prepare

EDIT = "google/nano-banana-edit"
Serve = Callable[..., Sandbox]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve a catalog without a limit, and lead the environment to it; nobody waits."""
    boxes: list[Sandbox] = []
    monkeypatch.setattr("kie_registry.specs.catalog.PACE", 0.0)

    def start(**options: Any) -> Sandbox:
        box = Sandbox(**{"catalog_limit": None, **options}).start()
        boxes.append(box)
        monkeypatch.setenv("KIE_BASE_URL", box.url)
        monkeypatch.setenv("KIE_API_KEY", "sandbox-key")
        return box

    yield start
    for box in boxes:
        box.stop()


def paths(box: Sandbox) -> list[str]:
    return [request.path for request in box.requests]


@pytest.mark.parametrize("quirks", [False, True], ids=["plain", "with quirks"])
@pytest.mark.parametrize("model", [EDIT, "nano-banana-pro"])
def test_a_document_gives_the_model(serve: Serve, model: str, quirks: bool) -> None:
    serve(catalog_quirks=quirks)
    prepared = prepare(fetch_document(model))
    assert (prepared.id, "prompt" in prepared.contract["input"]["properties"]) == (model, True)


def test_a_document_with_quirks_gives_the_same_contract(serve: Serve) -> None:
    serve()
    plain = prepare(fetch_document(EDIT)).contract
    serve(catalog_quirks=True)
    assert prepare(fetch_document(EDIT)).contract == plain


def test_the_slashes_of_an_id_are_not_encoded(serve: Serve) -> None:
    box = serve()
    fetch_document(EDIT)
    assert paths(box) == [f"/api/v1/models/{EDIT}/schema"]


def test_a_model_without_a_document_needs_its_page(serve: Serve) -> None:
    serve(catalog_without={EDIT})
    with pytest.raises(SpecError, match=f"{EDIT}: the catalog lists this model, but has no document of it; save"):
        fetch_document(EDIT)


def test_an_unknown_model_names_those_like_it(serve: Serve) -> None:
    serve()
    with pytest.raises(SpecError, match=f"knows no model 'acme/nano-banana-edit'. Did you mean {EDIT}?"):
        fetch_document("acme/nano-banana-edit")


def test_a_request_too_many_is_made_again(serve: Serve) -> None:
    box = serve()
    box.answer_next("/schema", code=429, times=3)
    assert (fetch_document(EDIT).source, len(paths(box))) == (f"the catalog ({EDIT})", 4)


def test_a_key_that_is_not_accepted_is_said_not_to_be(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    serve()
    monkeypatch.setenv("KIE_API_KEY", "another")
    with pytest.raises(AuthenticationError):
        fetch_document(EDIT)


def test_no_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="There is no API key"):
        fetch_document(EDIT)


def test_no_answer_is_said(serve: Serve) -> None:
    serve().answer_next("/schema", cut="before")
    with pytest.raises(TransportError):
        fetch_document(EDIT)


@pytest.mark.parametrize("model", ["../jobs", "a b", "x?y=z", "", "x" * 300])
def test_what_is_no_id_is_never_asked_for(serve: Serve, model: str) -> None:
    box = serve()
    with pytest.raises(SpecError, match="no model id"):
        fetch_document(model)
    assert paths(box) == []


@pytest.mark.parametrize(
    "openapi", [{}, [], 5, "text", {"paths": {}}, {"paths": {"/x": {"post": {}}}}, {"a": {"b": [None]}}], ids=repr
)
def test_a_document_that_is_none_is_refused(serve: Serve, openapi: Any) -> None:
    serve().answer_next("/schema", data={"model": EDIT, "openapi": openapi})
    with pytest.raises(SpecError, match="the catalog"):
        prepare(fetch_document(EDIT))


@pytest.mark.parametrize("data", [None, [], "text", {}, {"openapi": None}], ids=repr)
def test_an_answer_without_a_document_is_no_crash(serve: Serve, data: Any) -> None:
    serve().answer_next("/schema", data=data, code=200)
    with pytest.raises(SpecError, match="has no document of it"):
        fetch_document(EDIT)


def test_a_document_given_as_text_is_read(serve: Serve) -> None:
    box = serve()
    document = fetch_document(EDIT).document
    box.answer_next("/schema", data={"model": EDIT, "openapi": json.dumps(document)})
    assert fetch_document(EDIT).document == document


def test_a_search_finds_models_by_a_word(serve: Serve) -> None:
    serve()
    (found,) = search_catalog("banana EDIT")
    assert (found.id, found.title, found.tasks) == (EDIT, "Google - Nano Banana Edit", ("image-to-image",))


@pytest.mark.parametrize(
    ("models", "found"),
    [
        (None, []),
        ("text", []),
        ([None, 5, {}, {"model": None}, {"model": "x"}], [CatalogEntry("x", "", "", (), "")]),
        ([{"model": "x", "title": 5, "taskType": "y"}], [CatalogEntry("x", "", "", (), "")]),
    ],
    ids=repr,
)
def test_a_strange_answer_to_a_search_is_no_crash(serve: Serve, models: Any, found: list[CatalogEntry]) -> None:
    serve().answer_next("/models", data={"total": 1, "models": models})
    assert search_catalog("x") == found


def test_the_pace_is_kept(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    box = serve(catalog_limit=(1, 1.0))
    monkeypatch.setattr("kie_registry.specs.catalog.PACE", PACE)
    for _ in range(2):
        fetch_document(EDIT)
    assert len(paths(box)) == 2


def test_the_pace_is_kept_with_other_processes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    box = serve(catalog_limit=(1, 1.0))
    monkeypatch.setattr("kie_registry.specs.catalog.PACE", PACE)
    fetch_document(EDIT)
    program = f"from kie_registry.specs.catalog import fetch_document; fetch_document({EDIT!r})"
    subprocess.run([sys.executable, "-c", program], check=True)
    assert len(paths(box)) == 2


@pytest.mark.parametrize("home", ["no folder", "a damaged file"])
def test_the_pace_is_kept_in_this_process_where_no_file_can_be_shared(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    if home == "no folder":
        (tmp_path / "home").write_text("a file")
    else:
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "ledger.sqlite3.limits").write_bytes(b"no database" * 100)
    monkeypatch.setenv("KIE_HOME", str(tmp_path / "home"))
    box = serve(catalog_limit=(1, 1.0))
    monkeypatch.setattr("kie_registry.specs.catalog.PACE", PACE)
    for _ in range(2):
        fetch_document(EDIT)
    assert len(paths(box)) == 2
