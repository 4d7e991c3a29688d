"""Who lives, seen from other processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from kie_registry.errors import LedgerError
from kie_registry.ledger.owners import Owners
from tests.forks import in_child, needs_fork

_STRANGER = """
import sys
from pathlib import Path
from kie_registry.ledger.owners import Owners
print(Owners(Path(sys.argv[1])).mine(), flush=True)
sys.stdin.read()
"""


@contextmanager
def stranger(directory: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run another process, and yield its id."""
    command = [sys.executable, "-c", _STRANGER, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def locks(directory: Path) -> set[str]:
    return {path.stem for path in directory.iterdir()}


def test_a_process_has_one_id(tmp_path: Path) -> None:
    owners = Owners(tmp_path)
    assert owners.mine() == owners.mine() == Owners(tmp_path).mine()


def test_the_threads_of_a_process_have_its_id(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda _: Owners(tmp_path).mine(), range(64)))
    assert ids == locks(tmp_path)


def test_one_lives_oneself(tmp_path: Path) -> None:
    owners = Owners(tmp_path)
    assert owners.alive(owners.mine())


def test_a_process_that_runs_is_alive(tmp_path: Path) -> None:
    with stranger(tmp_path) as (owner, _):
        assert Owners(tmp_path).alive(owner)


@pytest.mark.parametrize("end", ["killed", "ended"])
def test_a_process_that_is_gone_is_not_alive(tmp_path: Path, end: str) -> None:
    with stranger(tmp_path) as (owner, process):
        if end == "killed":
            process.kill()
        process.communicate()
        assert not Owners(tmp_path).alive(owner)


def test_the_file_of_a_dead_process_goes_when_one_asks(tmp_path: Path) -> None:
    with stranger(tmp_path) as (owner, process):
        process.kill()
        process.wait()
        Owners(tmp_path).alive(owner)
    assert locks(tmp_path) == set()


def test_the_file_of_a_dead_process_goes_when_the_next_one_comes(tmp_path: Path) -> None:
    with stranger(tmp_path) as (_, process), stranger(tmp_path) as (living, _):
        process.kill()
        process.wait()
        assert locks(tmp_path) >= {living}
        assert {living, Owners(tmp_path).mine()} == locks(tmp_path)


@pytest.mark.parametrize("owner", ["0" * 32, "", "../../passwords", "x" * 5000, "a\0b"], ids="{:.20}".format)
def test_what_is_no_process_is_not_alive(tmp_path: Path, owner: str) -> None:
    assert not Owners(tmp_path).alive(owner)


@needs_fork
def test_a_child_has_another_id(tmp_path: Path) -> None:
    owners = Owners(tmp_path)
    assert owners.mine() != in_child(owners.mine)


@needs_fork
def test_a_child_sees_its_parent_alive(tmp_path: Path) -> None:
    owners = Owners(tmp_path)
    parent = owners.mine()
    assert in_child(lambda: owners.alive(parent)) == "True"


_PARENT = """
import gc, os, sys, time
from pathlib import Path
import kie_registry.ledger.owners as module
owners = module.Owners(Path(sys.argv[1]))
owner = owners.mine()
if os.fork() == 0:
    if sys.argv[2] == "forget":
        module._held.clear()
        gc.collect()
    if sys.argv[2] != "stay":
        sys.exit()
    sys.stdin.read()
    os._exit(0)
if sys.argv[2] != "stay":
    os.wait()
print(owner, flush=True)
if sys.argv[2] != "stay":
    sys.stdin.read()
"""


@needs_fork
@pytest.mark.parametrize("what", ["exit", "forget"])
def test_a_child_that_ends_does_not_take_its_parents_life(tmp_path: Path, what: str) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        owner = parent.stdout.readline().strip()
        assert Owners(tmp_path).alive(owner)


@needs_fork
def test_a_child_that_goes_on_does_not_keep_its_parent_alive(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path), "stay"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        owner = parent.stdout.readline().strip()
        parent.wait()
        assert not Owners(tmp_path).alive(owner)


def test_where_no_file_can_be_made_the_error_says_where(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(LedgerError, match=r"file/owners: .* KIE_HOME"):
        Owners(blocked / "owners").mine()
