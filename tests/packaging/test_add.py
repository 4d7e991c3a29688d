"""`make add` in a checkout: the next command finds the model."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.packaging.conftest import CHECKOUT, Environment, copy_of_the_checkout

pytestmark = pytest.mark.xdist_group("packaging")

PAGES = "{0}/paint-lantern.md {0}/no-model.md {0}/paint-comet.md".format(CHECKOUT / "tests" / "fixtures")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A copy of the checkout with a virtual environment of its own, which borrows what is installed in ours."""
    root = tmp_path_factory.mktemp("add")
    checkout = copy_of_the_checkout(root / "checkout")
    venv = checkout / ".venv"
    venv.unlink()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    borrowed = Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))
    (borrowed / "zz-borrowed.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    (venv / "bin" / "ruff").symlink_to(Path(sys.prefix) / "bin" / "ruff")
    environment = Environment(venv, checkout)
    # As after `make setup`.
    editable = "python -m pip install --quiet --no-deps --no-build-isolation --editable . && touch .venv/.ready"
    done = environment.run(editable, checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    return environment


def test_make_add_adds_the_good_pages_and_fails_for_the_bad_one(own: Environment) -> None:
    done = own.run(f"make add SRC='{PAGES}'", own.checkout)
    assert (done.returncode, "no-model.md" in done.stderr) == (2, True), done.stdout + done.stderr
    for command in (
        "kie models show paint-lantern",
        "kie models show paint-comet-2-5-edit",
        "make check",
        "python -m ruff check plugins",
        "python -m ruff format --check plugins",
    ):
        done = own.run(command, own.checkout)
        assert done.returncode == 0, done.stdout + done.stderr


def test_make_add_needs_pages(own: Environment) -> None:
    done = own.run("make add", own.checkout)
    assert (done.returncode, 'make add SRC="page.md other.md"' in done.stderr) == (2, True)
