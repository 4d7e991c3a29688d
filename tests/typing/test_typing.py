"""What a type checker accepts of a user's code, and what it refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

pytestmark = pytest.mark.xdist_group("typing")

CONFIG = Path(__file__).parents[2] / "pyproject.toml"
CALLS = Path(__file__).with_name("calls.txt")
LINES = CALLS.read_text("utf-8").splitlines()
WRONG = {number for number, line in enumerate(LINES, start=1) if line.endswith("# wrong")}


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> set[int]:
    """The lines of the calls that mypy refuses, without the remarks that mark them."""
    directory = tmp_path_factory.mktemp("typing")
    program = directory / "program.py"
    program.write_text("\n".join(LINES), "utf-8")
    # With the settings and the cache of `make types`, which knows the library already.
    out, err, _ = api.run([f"--config-file={CONFIG}", str(program)])
    assert err == ""
    return {int(number) for number in re.findall(r"program\.py:(\d+): error", out)}


def test_right_calls_are_accepted(refused: set[int]) -> None:
    assert refused - WRONG == set()


@pytest.mark.parametrize("number", sorted(WRONG), ids=lambda number: LINES[number - 1].removesuffix("  # wrong"))
def test_wrong_calls_are_refused(refused: set[int], number: int) -> None:
    assert number in refused
