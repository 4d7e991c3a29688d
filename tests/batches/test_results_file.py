"""``results.jsonl``: what it says of each job, and that it is whole again after whatever happened to it."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

from kie_registry import KieError
from kie_registry.batches.folders.beginning import begin
from kie_registry.batches.folders.folder import BatchFolder
from kie_registry.batches.folders.results_file import ResultsFile
from kie_registry.batches.plans.planning import Plan
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.ledger import Job, SqliteLedger, State
from tests.batches.manifests import plan_of, prompts

URL = "https://files.example.com/1.png"


@frozen
class Batch:
    """A batch in a folder, whose jobs tests bring to their ends."""

    home: Path
    ledger: SqliteLedger

    @property
    def folder(self) -> Path:
        return self.home / "out"

    def begin(self, plan: Plan, **options: Any) -> str:
        begun = begin(BatchFolder(self.folder), plan, self.ledger, account="", manifest=self.home / "m", **options)
        return begun.batch

    def end(self, number: int, state: State = State.COLLECTED, **changes: Any) -> Outcome:
        """Bring the job that was planned as this one, from 1, to a state; return its outcome."""
        job = self.ledger.jobs()[-number]
        self.ledger.move(job.id, State.SENDING)
        if state in (State.UNKNOWN, State.REFUSED):
            self.ledger.move(job.id, state, **changes)
        else:
            self.ledger.move(job.id, State.RUNNING, task_id=f"task_{number}")
            ended = {"result": json.dumps({"resultUrls": [URL]}), "credits": 4.0, "seconds": 1.5}
            if state == State.FAILED:
                self.ledger.move(job.id, state, **changes)
            elif state != State.RUNNING:
                self.ledger.move(job.id, State.SUCCEEDED, **{**ended, **changes})
            if state == State.COLLECTED:
                self.ledger.move(job.id, state, files=(str(self.folder / f"{number}.png"),))
        return Outcome(self.now(job))

    def now(self, job: Job) -> Job:
        found = self.ledger.get(job.id)
        assert found is not None
        return found

    def text(self) -> str:
        return (self.folder / "results.jsonl").read_text()

    def said(self) -> list[tuple[Any, ...]]:
        """Return the line and the state of each job, and its error, in the order of the file."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [(line["line"], line["state"], line["error"]) for line in lines]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    (tmp_path / "out").mkdir()
    return Batch(tmp_path, SqliteLedger(tmp_path / "ledger.sqlite3"))


@pytest.fixture
def plan() -> Iterator[Plan]:
    with plan_of({"prompt": "a", "id": "x"}, *prompts("b", "c")) as plan:
        yield plan


def test_a_line_says_all_that_is_known_of_a_job(batch: Batch, plan: Plan) -> None:
    batch_id = batch.begin(plan)
    job = batch.end(1).job
    ResultsFile(batch.folder, plan).finish(batch.ledger, batch_id)
    assert json.loads(batch.text()) == {
        "id": "x",
        "key": "id:x",
        "line": 1,
        "name": "x",
        "model": "nano-banana-pro",
        "state": "collected",
        "task_id": "task_1",
        "job_id": job.id,
        "urls": [URL],
        "paths": ["1.png"],
        "credits": 4.0,
        "seconds": 1.5,
        "error": None,
    }


ENDS: dict[State, tuple[dict[str, Any], str | None]] = {
    State.RUNNING: ({}, None),
    State.SUCCEEDED: ({}, None),
    State.FAILED: ({"reason": "tired"}, "tired"),
    State.REFUSED: ({"reason": "no"}, "no"),
    State.UNKNOWN: ({"reason": "lost"}, "lost"),
}


@pytest.mark.parametrize("state", ENDS)
def test_at_the_end_all_that_was_sent_stands_there_in_its_state(batch: Batch, plan: Plan, state: State) -> None:
    batch_id = batch.begin(plan)
    changes, error = ENDS[state]
    batch.end(2, state, **changes)
    ResultsFile(batch.folder, plan).finish(batch.ledger, batch_id)
    assert batch.said() == [(2, str(state), error)]


@pytest.mark.parametrize("state", [State.RUNNING, State.SUCCEEDED])
def test_at_the_beginning_only_what_is_over_stands_there(batch: Batch, plan: Plan, state: State) -> None:
    batch_id = batch.begin(plan)
    batch.end(1, state)
    batch.end(3)
    ResultsFile(batch.folder, plan).begin(batch.ledger, batch_id)
    assert batch.said() == [(3, "collected", None)]


def test_what_comes_is_added_and_then_put_in_order(batch: Batch, plan: Plan) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    for number in (3, 1):
        results.append(batch.end(number))
    as_it_came = batch.said()
    results.finish(batch.ledger, batch_id)
    in_order = [(1, "collected", None), (3, "collected", None)]
    assert (as_it_came, batch.said()) == (in_order[::-1], in_order)


def test_the_order_is_that_of_the_manifest_and_not_of_the_ledger(batch: Batch, plan: Plan) -> None:
    batch.begin(plan)
    with plan_of(*prompts("d", "c")) as edited:
        batch_id = batch.begin(edited)
        for number in (1, 3, 4):
            batch.end(number) if number != 1 else None
        ResultsFile(batch.folder, edited).finish(batch.ledger, batch_id)
    assert [line for line, _, _ in batch.said()] == [1, 2]


def test_what_the_manifest_names_no_longer_stands_last_where_it_was_sent(batch: Batch, plan: Plan) -> None:
    batch.begin(plan)
    batch.end(1)
    with plan_of(*prompts("c")) as edited:
        batch_id = batch.begin(edited)
        batch.end(3)
        ResultsFile(batch.folder, edited).finish(batch.ledger, batch_id)
    assert batch.said() == [(1, "collected", None), (None, "collected", None)]


@pytest.mark.parametrize("torn", ["", "nonsense", '{"id": "x", "key": "id'])
def test_a_file_that_was_cut_off_is_whole_at_the_next_start(batch: Batch, plan: Plan, torn: str) -> None:
    batch_id = batch.begin(plan)
    batch.end(1)
    (batch.folder / "results.jsonl").write_text(torn)
    ResultsFile(batch.folder, plan).begin(batch.ledger, batch_id)
    assert batch.said() == [(1, "collected", None)]


def test_why_a_paid_job_was_not_saved_is_said_until_the_end(batch: Batch, plan: Plan) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    results.append(evolve(batch.end(1, State.SUCCEEDED), error=KieError("the disk is full")))
    as_it_came = batch.said()
    results.finish(batch.ledger, batch_id)
    assert as_it_came == batch.said() == [(1, "succeeded", "the disk is full")]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("{folder}/sub/a.png", "sub/a.png"),
        ("/other/a.png", "/other/a.png"),
        ("s3://bucket/a.png", "s3://bucket/a.png"),
    ],
)
def test_paths_are_relative_to_the_folder_where_they_lie_in_it(
    batch: Batch, plan: Plan, path: str, shown: str
) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    where: Any = [path.replace("{folder}", str(batch.folder))]
    results.append(evolve(batch.end(1), paths=where))
    results.close()
    assert json.loads(batch.text())["paths"] == [shown]


@pytest.mark.parametrize("result", ["no JSON", "[]", "{}", "null", '{"resultUrls": 5}', "[" * 100_000])
def test_a_result_that_names_no_files_has_no_urls(batch: Batch, plan: Plan, result: str) -> None:
    batch_id = batch.begin(plan)
    batch.end(1, result=result)
    ResultsFile(batch.folder, plan).finish(batch.ledger, batch_id)
    assert json.loads(batch.text())["urls"] == []


def test_a_line_that_cannot_be_added_is_logged_and_stands_there_in_the_end(
    batch: Batch, plan: Plan, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: _no_room())
        results.append(batch.end(1))
    assert "could not be added: No space left" in caplog.text
    results.finish(batch.ledger, batch_id)
    assert batch.said() == [(1, "collected", None)]


def _no_room() -> int:
    raise OSError(28, "No space left on device")


def test_half_a_line_is_a_line_of_its_own(batch: Batch, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    write = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, content: write(file, content[:10]))
        results.append(batch.end(1))
    results.append(batch.end(2))
    results.close()
    first, second = batch.text().splitlines()
    assert (len(first), json.loads(second)["line"]) == (10, 2)


def test_a_file_that_cannot_be_written_says_what_is_lost_by_that(batch: Batch, plan: Plan) -> None:
    batch_id = batch.begin(plan)
    (batch.folder / "results.jsonl").mkdir()
    with pytest.raises(KieError, match=r"results\.jsonl cannot be written: Is a directory.*stands in the ledger"):
        ResultsFile(batch.folder, plan).begin(batch.ledger, batch_id)


def test_nothing_is_left_beside_it(batch: Batch, plan: Plan) -> None:
    batch_id = batch.begin(plan)
    results = ResultsFile(batch.folder, plan)
    results.begin(batch.ledger, batch_id)
    results.finish(batch.ledger, batch_id)
    assert sorted(path.name for path in batch.folder.iterdir()) == [".kie-batch.json", "results.jsonl"]


def test_many_jobs_are_never_held_in_memory(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kie_registry.ledger.pages._PAGE", 5)
    with plan_of(*prompts(*map(str, range(100)))) as plan:
        batch_id = batch.begin(plan)
        with batch.ledger.together():
            for job in batch.ledger.jobs():
                batch.ledger.move(job.id, State.REFUSED, reason="x" * 100_000)
        tracemalloc.start()
        try:
            ResultsFile(batch.folder, plan).finish(batch.ledger, batch_id)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 5_000_000 < (batch.folder / "results.jsonl").stat().st_size, most
