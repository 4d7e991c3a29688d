"""Beginning a batch in its folder, and going on with it: nothing is planned twice, or that is not wanted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from kie_registry import ConfigurationError
from kie_registry.batches.folders.beginning import Begun, begin
from kie_registry.batches.folders.folder import MARKER, BatchFolder
from kie_registry.ledger import Job, SqliteLedger, State
from tests.batches.manifests import plan_of, prompts


@frozen
class Run:
    """Runs of batches into one folder, that send nothing."""

    home: Path
    ledger: SqliteLedger

    @property
    def folder(self) -> BatchFolder:
        return BatchFolder(self.home / "out")

    def begin(self, *jobs: Mapping[str, Any], manifest: str | None = "jobs.jsonl", **options: Any) -> Begun:
        options = {"ledger": self.ledger, "account": "me", **options}
        path = None if manifest is None else self.home / manifest
        with self.folder.held(), plan_of(*jobs) as plan:
            return begin(self.folder, plan, manifest=path, **options)

    def jobs(self) -> list[Job]:
        return self.ledger.jobs()[::-1]

    def said(self) -> list[tuple[str, State]]:
        return [((job.input or {})["prompt"], job.state) for job in self.jobs()]

    def came_to(self, job: Job, state: State) -> None:
        """Bring a planned job to a state."""
        steps = [State.SENDING, State.RUNNING, State.SUCCEEDED, State.COLLECTED]
        for step in steps[: steps.index(state) + 1] if state in steps else [State.SENDING, state]:
            changes: dict[str, Any] = {"task_id": f"task_{job.id}"} if step == State.RUNNING else {}
            self.ledger.move(job.id, step, **changes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, SqliteLedger(tmp_path / "ledger.sqlite3"))


def test_the_jobs_of_a_new_batch_are_planned_in_order(run: Run) -> None:
    begun = run.begin(*prompts("a", "b"))
    assert (begun.new, run.said()) == (2, [("a", State.PLANNED), ("b", State.PLANNED)])
    assert {(job.batch, job.directory, job.account, job.owner) for job in run.jobs()} == {
        (begun.batch, str(run.folder.path), "me", None)
    }


def test_the_same_manifest_goes_on_with_its_batch(run: Run) -> None:
    first = run.begin(*prompts("a", "a"))
    assert run.begin(*prompts("a", "a")) == evolve(first, new=0)


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.COLLECTED, State.UNKNOWN])
def test_what_was_sent_is_left_as_it_is(run: Run, state: State) -> None:
    run.begin(*prompts("a", "b"))
    run.came_to(run.jobs()[0], state)
    run.begin(*prompts("a", "b"))
    assert run.said() == [("a", state), ("b", State.PLANNED)]


def test_what_was_refused_is_planned_again(run: Run) -> None:
    run.begin(*prompts("a"))
    run.came_to(run.jobs()[0], State.REFUSED)
    run.begin(*prompts("a"))
    assert run.said() == [("a", State.PLANNED)]


def test_lines_that_are_new_are_added(run: Run) -> None:
    run.begin(*prompts("a"))
    assert run.begin(*prompts("b", "a", "a")).new == 2
    assert [text for text, _ in run.said()] == ["a", "b", "a"]


def test_a_line_that_is_gone_is_not_sent_any_more(run: Run) -> None:
    run.begin(*prompts("a", "b", "c"))
    run.came_to(run.jobs()[0], State.COLLECTED)
    assert run.begin(*prompts("c")).withdrawn == 1
    assert run.said() == [("a", State.COLLECTED), ("b", State.REFUSED), ("c", State.PLANNED)]


def test_a_line_that_comes_back_is_sent(run: Run) -> None:
    run.begin(*prompts("a", "b"))
    run.begin(*prompts("b"))
    assert run.begin(*prompts("a", "b")).withdrawn == 0
    assert run.said() == [("a", State.PLANNED), ("b", State.PLANNED)]


def test_a_job_that_was_not_sent_says_what_its_line_says_now(run: Run) -> None:
    run.begin({"id": "1", "prompt": "a", "name": "x"}, {"id": "2", "prompt": "b"})
    begun = run.begin({"id": "1", "prompt": "c", "name": "y"}, {"id": "2", "prompt": "b"})
    assert (run.said(), begun.new, begun.kept) == ([("c", State.PLANNED), ("b", State.PLANNED)], 0, 0)
    assert run.jobs()[0].name == "y"


def test_a_job_that_was_sent_stays_what_it_was_under_its_id_and_is_counted(run: Run) -> None:
    run.begin({"id": "1", "prompt": "a"})
    run.came_to(run.jobs()[0], State.COLLECTED)
    assert run.begin({"id": "1", "prompt": "c"}).kept == 1
    assert run.said() == [("a", State.COLLECTED)]


def test_a_photo_that_was_moved_is_found_where_it_is_now(run: Run, photo: Path) -> None:
    run.begin({"prompt": "a", "images": [photo]})
    moved = photo.rename(photo.with_name("moved.jpg"))
    run.begin({"prompt": "a", "images": [moved]})
    (job,) = run.jobs()
    assert moved.as_uri() in (job.input or {})["image_input"][0]


def test_what_a_process_left_behind_that_has_ended_is_brought_up_to_date(run: Run) -> None:
    run.begin({"id": "1", "prompt": "a"})
    with closing(sqlite3.connect(run.ledger.path)) as connection, connection:
        connection.execute("UPDATE jobs SET owner = ?", ("0" * 32,))
    run.begin({"id": "1", "prompt": "b"})
    assert [((job.input or {})["prompt"], job.owner) for job in run.jobs()] == [("b", None)]


@pytest.mark.parametrize("planned", [0, 1])
def test_a_process_that_was_killed_while_it_planned_has_begun_nothing_else(
    run: Run, monkeypatch: pytest.MonkeyPatch, planned: int
) -> None:
    def killed(jobs: Any) -> int:
        SqliteLedger.plan(run.ledger, jobs[:planned])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run.ledger, "plan", killed)
        with pytest.raises(KeyboardInterrupt):
            run.begin(*prompts("a", "b"))
    before = {job.batch for job in run.jobs()}
    begun = run.begin(*prompts("b"), manifest="another.jsonl")
    assert before <= {begun.batch}
    assert [text for text, state in run.said() if state == State.PLANNED] == ["b"]


def test_another_manifest_is_no_batch_of_this_folder(run: Run) -> None:
    run.begin(*prompts("a"))
    with pytest.raises(ConfigurationError) as raised:
        run.begin(*prompts("b"), manifest="other.jsonl")
    told = str(raised.value)
    assert all(words in told for words in ("jobs.jsonl", "--out", "--add", "Nothing was sent")), told
    assert run.said() == [("a", State.PLANNED)]


def test_other_jobs_of_a_program_are_no_batch_of_this_folder(run: Run) -> None:
    run.begin(*prompts("a"), manifest=None)
    with pytest.raises(ConfigurationError, match="another batch already, whose jobs a program named"):
        run.begin(*prompts("b"), manifest=None)


def test_a_manifest_under_another_name_that_shares_jobs_goes_on(run: Run) -> None:
    first = run.begin(*prompts("a", "b"))
    assert run.begin(*prompts("b", "c"), manifest="renamed.jsonl").batch == first.batch


def test_the_jobs_of_another_manifest_can_be_added(run: Run) -> None:
    first = run.begin(*prompts("a"))
    second = run.begin(*prompts("b"), manifest="other.jsonl", add=True)
    assert (second, run.said()) == (
        Begun(first.batch, new=1),
        [("a", State.PLANNED), ("b", State.PLANNED)],
    )


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED, State.COLLECTED, State.UNKNOWN])
def test_what_another_account_has_sent_is_not_gone_on_with(run: Run, state: State) -> None:
    run.begin(*prompts("a"))
    run.came_to(run.jobs()[0], state)
    with pytest.raises(ConfigurationError) as raised:
        run.begin(*prompts("a", "b"), account="you")
    told = str(raised.value)
    assert all(word in told for word in ("another key", "another address", "--out", "Nothing was sent")), told
    assert run.said() == [("a", state)]


@pytest.mark.parametrize("state", [State.PLANNED, State.REFUSED])
def test_what_another_account_has_not_sent_is_gone_on_with_for_good(run: Run, state: State) -> None:
    first = run.begin(*prompts("a"))
    if state == State.REFUSED:
        run.came_to(run.jobs()[0], state)
    assert run.begin(*prompts("a"), account="you").batch == first.batch
    run.ledger.move(run.jobs()[0].id, State.SENDING, account="you")
    run.ledger.move(run.jobs()[0].id, State.RUNNING, task_id="task_1")
    run.begin(*prompts("a"), account="you")
    with pytest.raises(ConfigurationError, match="another key"):
        run.begin(*prompts("a"))


@pytest.mark.parametrize("state", [State.RUNNING, State.COLLECTED])
def test_a_folder_that_does_not_say_whose_it_is_keeps_only_tasks_of_others_from_being_read(
    run: Run, state: State
) -> None:
    run.begin(*prompts("a"))
    run.came_to(run.jobs()[0], state)
    marker = run.folder.marker()
    assert marker is not None
    run.folder.write_marker(evolve(marker, account=""))
    if state == State.COLLECTED:
        assert run.begin(*prompts("a"), account="you").new == 0
    else:
        with pytest.raises(ConfigurationError, match="another key"):
            run.begin(*prompts("a"), account="you")


def test_a_batch_that_another_ledger_knows_is_not_paid_again(run: Run) -> None:
    run.begin(*prompts("a"))
    other = SqliteLedger(run.home / "other.sqlite3")
    with pytest.raises(ConfigurationError) as raised:
        run.begin(*prompts("a"), ledger=other)
    assert f"Run it with --ledger {run.ledger.path}" in str(raised.value)
    assert other.jobs() == []


def test_a_batch_whose_ledger_is_lost_is_not_paid_again(run: Run) -> None:
    run.begin(*prompts("a"))
    run.ledger.close()
    for path in run.home.glob("ledger.sqlite3*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(ConfigurationError, match=r"moved away or replaced: nobody knows what is paid.*Restore"):
        run.begin(*prompts("a"))


def test_a_ledger_that_was_moved_goes_on_with_the_batch(run: Run) -> None:
    first = run.begin(*prompts("a"))
    run.ledger.close()
    moved = run.ledger.path.rename(run.home / "moved.sqlite3")
    again = Run(run.home, SqliteLedger(moved))
    assert again.begin(*prompts("a")).batch == first.batch
    assert (marker := again.folder.marker()) is not None
    assert marker.ledger == str(moved)


def test_results_without_a_marker_are_not_written_over(run: Run) -> None:
    run.begin(*prompts("a"))
    (run.folder.path / MARKER).unlink()
    (run.folder.path / "results.jsonl").touch()
    with pytest.raises(ConfigurationError, match=r"holds a results.jsonl, and no \.kie-batch\.json"):
        run.begin(*prompts("a"))
