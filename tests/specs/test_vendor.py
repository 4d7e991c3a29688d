"""Vendoring keeps a document as it is published, and says where it came from."""

from __future__ import annotations

import datetime
import hashlib
import tomllib
from pathlib import Path

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.fingerprints import tree_digest
from kie_registry.specs.pages import read_pages
from kie_registry.specs.vendor import Source, read_sources, slug_for, vendor

MONDAY, FRIDAY = datetime.date(2026, 3, 2), datetime.date(2026, 3, 6)
COMMITTED = Path(__file__).parents[2] / "specs"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    return tmp_path / "specs"


@pytest.fixture
def lantern(pages: Path, tmp_path: Path) -> Path:
    """A page of one's own, to change."""
    path = tmp_path / "lantern.md"
    path.write_bytes((pages / "paint-lantern.md").read_bytes())
    return path


@pytest.mark.parametrize(
    ("page", "model", "title", "place"),
    [
        ("paint-lantern", "acme/paint-lantern", "Acme - Paint Lantern", "market/acme/paint-lantern.json"),
        ("paint-kite", "acme/paint-kite", "Acme - Paint Kite", ""),
    ],
    ids=["format-A", "format-B"],
)
def test_provenance_is_complete(pages: Path, specs: Path, page: str, model: str, title: str, place: str) -> None:
    vendor(pages / f"{page}.md", specs, today=MONDAY)
    digest = hashlib.sha256((specs / f"{page}.yaml").read_bytes()).hexdigest()
    assert tomllib.loads((specs / "sources.toml").read_text("utf-8")) == {
        page: {
            "model": model,
            "title": title,
            "source": f"{page}.md",
            "page": place,
            "date": "2026-03-02",
            "sha256": digest,
        }
    }


def test_document_is_written_byte_for_byte(pages: Path, specs: Path, tmp_path: Path) -> None:
    crlf = (pages / "paint-kite.md").read_bytes().replace(b"\n", b"\r\n")
    path = tmp_path / "kite.md"
    path.write_bytes(crlf)
    vendor(path, specs, today=MONDAY)
    (page,) = read_pages(crlf, source="kite.md")
    assert (specs / "paint-kite.yaml").read_bytes() == page.document


def test_every_page_of_a_file_is_vendored(pages: Path, specs: Path, tmp_path: Path) -> None:
    path = tmp_path / "both.md"
    path.write_bytes((pages / "paint-lantern.md").read_bytes() + (pages / "paint-kite.md").read_bytes())
    assert vendor(path, specs, today=MONDAY) == ["paint-lantern", "paint-kite"]


def test_what_was_vendored_before_stays(pages: Path, specs: Path) -> None:
    vendor(pages / "paint-lantern.md", specs, today=MONDAY)
    vendor(pages / "paint-kite.md", specs, today=FRIDAY)
    assert sorted(read_sources(specs)) == ["paint-kite", "paint-lantern"]


def test_vendoring_again_changes_nothing(lantern: Path, specs: Path) -> None:
    vendor(lantern, specs, today=MONDAY)
    before = tree_digest(specs)
    vendor(lantern, specs, today=FRIDAY)
    assert tree_digest(specs) == before


def test_changed_document_is_written(lantern: Path, specs: Path) -> None:
    vendor(lantern, specs, today=MONDAY)
    lantern.write_bytes(lantern.read_bytes().replace(b"maxLength: 300", b"maxLength: 400"))
    vendor(lantern, specs, today=FRIDAY)
    assert b"maxLength: 400" in (specs / "paint-lantern.yaml").read_bytes()


def test_changed_document_gets_a_new_date_and_hash(lantern: Path, specs: Path) -> None:
    vendor(lantern, specs, today=MONDAY)
    lantern.write_bytes(lantern.read_bytes().replace(b"maxLength: 300", b"maxLength: 400"))
    vendor(lantern, specs, today=FRIDAY)
    source = read_sources(specs)["paint-lantern"]
    digest = hashlib.sha256((specs / "paint-lantern.yaml").read_bytes()).hexdigest()
    assert (source.date, source.sha256) == ("2026-03-06", digest)


@pytest.mark.parametrize("damage", ["missing", "edited"])
def test_vendoring_again_repairs_a_damaged_document(lantern: Path, specs: Path, damage: str) -> None:
    vendor(lantern, specs, today=MONDAY)
    document = specs / "paint-lantern.yaml"
    published = document.read_bytes()
    if damage == "missing":
        document.unlink()
    else:
        document.write_bytes(published + b"# mine\n")
    vendor(lantern, specs, today=FRIDAY)
    assert tree_digest(specs).get(document.name) == hashlib.sha256(published).hexdigest()


def test_title_with_quotes_survives(lantern: Path, specs: Path) -> None:
    lantern.write_bytes(lantern.read_bytes().replace(b"Acme - Paint Lantern", 'A "big\\" 灯'.encode()))
    vendor(lantern, specs, today=MONDAY)
    assert read_sources(specs)["paint-lantern"].title == 'A "big\\" 灯'


def source(model: str) -> Source:
    return Source(model, "", "", "", "2026-03-02", "")


def test_slug_of_a_known_model_stays() -> None:
    assert slug_for("acme/kite", {"my-kite": source("acme/kite")}, ()) == "my-kite"


def test_slug_of_a_handwritten_spec_is_taken(lantern: Path, specs: Path) -> None:
    specs.mkdir()
    (specs / "jobs.yaml").write_bytes(b"by hand\n")
    lantern.write_bytes(lantern.read_bytes().replace(b"acme/paint-lantern", b"acme/jobs"))
    vendor(lantern, specs, today=MONDAY)
    assert (specs / "jobs.yaml").read_bytes() == b"by hand\n"


def test_page_that_is_no_model_is_refused_by_place_and_title(pages: Path, specs: Path) -> None:
    with pytest.raises(SpecError, match=r"no-model\.md:6: no Market model: it describes /api/v1/tide"):
        vendor(pages / "no-model.md", specs, today=MONDAY)


def test_page_that_is_no_model_leaves_no_trace(pages: Path, specs: Path, tmp_path: Path) -> None:
    path = tmp_path / "mixed.md"
    path.write_bytes((pages / "paint-lantern.md").read_bytes() + (pages / "no-model.md").read_bytes())
    with pytest.raises(SpecError):
        vendor(path, specs, today=MONDAY)
    assert list(specs.rglob("*")) == []


def test_broken_yaml_is_refused_by_place(lantern: Path, specs: Path) -> None:
    lantern.write_bytes(lantern.read_bytes().replace(b"openapi: 3.0.0", b"openapi: [3.0.0"))
    with pytest.raises(SpecError, match=r"lantern\.md:\d+.*broken YAML"):
        vendor(lantern, specs, today=MONDAY)


@pytest.mark.parametrize("kind", ["missing", "directory"])
def test_file_that_cannot_be_read_is_refused_by_name(specs: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "page.md"
    if kind == "directory":
        path.mkdir()
    with pytest.raises(SpecError, match=r"page\.md: cannot be read"):
        vendor(path, specs, today=MONDAY)


def test_directory_without_provenance_has_no_sources(tmp_path: Path) -> None:
    assert read_sources(tmp_path) == {}


@pytest.mark.parametrize("slug", sorted(read_sources(COMMITTED)))
def test_committed_document_has_the_hash_of_its_provenance(slug: str) -> None:
    content = (COMMITTED / f"{slug}.yaml").read_bytes()
    assert hashlib.sha256(content).hexdigest() == read_sources(COMMITTED)[slug].sha256
