"""Batches are put into a database once, with their files, and tell how they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kie_registry.batches.manifests.lines import Line
from kie_registry.batches.plans.planning import check
from kie_registry.batches.workers.status import read_status
from kie_registry.batches.workers.submitting import Submitted, submit_batch
from kie_registry.errors import ConfigurationError
from kie_registry.ledger import Job, PostgresLedger, State
from kie_registry.ledger.job import new_id
from kie_registry.registry import default_registry
from tests.batches.workers import MODEL, emptied, plan_of, run, submitted
from tests.ledger.postgres import World

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def database(postgres: World) -> str:
    """The address of a database with an empty queue and an empty ledger."""
    return emptied(postgres)


@pytest.fixture
def ledger(postgres: World, database: str) -> PostgresLedger:
    del database
    return postgres.ledger()


def test_the_same_file_again_adds_only_what_is_new(database: str, tmp_path: Path) -> None:
    assert submitted(database, 3, tmp_path).new == 3
    more = submitted(database, 5, tmp_path)
    assert (more.jobs, more.new) == (5, 2)
    assert run(database, "SELECT count(*) FROM jobs") == [(5,)]


def resubmitted(database: str, texts: list[str], base: Path) -> Submitted:
    """Submit these prompts with the ids of `submitted`."""
    lines = [Line(place + 1, MODEL, {"prompt": text}, id=f"job-{place}") for place, text in enumerate(texts)]
    with check(lines, default_registry(), base=base) as plan:
        return submit_batch(database, plan, "batch", default_registry())


def test_another_file_with_the_same_ids_is_no_part_of_the_batch(database: str, tmp_path: Path) -> None:
    submitted(database, 2, tmp_path)
    with pytest.raises(ConfigurationError, match=r"another batch called 'batch'.*--name.*Nothing was put in"):
        resubmitted(database, ["a dog", "two dogs"], tmp_path)


@pytest.mark.parametrize("refused", [False, True])
def test_a_line_that_has_changed_is_brought_up_to_date(
    database: str, ledger: PostgresLedger, tmp_path: Path, *, refused: bool
) -> None:
    submitted(database, 2, tmp_path)
    if refused:
        ledger.move(ledger.batch("batch")[1].id, State.REFUSED)
    again = resubmitted(database, ["picture 0", "a dog"], tmp_path)
    assert (again.changed, again.kept, again.new) == (1, 0, 0)
    (_, job) = ledger.batch("batch")
    assert ((job.input or {})["prompt"], job.state, job.owner) == ("a dog", State.PLANNED, None)


def test_what_was_sent_under_an_id_is_left_and_said(database: str, ledger: PostgresLedger, tmp_path: Path) -> None:
    submitted(database, 2, tmp_path)
    ledger.claim(ledger.batch("batch")[1].id)
    again = resubmitted(database, ["picture 0", "a dog"], tmp_path)
    assert (again.changed, again.kept, again.new) == (0, 1, 0)


def test_files_that_were_copied_elsewhere_are_the_same(database: str, tmp_path: Path, photo: Path) -> None:
    submitted(database, 1, tmp_path, files=tmp_path / "one", images=[str(photo)])
    again = submitted(database, 1, tmp_path, files=tmp_path / "other", images=[str(photo)])
    assert (again.changed, again.kept) == (0, 0)


def test_what_was_refused_is_planned_again(database: str, ledger: PostgresLedger, tmp_path: Path) -> None:
    submitted(database, 2, tmp_path)
    (job, _) = ledger.batch("batch")
    ledger.move(job.id, State.REFUSED)
    assert submitted(database, 2, tmp_path).again == 1
    assert {job.state for job in ledger.batch("batch")} == {State.PLANNED}


def test_a_file_is_copied_once_however_often_it_is_named(
    database: str, ledger: PostgresLedger, tmp_path: Path, photo: Path
) -> None:
    shared = tmp_path / "shared"
    assert submitted(database, 3, tmp_path, files=shared, images=[str(photo)]).files == 1
    (copy,) = shared.iterdir()
    assert copy.read_bytes() == photo.read_bytes()
    addresses = {(job.input or {})["image_input"][0] for job in ledger.batch("batch")}
    assert addresses == {f"{copy.as_uri()}#sha256={copy.stem}"}


def test_local_files_need_a_place_that_others_can_read(
    database: str, ledger: PostgresLedger, tmp_path: Path, photo: Path
) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"line 1 names {re.escape(str(photo))}.*--files.*Nothing was put in"
    ):
        submitted(database, 1, tmp_path, images=[str(photo)])
    assert ledger.batch("batch") == []


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201, "0" * 32])
def test_a_name_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    with plan_of(1, tmp_path) as plan, pytest.raises(ConfigurationError, match="the batch's name is"):
        submit_batch("postgresql://nobody@nowhere/nothing", plan, name, default_registry())


def test_status_tells_how_each_batch_stands_and_who_works(
    database: str, ledger: PostgresLedger, tmp_path: Path
) -> None:
    submitted(database, 3, tmp_path, name="one")
    submitted(database, 1, tmp_path, name="other")
    sent, failed, _ = (job.id for job in ledger.batch("one"))
    for number, job_id in enumerate((sent, failed)):
        ledger.claim(job_id)
        ledger.move(job_id, State.SENDING, attempt=1)
        ledger.move(job_id, State.RUNNING, task_id=f"task_{number}")
    ledger.move(failed, State.FAILED, credits=4.0)
    status = read_status(database)
    one, other = status.batches
    assert (one.name, other.name) == ("one", "other")
    assert one.counts == {State.PLANNED: 1, State.RUNNING: 1, State.FAILED: 1}
    assert (one.total, one.left, one.credits) == (3, 2, 4.0)
    assert one.rate == pytest.approx(1 / 60)
    assert one.oldest is not None
    assert [worker.jobs for worker in status.workers] == [1]
    assert status.waiting == 4


def test_status_names_what_is_unknown(database: str, ledger: PostgresLedger, tmp_path: Path) -> None:
    submitted(database, 1, tmp_path)
    (job,) = ledger.batch("batch")
    ledger.claim(job.id)
    ledger.move(job.id, State.SENDING, attempt=1)
    ledger.move(job.id, State.UNKNOWN)
    (batch,) = read_status(database, "batch").batches
    assert ([each.id for each in batch.unknown], batch.left, batch.oldest) == ([job.id], 0, None)


def test_status_leaves_out_what_one_machine_runs(database: str, ledger: PostgresLedger) -> None:
    ledger.plan([Job(account="a", model="m", input={}, batch=new_id(), key="1")])
    assert read_status(database).batches == []


def test_status_of_a_batch_that_nobody_knows_is_empty(database: str) -> None:
    assert read_status(database, "nothing").batches == []
