"""Places for files: folders, and file systems of fsspec."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from attrs import evolve

from kie_registry import Kie
from kie_registry.batches.running.file_systems import open_address
from kie_registry.batches.running.targets import Target
from kie_registry.effects import drive
from kie_registry.errors import ConfigurationError, KieError
from kie_registry.flows.journal import Journal
from kie_registry.ledger import Job, Ledger, SqliteLedger, State
from kie_registry.ledger.postgres_address import shown
from kie_registry.media import UnusableMedia, inspect
from kie_registry.registry import default_registry
from kie_registry.results import Result

MODEL = "nano-banana-pro"


@pytest.fixture(params=["path", "file", "memory", "local"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, by its path, by its URL, in memory, and by a file system that has no moves of its own."""
    folder = tmp_path / "out"
    return {
        "path": str(folder),
        "file": folder.as_uri(),
        "memory": f"memory://{uuid.uuid4().hex}/out",
        "local": f"local://{folder}",
    }[request.param]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = SqliteLedger(tmp_path / "jobs.sqlite3")
    yield ledger
    ledger.close()


@pytest.fixture
def result(kie: Kie) -> Result:
    """What came of a picture."""
    return kie.generate(MODEL, "a lighthouse")


def saved(place: str, result: Result, ledger: Ledger, **fields: Any) -> Job:
    """Save a result as the runner does; return its job, as the ledger has it then."""
    running: dict[str, Any] = {"state": State.RUNNING, "task_id": result.task_id, "name": "mine", **fields}
    job = Job(account="a", model=MODEL, input={}, **running)
    ledger.add(job)
    ledger.move(job.id, State.SUCCEEDED)
    hooks = default_registry().hooks
    journal = Journal(ledger, evolve(job, state=State.SUCCEEDED), hooks, until="collected", written=True)
    try:
        drive(Target.of(place).save(evolve(result, journal=journal), job), result._http)
    finally:
        found = ledger.get(job.id)
    assert found is not None
    return found


def opened(address: str, mode: str) -> Any:
    return fsspec.open(address if "://" in address else f"file://{address}", mode)


def content(address: str) -> bytes:
    with opened(address, "rb") as file:
        found: bytes = file.read()
        return found


def is_remote(place: str) -> bool:
    return place.startswith(("memory:", "local:"))


def names_in(place: str) -> list[str]:
    files, root = fsspec.url_to_fs(place)
    return sorted(Path(path).name for path in files.find(root))


def another(result: Result) -> Result:
    """Return the same result as another task's."""
    return evolve(result, task_id="task_other")


def test_files_are_saved_and_written_down_there(place: str, result: Result, ledger: Ledger) -> None:
    job = saved(place, result, ledger)
    assert job.state == State.COLLECTED
    (address,) = job.files
    name = f"mine-{job.id[:8]}.png" if is_remote(place) else "mine.png"
    assert address.endswith(f"/{name}")
    assert content(address).startswith(b"\x89PNG")
    assert names_in(place) == [name]


def test_a_file_of_another_content_is_never_replaced(place: str, result: Result, ledger: Ledger) -> None:
    (address,) = saved(place, result, ledger, id="0" * 32).files
    with opened(address, "wb") as file:
        file.write(b"other")
    job = saved(place, another(result), ledger, id="0" * 31 + "1")
    assert content(address) == b"other"
    assert job.files[0].endswith("nano-banana-pro-task_other-1.png")


def test_the_same_content_is_saved_once(place: str, result: Result, ledger: Ledger) -> None:
    one, other = (saved(place, each, ledger, id=f"{n:032}") for n, each in enumerate((result, another(result))))
    assert one.files == other.files


@pytest.mark.parametrize("place", ["memory", "local"], indirect=True)
def test_jobs_of_one_name_do_not_meet_elsewhere(place: str, result: Result, ledger: Ledger) -> None:
    files = {saved(place, each, ledger).files for each in (result, another(result))}
    assert len(files) == len(names_in(place)) == 2


def test_an_input_is_shared_once_under_its_content(place: str, photo: Path) -> None:
    file = inspect(photo)
    target = Target.of(place)
    address = target.share(file)
    assert target.share(file) == address
    assert names_in(place) == [f"{file.digest}.jpg"]
    fetched = open_address(address)
    assert (fetched.digest, fetched.mime_type) == (file.digest, "image/jpeg")
    with fetched.open() as opened:
        assert opened.read() == photo.read_bytes()


def test_what_can_be_written_passes_the_check_and_leaves_nothing(place: str) -> None:
    Target.of(place).check()
    assert names_in(place) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no place for files"),
        ("nosuch://bucket/dir", "Protocol not known"),
        ("hdfs://host/dir", "pyarrow"),
    ],
)
def test_what_names_no_place_says_what_would(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Target.of(text)


def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for place in (str(tmp_path / "file" / "out"), f"local://{tmp_path}/file/out"):
        with pytest.raises(KieError, match=r"cannot be written: .*Nothing was spent"):
            Target.of(place).check()


def test_what_cannot_be_put_there_stays_at_kie(tmp_path: Path, result: Result, ledger: Ledger) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(KieError, match=f"Task {result.task_id} is paid, and its files stay") as caught:
        saved(f"local://{tmp_path}/file/out", result, ledger)
    assert caught.value.charged == "yes"
    assert [job.state for job in ledger.jobs()] == [State.SUCCEEDED]


@pytest.mark.parametrize("address", ["file:///nowhere/at/all.png", "memory://nowhere/at/all.png"])
def test_an_input_that_is_gone_is_said_so(address: str) -> None:
    with pytest.raises(UnusableMedia, match=r"does not exist|no such"):
        open_address(address)


def test_an_input_that_finds_no_room_here_is_said_so(monkeypatch: pytest.MonkeyPatch, photo: Path) -> None:
    address = Target.of(f"memory://{uuid.uuid4().hex}").share(inspect(photo))
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(UnusableMedia, match="cannot be read: there is no such"):
        open_address(address)


def test_a_password_is_neither_shown_nor_written_down() -> None:
    assert shown("sftp://me:secret@host/dir") == "sftp://me@host/dir"
    assert shown("s3://bucket/dir") == "s3://bucket/dir"
