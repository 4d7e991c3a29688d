"""The folder of a batch: one process at a time, only where files can be written, and only its own batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kie_registry import ConfigurationError
from kie_registry.batches.folders.folder import MARKER, BatchFolder, Marker, now

A_MARKER = Marker(batch="b1", ledger="/l", manifest=None, created=now(), planned=True)


def test_a_folder_is_made_when_it_is_held(tmp_path: Path) -> None:
    with BatchFolder(tmp_path / "new" / "out").held():
        assert (tmp_path / "new" / "out").is_dir()


def test_a_folder_is_found_wherever_the_process_goes_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert BatchFolder("out").path == tmp_path / "out"


def test_a_folder_may_begin_with_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert BatchFolder("~/out").path == tmp_path / "out"


def test_a_folder_of_nobody_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'~nobody-x/out'.*Nothing was sent"):
        BatchFolder("~nobody-x/out")


def test_the_second_who_holds_a_folder_is_told_who_has_it(tmp_path: Path) -> None:
    hold = (
        "import sys; from kie_registry.batches.folders.folder import BatchFolder\n"
        "with BatchFolder(sys.argv[1]).held():\n    print(flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(
            ConfigurationError, match=rf"process {other.pid} on .* \(since 20.*\) works on .*Nothing was sent"
        ):
            hold_and_leave(tmp_path)
        other.kill()
    hold_and_leave(tmp_path)


def hold_and_leave(path: Path) -> None:
    with BatchFolder(path).held():
        pass


def test_two_of_one_process_do_not_hold_one_folder_either(tmp_path: Path) -> None:
    with BatchFolder(tmp_path).held(), pytest.raises(ConfigurationError, match=f"process {os.getpid()}"):
        hold_and_leave(tmp_path)


def test_a_holder_that_cannot_be_made_out_holds_it_all_the_same(tmp_path: Path) -> None:
    with BatchFolder(tmp_path).held():
        (tmp_path / ".kie-batch.holder.json").write_text("{")
        with pytest.raises(ConfigurationError, match="another process works on"):
            hold_and_leave(tmp_path)


def in_a_file(path: Path) -> Path:
    path.write_text("no folder")
    return path / "out"


def a_file(path: Path) -> Path:
    path.write_text("no folder")
    return path


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow, as on a disk that is full."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def no_right(path: Path) -> Iterator[None]:
    """Let this process be nobody, who may write nothing there."""
    path.mkdir()
    path.chmod(0o500)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        path.chmod(0o700)


@pytest.mark.parametrize(("spoil", "words"), [(in_a_file, "Not a directory"), (a_file, "File exists")])
def test_what_is_no_folder_is_told(tmp_path: Path, spoil: Callable[[Path], Path], words: str) -> None:
    path = spoil(tmp_path / "out")
    with pytest.raises(
        ConfigurationError, match=f"{path}: no files can be written there: {words}.*--out.*no.* spent"
    ):
        hold_and_leave(path)


def test_a_full_disk_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    with no_room(), pytest.raises(ConfigurationError, match="no files can be written there: File too large"):
        hold_and_leave(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_read_only_is_found_before_anything_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with (
        no_right(path),
        pytest.raises(ConfigurationError, match="no files can be written there: Permission denied"),
    ):
        hold_and_leave(path)


def test_a_marker_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path)
    marker = Marker(batch="b1", ledger="/l-\udcff", manifest="/ä", created=now(), planned=False, account="me")
    folder.write_marker(marker)
    assert BatchFolder(tmp_path).marker() == marker


def test_a_marker_that_says_no_account_is_read(tmp_path: Path) -> None:
    folder = BatchFolder(tmp_path)
    folder.write_marker(A_MARKER)
    said = json.loads((tmp_path / MARKER).read_text())
    del said["account"]
    (tmp_path / MARKER).write_text(json.dumps(said))
    assert folder.marker() == A_MARKER


@pytest.mark.parametrize(
    ("path", "there", "found"),
    [
        ("{home}/old/1.png", ["new/1.png"], "{home}/new/1.png"),
        ("{home}/old/1.png", ["old/1.png", "new/1.png"], "{home}/old/1.png"),
        ("{home}/old/1.png", [], "{home}/old/1.png"),
        ("s3://bucket/1.png", ["new/1.png"], "s3://bucket/1.png"),
    ],
)
def test_a_file_is_found_in_a_folder_that_was_moved(
    tmp_path: Path, path: str, there: list[str], found: str
) -> None:
    for each in there:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    assert BatchFolder(tmp_path / "new").where(path.format(home=tmp_path)) == found.format(home=tmp_path)


def test_a_folder_with_other_files_holds_no_batch(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    assert BatchFolder(tmp_path).marker() is None


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "{",
        lambda _: "[]",
        lambda _: "[" * 100_000,
        lambda marker: json.dumps({**marker, "version": 2}),
        lambda marker: json.dumps({**marker, "batch": ""}),
        lambda marker: json.dumps({**marker, "batch": 5}),
        lambda marker: json.dumps({**marker, "account": 5}),
        lambda marker: json.dumps({**marker, "more": 5}),
        lambda marker: json.dumps({"batch": marker["batch"]}),
    ],
)
def test_a_damaged_marker_is_no_new_batch(tmp_path: Path, change: Callable[[dict[str, object]], str]) -> None:
    folder = BatchFolder(tmp_path)
    folder.write_marker(A_MARKER)
    path = tmp_path / MARKER
    path.write_text(change(json.loads(path.read_text())))
    with pytest.raises(ConfigurationError, match=r"is damaged, or of a newer version.*--out.*Nothing was sent"):
        folder.marker()


def test_a_marker_that_cannot_be_read_is_no_new_batch(tmp_path: Path) -> None:
    (tmp_path / MARKER).mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        BatchFolder(tmp_path).marker()


def test_a_marker_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with no_room(), pytest.raises(ConfigurationError, match="no files can be written there"):
        BatchFolder(tmp_path).write_marker(A_MARKER)
