"""A plugin that was made from two pages, installed from its wheel beside ours, passes its own tests there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import CHECKOUT, Environment

pytestmark = pytest.mark.xdist_group("packaging")

PAGES = " ".join(str(CHECKOUT / "tests" / "fixtures" / name) for name in ("paint-lantern.md", "paint-comet.md"))


@pytest.fixture(scope="module")
def plugin(fresh: Environment) -> Path:
    """The directory of the plugin, which is installed with what its tests need."""
    made = fresh.root / "kie-paint"
    for command in (
        f"{sys.executable} -m kie_registry.cli plugins new {PAGES} --name kie-paint --out {made}",
        f"{sys.executable} -m build --wheel --no-isolation --outdir {fresh.root}/paint {made}",
        f"pip install --find-links dist 'kie-registry[testing]' {fresh.root}/paint/*.whl",
    ):
        done = fresh.run(command, fresh.checkout)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return made


def test_its_own_tests_pass(fresh: Environment, plugin: Path) -> None:
    done = fresh.run("python -W error -m pytest -p no:cacheprovider", plugin)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_it_is_listed(fresh: Environment, plugin: Path, tmp_path: Path) -> None:
    listed = {each["name"]: each for each in json.loads(fresh.run("kie plugins --json", tmp_path).stdout)}
    paint = listed["kie-paint"]
    assert (paint["version"], paint["problems"]) == ("0.1.0", [])
    assert paint["models"] == ["acme/paint-comet-2.5-edit", "acme/paint-lantern"]


def test_its_wheel_holds_no_more_than_its_package(plugin: Path, fresh: Environment) -> None:
    done = fresh.run("python -m zipfile -l paint/*.whl", fresh.root)
    tops = {line.split("/")[0] for line in done.stdout.splitlines()[1:]}
    assert tops == {"kie_paint", "kie_paint-0.1.0.dist-info"}
