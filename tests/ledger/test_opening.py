"""Which object is the ledger of a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry.ledger.opening import open_ledger

NAMES: dict[str, Callable[[Path], Path]] = {
    "its name": lambda home: home / "real" / "jobs.sqlite3",
    "a relative name": lambda home: Path(os.path.relpath(home / "real" / "jobs.sqlite3")),
    "a name with dots": lambda home: home / "real" / ".." / "real" / "jobs.sqlite3",
    "a link to it": lambda home: home / "link.sqlite3",
    "a link to its folder": lambda home: home / "folder" / "jobs.sqlite3",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a ledger in another, and links to both."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link.sqlite3").symlink_to(tmp_path / "real" / "jobs.sqlite3")
    (tmp_path / "folder").symlink_to(tmp_path / "real", target_is_directory=True)
    return tmp_path


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_file_is_one_ledger_by_all_its_names(home: Path, name: Callable[[Path], Path]) -> None:
    known = open_ledger(home / "real" / "jobs.sqlite3")
    assert open_ledger(name(home)) is known


def test_another_file_is_another_ledger(home: Path) -> None:
    known = open_ledger(home / "real" / "jobs.sqlite3")
    assert open_ledger(home / "real" / "others.sqlite3") is not known
