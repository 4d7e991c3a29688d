"""A model is added to a project wholly or not at all, and what people wrote there stays."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

from kie_registry.errors import SpecError
from kie_registry.specs.codegen import check
from kie_registry.specs.fingerprints import tree_digest
from kie_registry.specs.published import Published, read_published
from kie_registry.specs.scaffold import Addition, Project, add_model

DAY = date(2026, 3, 2)
PYPROJECT = """\
# What there is.
[project]
name = "kie-registry"  # not to be changed

[project.entry-points."kie_registry.models"]
# The oldest.
"acme/vase" = "kie_models.vase"

[tool.other]
key = [
    1,  # one
]
"""
NAMED = """\
"acme/vase" = "kie_models.vase"
"acme/paint-comet-2.5-edit" = "kie_models.paint_comet_2_5_edit"
"paint-comet-2-5-edit" = "kie_models.paint_comet_2_5_edit"
"""
COMET = "plugins/kie_models/paint_comet_2_5_edit.py"


def page(pages: Path, name: str, *changes: tuple[str, str]) -> Published:
    """Return the page of this name, with some text replaced by other text."""
    text = (pages / f"{name}.md").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (published,) = read_published(text.encode(), source=f"{name}.md")
    return published


def add(root: Path, published: Published, *, replace: bool = False) -> Addition:
    return add_model(published, Project.checkout(root), source="page.md", today=DAY, replace=replace)


@pytest.fixture(scope="module")
def added(pages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small checkout to which one model was added."""
    root = tmp_path_factory.mktemp("added")
    (root / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (root / "plugins" / "kie_models").mkdir(parents=True)
    add(root, page(pages, "paint-comet"))
    return root


@pytest.fixture
def checkout(added: Path, tmp_path: Path) -> Path:
    """A copy of it of one's own."""
    return Path(shutil.copytree(added, tmp_path / "checkout"))


@pytest.mark.parametrize(
    "file",
    [
        "specs/paint-comet-2-5-edit.yaml",
        "specs/sources.toml",
        "generated/kie_generated/index.json",
        "generated/kie_generated/paint_comet_2_5_edit/contract.json",
        "generated/kie_generated/paint_comet_2_5_edit/create_task.py",
        COMET,
    ],
)
def test_file_is_written(added: Path, file: str) -> None:
    assert (added / file).is_file()


def test_spec_is_kept_byte_for_byte(added: Path, pages: Path) -> None:
    kept = (added / "specs" / "paint-comet-2-5-edit.yaml").read_bytes()
    assert kept == page(pages, "paint-comet").content


def test_provenance_is_noted(added: Path) -> None:
    (source,) = tomllib.loads((added / "specs" / "sources.toml").read_text("utf-8")).values()
    assert (source["model"], source["source"], source["date"]) == (
        "acme/paint-comet-2.5-edit",
        "page.md",
        "2026-03-02",
    )


def test_client_is_in_step_with_the_spec(added: Path) -> None:
    assert check(added / "specs", added / "generated" / "kie_generated") == []


def test_entry_points_are_added_and_nothing_else_of_the_file_changes(added: Path) -> None:
    oldest = '"acme/vase" = "kie_models.vase"\n'
    assert (added / "pyproject.toml").read_text("utf-8") == PYPROJECT.replace(oldest, NAMED)


def test_adapter_is_typed_in_common_words(added: Path) -> None:
    source = (added / COMET).read_text("utf-8")
    assert source.partition("class ")[2].partition("\n\n\n")[0].splitlines()[3:] == [
        "    prompt: str",
        '    images: Images = native("image_urls")',
        '    aspect_ratio: ImageSize | None = native("image_size", default=None)',
        "    text: str | None = None",
        "    tail: int | None = None",
        '    class_: Class | None = native("class", default=None)',
        "    brightness: float | None = None",
        "    stars: list[dict[str, Any]] | None = None",
    ]


def test_types_hold(added: Path, tmp_path: Path) -> None:
    """In the strict way, over the generated client too."""
    calls = tmp_path / "calls.py"
    calls.write_text(
        "from kie_models.paint_comet_2_5_edit import PaintComet25Edit as Comet\n"
        'Comet(prompt="a", images="a.png", tail=2, aspect_ratio="1:1")\n'
        'Comet(prompt="a", images="a.png", aspect_ratio="2:1")\n'
        'Comet(prompt="a")\n'
    )
    environment = {"MYPYPATH": f"{added / 'generated'}:{added / 'plugins'}", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"),
         "--explicit-package-bases", str(calls), str(added / COMET)],
        capture_output=True, text=True, env=environment, cwd=added, check=False,
    )  # fmt: skip
    assert [line.rpartition("[")[2] for line in done.stdout.splitlines()[:-1]] == ["arg-type]", "call-arg]"]


def test_adding_again_changes_nothing(checkout: Path, pages: Path) -> None:
    before = tree_digest(checkout)
    addition = add(checkout, page(pages, "paint-comet"))
    assert (tree_digest(checkout), addition.is_new, addition.notes) == (before, False, ())


def test_an_adapter_that_is_there_is_left_alone(checkout: Path, pages: Path) -> None:
    (checkout / COMET).write_text("# mine\n", "utf-8")
    add(checkout, page(pages, "paint-comet", ("maxLength: 300", "maxLength: 400")))
    assert (checkout / COMET).read_text("utf-8") == "# mine\n"


def test_an_adapter_is_replaced_when_told(checkout: Path, pages: Path) -> None:
    before = (checkout / COMET).read_text("utf-8")
    (checkout / COMET).write_text("# mine\n", "utf-8")
    assert add(checkout, page(pages, "paint-comet"), replace=True).is_new
    assert (checkout / COMET).read_text("utf-8") == before


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("brightness:", "glow:", "remove the field for 'brightness': the model has it no longer"),
        ("list:", "ring:", "declare a field for 'ring', which is new; until then it is a field without a type"),
        ("- bright\n", "- dazzling\n", "look at the type of the field for 'class': its values changed"),
        ("type: number", "type: integer", "look at the type of the field for 'brightness': its values changed"),
        (
            "- tail\n",
            "- tail\n                    - class\n",
            "take the default from the field for 'class': it is required now",
        ),
    ],
)
def test_a_newer_page_says_what_to_look_at(checkout: Path, pages: Path, old: str, new: str, note: str) -> None:
    assert note in add(checkout, page(pages, "paint-comet", (old, new))).notes


def test_a_newer_page_is_generated(checkout: Path, pages: Path) -> None:
    addition = add(checkout, page(pages, "paint-comet", ("brightness:", "glow:")))
    assert "glow" in addition.contract["input"]["properties"]
    assert check(checkout / "specs", checkout / "generated" / "kie_generated") == []


@pytest.mark.parametrize(
    "name", ["../../x", "__import__('os')", "a b", "-x", "/etc/passwd", "a//b", "a=b", "x" * 300, "灯"]
)
def test_an_id_that_is_no_name_is_refused(checkout: Path, pages: Path, name: str) -> None:
    before = tree_digest(checkout)
    quoted = "'" + name.replace("'", "''") + "'"
    with pytest.raises(SpecError, match=r"paint-lantern\.md"):
        add(checkout, page(pages, "paint-lantern", ("acme/paint-lantern\n", f"{quoted}\n")))
    assert tree_digest(checkout) == before


def test_a_name_that_is_taken_is_refused_and_nothing_is_left(checkout: Path, pages: Path) -> None:
    pyproject = checkout / "pyproject.toml"
    pyproject.write_text(pyproject.read_text("utf-8").replace('"acme/vase"', '"paint-lantern"'), "utf-8")
    before = tree_digest(checkout)
    with pytest.raises(SpecError, match=r"'paint-lantern' leads to kie_models\.vase already"):
        add(checkout, page(pages, "paint-lantern"))
    assert tree_digest(checkout) == before
    assert not (checkout / "generated" / "kie_generated" / "paint_lantern").exists()


@pytest.mark.parametrize("replace", [False, True])
def test_what_cannot_be_written_leaves_nothing(checkout: Path, pages: Path, *, replace: bool) -> None:
    shutil.rmtree(checkout / "plugins" / "kie_models")
    (checkout / "plugins" / "kie_models").write_text("a file")
    before = tree_digest(checkout)
    with pytest.raises(SpecError, match=r"cannot be written: .*; nothing was added"):
        add(checkout, page(pages, "paint-lantern"), replace=replace)
    assert tree_digest(checkout) == before


@pytest.mark.parametrize("pyproject", ["", "[", '[project]\nname = "kie-other"\n', "[project]\n"])
def test_what_is_no_checkout_is_told(tmp_path: Path, pyproject: str) -> None:
    (tmp_path / "pyproject.toml").write_text(pyproject, "utf-8")
    with pytest.raises(SpecError, match="holds no checkout of kie-registry"):
        Project.checkout(tmp_path)
