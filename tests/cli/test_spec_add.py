"""`kie specs add`: the good pages are added, the bad ones are told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Run

PAGES = Path(__file__).parents[1] / "fixtures"
LANTERN = str(PAGES / "paint-lantern.md")


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path) -> Path:
    """A small checkout in the working directory."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "kie-registry"\n', "utf-8")
    (tmp_path / "plugins" / "kie_models").mkdir(parents=True)
    return tmp_path


def adapters(checkout: Path) -> list[str]:
    return sorted(path.stem for path in (checkout / "plugins" / "kie_models").iterdir())


def test_several_pages_are_added(run_here: Run, checkout: Path) -> None:
    done = run_here("specs", "add", LANTERN, str(PAGES / "paint-kite.md"))
    assert (done.returncode, done.stderr, adapters(checkout)) == (0, "", ["paint_kite", "paint_lantern"])
    assert done.stdout.splitlines() == [
        "acme/paint-lantern: plugins/kie_models/paint_lantern.py written",
        "acme/paint-kite: plugins/kie_models/paint_kite.py written",
    ]


def test_what_is_wrong_with_one_page_does_not_hold_up_the_others(run_here: Run, checkout: Path) -> None:
    (checkout / "broken.md").write_text("## OpenAPI\n\n```yaml\na: [\n```\n", "utf-8")
    done = run_here("specs", "add", "broken.md", LANTERN, "missing.md")
    assert (done.returncode, adapters(checkout)) == (1, ["paint_lantern"])
    assert "Error: broken.md" in done.stderr
    assert "Error: missing.md: there is no such file or folder" in done.stderr


def test_other_pages_of_a_folder_are_passed_over(run_here: Run, checkout: Path) -> None:
    folder = checkout / "folder"
    folder.mkdir()
    for name in ("paint-lantern.md", "no-model.md"):
        shutil.copy(PAGES / name, folder)
    done = run_here("specs", "add", "folder")
    assert (done.returncode, adapters(checkout)) == (0, ["paint_lantern"])
    assert done.stderr.startswith("skipped: ")


def test_standard_input_is_read(run_here: Run, checkout: Path) -> None:
    done = run_here("specs", "add", "-", stdin=Path(LANTERN).read_text("utf-8"))
    assert (done.returncode, adapters(checkout)) == (0, ["paint_lantern"])


def test_a_newer_page_says_what_to_look_at(run_here: Run, checkout: Path) -> None:
    run_here("specs", "add", LANTERN)
    newer = Path(LANTERN).read_text("utf-8").replace("finish", "surface")
    done = run_here("specs", "add", "-", stdin=newer)
    assert done.stdout == "acme/paint-lantern: plugins/kie_models/paint_lantern.py left as it was\n"
    assert "  remove the field for 'finish': the model has it no longer\n" in done.stderr


def test_an_adapter_is_written_anew_when_told(run_here: Run, checkout: Path) -> None:
    (checkout / "plugins" / "kie_models" / "paint_lantern.py").write_text("# mine\n")
    assert "written" in run_here("specs", "add", LANTERN, "--replace").stdout


def test_elsewhere_it_says_what_to_do(run_here: Run, checkout: Path) -> None:
    (checkout / "pyproject.toml").unlink()
    done = run_here("specs", "add", LANTERN)
    assert (done.returncode, "holds no checkout of kie-registry" in done.stderr) == (2, True)
    assert "kie models add" in done.stderr
