"""A ledger that cannot be used is said to be so, with its name and the way out, before anything is sent."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry import ConfigurationError, Kie, LedgerError
from kie_registry.cli.run import run
from kie_registry.ledger import SqliteLedger
from kie_registry.ledger.filesystems import network_filesystem
from kie_registry.sandbox import Sandbox
from tests.ledger.bad_files import BAD_FILES, Ruin, locked, unwritable

MODEL = "nano-banana-pro"
Open = Callable[..., Kie]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder / "ledger.sqlite3"


@pytest.fixture
def on_the_command_line(box: Sandbox, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_KEY": box.key, "BASE_URL": box.url, "UPLOAD_URL": box.url}.items():
        monkeypatch.setenv(f"KIE_{name}", value)
    monkeypatch.setenv("KIE_HOME", str(path.parent))


def refusal(kie: Kie) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        kie.generate(MODEL, "a cat")
    return caught.value


@pytest.mark.parametrize(("ruin", "way_out"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_nothing_is_sent(box: Sandbox, open_kie: Open, path: Path, ruin: Ruin, way_out: str) -> None:
    kie = open_kie(ledger=path)
    ruin(path)
    error = refusal(kie)
    assert (str(path) in str(error), way_out in str(error), error.charged, box.requests) == (True, True, "no", [])
    assert "Nothing was sent" in str(error)


@pytest.mark.parametrize(("ruin", "way_out"), BAD_FILES.values(), ids=BAD_FILES.keys())
@pytest.mark.usefixtures("on_the_command_line")
def test_nothing_is_sent_from_the_command_line(
    box: Sandbox, path: Path, capsys: pytest.CaptureFixture[str], ruin: Ruin, way_out: str
) -> None:
    ruin(path)
    status = run(["generate", MODEL, "a cat"])
    said = capsys.readouterr()
    assert (status, said.out, box.requests) == (1, "", [])
    assert said.err.startswith("Error: ")
    assert str(path.parent) in said.err
    assert way_out in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("command", [["task", "list"], ["collect"], ["task", "settle", "1", "--not-created"]])
@pytest.mark.usefixtures("on_the_command_line")
def test_other_commands_name_the_file_too(
    path: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    path.write_text("Buy milk.\n" * 500)
    assert run(command) == 1
    assert f"Error: The ledger {path}: file is not a database" in capsys.readouterr().err


def test_an_empty_file_is_made_a_ledger(box: Sandbox, open_kie: Open, path: Path) -> None:
    path.touch()
    open_kie(ledger=path).generate(MODEL, "a cat")
    assert (len(box.tasks), len(SqliteLedger(path).jobs())) == (1, 1)


def test_a_ledger_that_another_program_holds(
    box: Sandbox, open_kie: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.ledger.database._WAIT_FOR_OTHERS", 0.05)
    with locked(path):
        error = refusal(open_kie(ledger=path))
    assert f"{path}: database is locked. Another program holds it" in str(error)
    assert box.requests == []


def test_a_ledger_that_others_held_for_a_moment_is_waited_for(
    box: Sandbox, open_kie: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with locked(path):
        pass
    open_kie(ledger=path).submit(MODEL, "a cat")
    assert len(box.tasks) == 1


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no such folder here")
def test_a_folder_that_cannot_be_written(box: Sandbox, open_kie: Open, path: Path) -> None:
    with unwritable(path):
        error = refusal(open_kie(ledger=path))
    assert (str(path) in str(error), "KIE_HOME" in str(error), box.requests) == (True, True, [])


def test_a_file_that_cannot_be_written(
    box: Sandbox, open_kie: Open, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kie = open_kie(ledger=path)
    SqliteLedger(path).recover()
    connect = sqlite3.connect
    read_only = f"{path.as_uri()}?mode=ro"
    monkeypatch.setattr(sqlite3, "connect", lambda _, **options: connect(read_only, uri=True, **options))
    error = refusal(kie)
    assert f"{path}: attempt to write a readonly database. It, or its folder, cannot be written" in str(error)
    assert box.requests == []


_LITTLE_ROOM = """
import resource, sys
from kie_registry.cli import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
sys.exit(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit here")
@pytest.mark.usefixtures("on_the_command_line")
def test_a_disk_that_takes_no_more(box: Sandbox, path: Path) -> None:
    SqliteLedger(path).recover()
    done = subprocess.run(
        [sys.executable, "-c", _LITTLE_ROOM, "2000", "generate", MODEL, "a cat"],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, box.requests) == (1, [])
    assert f"Error: {path}" in done.stderr
    assert "name another KIE_HOME" in done.stderr


def test_a_full_disk(box: Sandbox, open_kie: Open, path: Path) -> None:
    ledger = SqliteLedger(path)
    ledger._database.read(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchall())
    with pytest.raises(LedgerError, match=r"full\. Make room on the disk") as caught:
        open_kie(ledger=ledger).generate(MODEL, "x" * 9000)
    assert (str(path) in str(caught.value), box.requests) == (True, [])


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:40 / {shared} rw,relatime - {kind} server:/export rw
31 22 0:41 / {shared}/here rw - ext4 /dev/vdb rw
32 22 0:42 / {other}/with\\040space rw - nfs server:/export rw
broken line
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS.format(shared=tmp_path / "shared", other=tmp_path, kind="nfs4"))
    return path


WHERE = {
    "shared/ledger.sqlite3": "nfs4",
    "shared/deep/er/ledger.sqlite3": "nfs4",
    "shared/here/ledger.sqlite3": None,
    "with space/ledger.sqlite3": "nfs",
    "sharedwith/ledger.sqlite3": None,
    "ledger.sqlite3": None,
}


@pytest.mark.parametrize(("place", "kind"), WHERE.items())
def test_network_file_systems_are_known(tmp_path: Path, mounts: Path, place: str, kind: str | None) -> None:
    assert network_filesystem(tmp_path / place, mounts) == kind


def test_the_later_of_two_file_systems_on_a_folder_counts(tmp_path: Path, mounts: Path) -> None:
    mounts.write_text(f"{mounts.read_text()}33 22 0:43 / {tmp_path}/shared rw - tmpfs tmpfs rw\n")
    assert network_filesystem(tmp_path / "shared" / "ledger.sqlite3", mounts) is None


def test_where_nobody_tells_of_mounts_there_are_none(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path, tmp_path / "missing") is None


def test_a_ledger_on_another_machine(
    box: Sandbox, open_kie: Open, tmp_path: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kie_registry.ledger.database.network_filesystem", lambda path: network_filesystem(path, mounts)
    )
    path = tmp_path / "shared" / "ledger.sqlite3"
    error = refusal(open_kie(ledger=path))
    assert f"{path} lies on a network file system (nfs4)" in str(error)
    assert (box.requests, path.exists()) == ([], False)


@pytest.mark.parametrize("given", ["", " ", "a\0b", ".", 5, 1.5, object()])
def test_what_is_no_ledger_is_refused_at_once(open_kie: Open, given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"ledger .*is "):
        open_kie(ledger=given)
