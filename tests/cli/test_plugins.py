"""`kie plugins`: what is installed, and a distribution made from pages."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import KIE, Run

# What is made of pages is made once.
pytestmark = pytest.mark.xdist_group("plugins")

PAGES = Path(__file__).parents[1] / "fixtures"
LANTERN, COMET = str(PAGES / "paint-lantern.md"), str(PAGES / "paint-comet.md")


def install(site: Path, name: str, source: str, *models: str) -> None:
    """Put a distribution with one module into the directory `site`."""
    info = site / f"{name}-1.5.dist-info"
    info.mkdir(parents=True)
    (site / f"{name}.py").write_text(source, "utf-8")
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.5\n", "utf-8")
    (info / "entry_points.txt").write_text(
        "\n".join(["[kie_registry.models]", *(f"{m} = {name}" for m in models)])
    )


WORKS = """
from kie_registry import Adapter, Contract, hookimpl

class Vase(Adapter, contract=Contract("acme/vase", "Vase", "image", {}), aliases=["vase"]):
    "Make a vase."

@hookimpl
def register_models(register):
    register(Vase)
"""


def test_list_as_json(run: Run, tmp_path: Path) -> None:
    site = tmp_path / "site"
    install(site, "vases", WORKS, "acme/vase", "vase")
    install(site, "broken", "1 / 0", "acme/bowl")
    done = run("plugins", "list", "--json", PYTHONPATH=str(site))
    broken, ours, vases = json.loads(done.stdout)
    assert vases == {
        "name": "vases",
        "version": "1.5",
        "modules": ["vases"],
        "models": ["acme/vase"],
        "problems": [],
    }
    assert (ours["name"], ours["problems"], "nano-banana-pro" in ours["models"]) == ("kie-registry", [], True)
    (problem,) = broken["problems"]
    assert (broken["name"], "ZeroDivisionError" in problem) == ("broken", True)


@pytest.mark.parametrize("arguments", [("plugins",), ("plugins", "list")], ids=["bare", "list"])
def test_list_as_a_table(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    install(tmp_path / "site", "many", WORKS, *(f"acme/{number}" for number in range(5)))
    lines = run(*arguments, PYTHONPATH=str(tmp_path / "site")).stdout.splitlines()
    assert lines[0].split() == ["PLUGIN", "VERSION", "MODELS", "STATE"]
    (line,) = [line for line in lines if line.startswith("many")]
    assert "and " in line
    assert "acme/0" in line


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin of two models, made without any other command, and with nothing written to the user's home."""
    place = tmp_path_factory.mktemp("plugins")
    (place / "home").mkdir()
    arguments = ("plugins", "new", LANTERN, COMET, "--name", "kie-Paint", "--out", "made")
    environment = {**os.environ, "HOME": str(place / "home"), "PATH": ""}
    done = subprocess.run(
        [*KIE, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "made\n"), done.stderr
    assert list((place / "home").iterdir()) == []
    return place / "made"


def test_new_makes_a_distribution(made: Path) -> None:
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    assert files >= {
        ".gitignore",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "specs/paint-lantern.yaml",
        "specs/sources.toml",
        "src/kie_paint/__init__.py",
        "src/kie_paint/clients/index.json",
        "src/kie_paint/clients/paint_lantern/contract.json",
        "src/kie_paint/paint_lantern.py",
        "src/kie_paint/py.typed",
        "tests/test_models.py",
    }
    assert not [name for name in files if "{" in name or "cookiecutter" in name]


def test_new_names_what_it_offers(made: Path) -> None:
    project = tomllib.loads((made / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "kie-Paint"
    assert project["entry-points"] == {
        "kie_registry.models": {
            "acme/paint-lantern": "kie_paint.paint_lantern",
            "paint-lantern": "kie_paint.paint_lantern",
            "acme/paint-comet-2.5-edit": "kie_paint.paint_comet_2_5_edit",
            "paint-comet-2-5-edit": "kie_paint.paint_comet_2_5_edit",
        },
        "kie_registry.clients": {"kie_paint": "kie_paint.clients"},
    }


@pytest.mark.parametrize(
    "text",
    [
        "# kie-Paint\n",
        "pip install kie-Paint\n",
        'PaintComet25Edit(prompt="a lighthouse at dawn", images=["photo.jpg"])',
        "kie specs generate --package src/kie_paint/clients\n",
    ],
)
def test_readme_of_it_says(made: Path, text: str) -> None:
    assert text in (made / "README.md").read_text("utf-8")


def test_the_clients_of_it_are_in_step(made: Path, run_here: Run) -> None:
    where = ("--specs", str(made / "specs"), "--package", str(made / "src/kie_paint/clients"))
    assert run_here("specs", "generate", "--check", *where).returncode == 0


def test_new_checks_the_name(run_here: Run, tmp_path: Path) -> None:
    done = run_here("plugins", "new", LANTERN, "--name", "../x", "--out", "made")
    assert (done.returncode, "is no name of a distribution" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_new_refuses_a_directory_that_holds_something(run_here: Run, tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "mine.txt").touch()
    done = run_here("plugins", "new", LANTERN, "--name", "kie-paint", "--out", "made")
    assert (done.returncode, "made: is there already" in done.stderr) == (2, True)
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["mine.txt"]


def test_new_leaves_out_what_cannot_be_used(run_here: Run, tmp_path: Path) -> None:
    done = run_here("plugins", "new", "missing.md", LANTERN, "--name", "kie-paint")
    assert (done.returncode, done.stdout, "missing.md" in done.stderr) == (1, "kie-paint\n", True)
    assert (tmp_path / "kie-paint" / "src" / "kie_paint" / "paint_lantern.py").is_file()


def test_new_of_nothing_makes_nothing(run_here: Run, tmp_path: Path) -> None:
    done = run_here("plugins", "new", "missing.md", "--name", "kie-paint", "--out", "some/where")
    assert (done.returncode, "there is no model for it" in done.stderr) == (2, True)
    assert not (tmp_path / "some" / "where").exists()
