"""Clients are generated from the specs that changed, and the same specs give the same bytes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry.contract import package_name
from kie_registry.errors import SpecError
from kie_registry.specs.codegen import check, generate
from kie_registry.specs.documents import Json, dump_document
from kie_registry.specs.fingerprints import tree_digest

MakeDocument = Callable[..., Json]

pytestmark = pytest.mark.xdist_group("generated")


@pytest.fixture
def home(generated: Path, tmp_path: Path) -> Path:
    """A copy of `generated` of one's own."""
    return Path(shutil.copytree(generated, tmp_path / "home"))


def times(directory: Path) -> dict[str, int]:
    return {path.relative_to(directory).as_posix(): path.stat().st_mtime_ns for path in directory.rglob("*")}


def run(home: Path) -> list[str]:
    return generate(home / "specs", home / "clients")


@pytest.mark.parametrize(
    "file",
    [
        "__init__.py",
        "client.py",
        "types.py",
        "py.typed",
        "index.json",
        "fingerprints.json",
        "paint_lantern/__init__.py",
        "paint_lantern/create_task.py",
        "paint_lantern/models/aspect_ratio.py",
        "paint_lantern/models/paint_lantern_input.py",
        "paint_lantern/openapi.yaml",
        "paint_lantern/contract.json",
        "paint_kite/create_task.py",
    ],
)
def test_file_is_generated(generated: Path, file: str) -> None:
    assert (generated / "clients" / file).is_file()


def test_second_run_says_that_nothing_was_written(home: Path) -> None:
    assert run(home) == []


def test_second_run_writes_nothing(home: Path) -> None:
    before = times(home)
    run(home)
    assert times(home) == before


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("paint_kite/create_task.py", "edited"),
        ("paint_kite/contract.json", "missing"),
        ("client.py", "edited"),
        ("types.py", "missing"),
        ("index.json", "edited"),
        ("__init__.py", "edited"),
        ("py.typed", "missing"),
    ],
)
def test_touched_file_is_written_again(home: Path, generated: Path, file: str, damage: str) -> None:
    path = home / "clients" / file
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    run(home)
    assert tree_digest(home / "clients") == tree_digest(generated / "clients")


def test_stray_file_in_a_package_is_removed(home: Path) -> None:
    path = home / "clients" / "paint_kite" / "models" / "stray.py"
    path.touch()
    run(home)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "<<<<<<< HEAD\n", "[]"], ids=["empty", "merge-conflict", "list"])
def test_broken_fingerprints_are_written_again(home: Path, generated: Path, content: str) -> None:
    (home / "clients" / "fingerprints.json").write_text(content, "utf-8")
    run(home)
    assert tree_digest(home / "clients") == tree_digest(generated / "clients")


def change(home: Path) -> None:
    path = home / "specs" / "paint-kite.yaml"
    path.write_bytes(path.read_bytes().replace(b"- blue", b"- green"))


def test_only_the_spec_that_changed_is_generated(home: Path) -> None:
    change(home)
    assert run(home) == ["paint-kite"]


def test_package_of_another_spec_is_not_touched(home: Path) -> None:
    before = times(home / "clients" / "paint_lantern")
    change(home)
    run(home)
    assert times(home / "clients" / "paint_lantern") == before


def test_change_shows_in_the_code(home: Path) -> None:
    change(home)
    run(home)
    assert '"green"' in (home / "clients" / "paint_kite" / "models" / "colour.py").read_text("utf-8")


def test_change_of_an_overlay_is_a_change(home: Path) -> None:
    overlay = home / "specs" / "overlays" / "paint-kite.yaml"
    overlay.parent.mkdir()
    overlay.write_text("actions: [{target: $.info, update: {x-kie-output: image}}]\n", "utf-8")
    assert run(home) == ["paint-kite"]


def test_change_of_a_title_is_a_change(home: Path) -> None:
    sources = home / "specs" / "sources.toml"
    sources.write_bytes(sources.read_bytes().replace(b"Acme - Paint Kite", b"Acme Kites"))
    assert run(home) == ["paint-kite"]


def test_slug_that_starts_with_a_digit_is_watched(make_document: MakeDocument, tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "4o-lamp.yaml").write_text(dump_document(make_document()), "utf-8")
    run(tmp_path)
    (tmp_path / "clients" / "m_4o_lamp" / "create_task.py").unlink()
    assert run(tmp_path) == ["4o-lamp"]


@pytest.mark.parametrize(
    ("slug", "package"),
    [("nano-banana-pro", "nano_banana_pro"), ("4o-image", "m_4o_image"), ("jobs", "jobs"), ("import", "m_import")],
)
def test_package_can_be_imported_by_its_name(slug: str, package: str) -> None:
    assert package_name(slug) == package


def test_package_of_a_removed_spec_is_removed(home: Path) -> None:
    (home / "specs" / "paint-kite.yaml").unlink()
    run(home)
    assert not (home / "clients" / "paint_kite").exists()


def test_removed_spec_is_reported(home: Path) -> None:
    (home / "specs" / "paint-kite.yaml").unlink()
    assert run(home) == ["paint-kite"]


def test_removed_spec_leaves_the_index(home: Path) -> None:
    (home / "specs" / "paint-kite.yaml").unlink()
    run(home)
    assert "paint-kite" not in (home / "clients" / "index.json").read_text("utf-8")


def test_two_full_runs_give_the_same_bytes(generated: Path, tmp_path: Path) -> None:
    generate(generated / "specs", tmp_path / "clients", everything=True)
    assert tree_digest(tmp_path / "clients") == tree_digest(generated / "clients")


HOSTILE = {
    "ruff.toml": 'line-length = 40\nexclude = ["*"]\n[format]\nquote-style = "single"\n',
    "pyproject.toml": '[tool.ruff]\nline-length = 40\nexclude = ["*"]\n[tool.ruff.lint]\nselect = ["ALL"]\n',
    ".gitignore": "*\n",
}


@pytest.mark.parametrize("file", HOSTILE)
def test_formatting_does_not_depend_on_the_users_files(
    generated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    (tmp_path / file).write_text(HOSTILE[file], "utf-8")
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    generate(generated / "specs", tmp_path / "clients", everything=True)
    assert tree_digest(tmp_path / "clients") == tree_digest(generated / "clients")


@pytest.fixture(scope="module")
def differences(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What `check` says of a tree with one file edited, one missing and one too many."""
    package = Path(shutil.copytree(generated / "clients", tmp_path_factory.mktemp("checked") / "clients"))
    (package / "client.py").write_text("# mine\n", "utf-8")
    (package / "paint_kite" / "contract.json").unlink()
    (package / "stray.py").touch()
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "client.pyc").touch()
    return check(generated / "specs", package)


@pytest.mark.parametrize(
    ("difference", "named"),
    [
        ("client.py", True),
        ("paint_kite/contract.json", True),
        ("stray.py", True),
        ("paint_lantern/create_task.py", False),
        ("__pycache__/client.pyc", False),
    ],
    ids=["edited", "missing", "too-many", "the-same", "cache"],
)
def test_check_names_what_differs(differences: list[str], difference: str, named: bool) -> None:
    assert (difference in differences) is named


def test_committed_code_is_in_step_with_the_committed_specs(
    committed_specs: Path, committed_package: Path
) -> None:
    assert check(committed_specs, committed_package) == []


BROKEN = {
    "no-yaml": "paths: [",
    "no-openapi": "a: 1\n",
    "empty": "",
    "binary": "\x00\x01",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_spec_is_refused_by_name(home: Path, content: str) -> None:
    (home / "specs" / "lamp.yaml").write_text(content, "utf-8")
    with pytest.raises(SpecError, match=r"lamp\.yaml"):
        run(home)


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_spec_changes_nothing(home: Path, content: str) -> None:
    (home / "specs" / "lamp.yaml").write_text(content, "utf-8")
    before = times(home / "clients")
    change(home)
    with pytest.raises(SpecError):
        run(home)
    assert times(home / "clients") == before


OPERATION = {"responses": {"default": {"description": "", "content": {"application/json": {"schema": {}}}}}}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(
            {
                "openapi": "3.1.0",
                "info": {"title": "T", "version": "1"},
                "components": {"schemas": {"Lamp": {"type": "object"}, "lamp": {"type": "object"}}},
                "paths": {"/a": {"get": {"operationId": "a", **OPERATION}}},
            },
            id="a-schema",
        ),
        pytest.param(
            {
                "openapi": "3.1.0",
                "info": {"title": "T", "version": "1"},
                "components": {"schemas": {}},
                "paths": {"/a": {"get": {"operationId": "a", "tags": ["folder"], **OPERATION}}},
            },
            id="an-endpoint-in-a-folder",
        ),
    ],
)
def test_spec_of_which_something_would_be_left_out_is_refused(tmp_path: Path, document: Json) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "lamp.yaml").write_text(dump_document(document), "utf-8")
    with pytest.raises(SpecError, match=r"^lamp: "):
        run(tmp_path)
