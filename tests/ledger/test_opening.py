"""Which object is the ledger of a file."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.cli.options import LEDGER_FILE, ledger_option
from kie_registry.errors import ConfigurationError
from kie_registry.ledger import PostgresLedger
from kie_registry.ledger.opening import default_place, open_ledger, with_ledger
from kie_registry.settings import home as kie_home

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


def test_the_default_one_is_in_kie_home() -> None:
    assert default_place() == kie_home() / "ledger.sqlite3"


def test_the_environment_names_another_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KIE_LEDGER", "~/jobs.sqlite3")
    assert open_ledger(True) is open_ledger(tmp_path / "jobs.sqlite3")


@pytest.mark.parametrize("value", [" ", "~nobody-of-this-name/jobs", ".", "mysql://host/jobs"])
def test_the_environment_names_no_file(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("KIE_LEDGER", value)
    with pytest.raises(ConfigurationError, match="KIE_LEDGER"):
        open_ledger(True)


DATABASE = "postgresql://me:secret@host/jobs"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_an_address_is_one_ledger(scheme: str) -> None:
    address = f"{scheme}://host/jobs"
    known = open_ledger(address)
    assert isinstance(known, PostgresLedger)
    assert open_ledger(address) is known


def test_the_environment_names_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_LEDGER", DATABASE)
    assert open_ledger(True) is open_ledger(DATABASE)


# What libpq makes of each of them would show a part of the password, or nothing that helps.
@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:sec/ret@host/jobs",
        "postgresql://me:sec@ret@host/jobs",
        "postgresql://host/jobs?password=secret&speed=9",
        "postgres://me:sec%zzret@host/jobs",
    ],
)
def test_an_address_that_is_none_is_named_without_the_password(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^ledger \(KIE_LEDGER\) is 'postgres.*encoded") as caught:
        open_ledger(address)
    assert not re.search("sec|ret", str(caught.value).partition("which")[0])
    assert caught.value.__suppress_context__


def test_what_a_database_needs_and_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for name in [name for name in sys.modules if name.startswith("kie_registry.ledger.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ConfigurationError, match=r"pip install 'kie-registry\[batch\]'"):
        open_ledger("postgresql://host/not-opened-before")


@pytest.mark.parametrize("option", [LEDGER_FILE, ledger_option])
def test_a_command_takes_an_address_as_it_is(option: Any) -> None:
    kind = option if option is LEDGER_FILE else option(lambda: None).__click_params__[0].type
    assert kind.convert(DATABASE, None, None) == DATABASE


@pytest.mark.parametrize("default", [None, DATABASE, "postgresql://me@host/jobs"])
def test_a_command_names_a_database_without_its_password(
    monkeypatch: pytest.MonkeyPatch, default: str | None
) -> None:
    if default is not None:
        monkeypatch.setenv("KIE_LEDGER", default)
    named = "" if default else " --ledger postgresql://me@host/jobs"
    assert with_ledger("kie collect", DATABASE) == f"kie collect{named}"


def test_a_command_names_the_ledger_that_is_not_the_default_one(tmp_path: Path) -> None:
    assert with_ledger("kie collect", tmp_path / "my jobs") == f"kie collect --ledger '{tmp_path}/my jobs'"


@pytest.mark.parametrize("path", [None, "the default", "that of the environment"])
def test_a_command_names_no_ledger_that_it_takes_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str | None
) -> None:
    if path == "that of the environment":
        monkeypatch.setenv("KIE_LEDGER", str(tmp_path / "jobs.sqlite3"))
    assert with_ledger("kie collect", None if path is None else default_place()) == "kie collect"


def test_a_command_names_the_ledger_where_the_default_one_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIE_HOME", "~nobody-of-this-name")
    assert with_ledger("kie collect", tmp_path / "jobs") == f"kie collect --ledger {tmp_path}/jobs"
