"""`kie batch submit`, `kie worker` and `kie batch status` over a real database, and of a folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.batches.folders.folder import BatchFolder
from kie_registry.batches.workers.timings import Timings
from kie_registry.cli.run import run as run_here
from kie_registry.sandbox import Sandbox
from tests.cli.conftest import KIE
from tests.ledger.postgres import World

MODEL = "nano-banana-pro"
NOWHERE = "postgresql://nobody:secret@127.0.0.1:1/x"


class Kied:
    """`kie` in this process: its exit status, and what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> int:
        self.status = run_here(arguments)
        self.out, self.err = self._capsys.readouterr()
        return self.status

    def json(self, *arguments: str) -> Any:
        self(*arguments, "--json")
        return json.loads(self.out)


@pytest.fixture
def kie(
    environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kied:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KIE_DATABASE", raising=False)
    lines = [{"model": MODEL, "prompt": f"a cat {number}", "id": f"cat-{number}"} for number in (1, 2)]
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return Kied(capsys)


@pytest.fixture
def database(postgres: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty database, which the environment names."""
    monkeypatch.setattr("kie_registry.batches.workers.worker.Timings", lambda: Timings(look=0.05))
    monkeypatch.setenv("KIE_DATABASE", postgres.url)
    return postgres.url


def test_what_is_submitted_is_done_by_a_worker(kie: Kied, database: str, tmp_path: Path) -> None:
    assert kie("batch", "submit", "jobs.jsonl") == 0
    assert kie.out == "jobs: 2 jobs, 2 new\n"
    assert kie("worker", "--out", "pictures", "--drain") == 0
    paths = [str(tmp_path / f"pictures/cat-{number}.png") for number in (1, 2)]
    assert (sorted(kie.out.splitlines()), [Path(path).exists() for path in paths]) == (paths, [True, True])
    assert kie.err.endswith("2 done, 0 failed, 0 unknown; 8 credits.\n")
    (batch,) = kie.json("batch", "status", "jobs")["batches"]
    assert (batch["states"], batch["left"], batch["credits"]) == ({"collected": 2}, 0, 8.0)


def test_to_submit_again_adds_nothing(kie: Kied, database: str) -> None:
    kie("batch", "submit", "jobs.jsonl", "--name", "cats")
    assert kie.json("batch", "submit", "jobs.jsonl", "--name", "cats") == {
        "name": "cats",
        "jobs": 2,
        "new": 0,
        "again": 0,
        "files": 0,
        "changed": 0,
        "kept": 0,
        "skipped": 0,
    }


def test_status_of_a_database_is_a_table(kie: Kied, database: str) -> None:
    kie("batch", "submit", "jobs.jsonl")
    assert kie("batch", "status", "--db", database) == 0
    headings, row = kie.out.splitlines()
    assert headings.split()[:4] == ["batch", "jobs", "done", "failed"]
    assert row.split()[:7] == ["jobs", "2", "0", "0", "0", "0", "2"]
    assert "`kie worker" in kie.err


@pytest.mark.parametrize(
    ("happens", "status", "count"),
    [
        (lambda box: box.end_next(fail_code="501"), 1, {"done": 1, "failed": 1, "unknown": 0}),
        (lambda box: box.answer_next("createTask", cut="after"), 3, {"done": 1, "failed": 0, "unknown": 1}),
    ],
    ids=["failed", "unknown"],
)
def test_how_a_drained_worker_exits(
    kie: Kied, database: str, box: Sandbox, happens: Callable[[Sandbox], None], status: int, count: dict[str, int]
) -> None:
    happens(box)
    kie("batch", "submit", "jobs.jsonl")
    assert kie.json("worker", "--out", "pictures", "--drain") == count | {"credits": 4.0}
    assert (kie.status, kie.err.count("jobs cat-")) == (status, 1)


def test_a_worker_ends_well_when_interrupted(kie: Kied, database: str, tmp_path: Path) -> None:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    kie("batch", "submit", "jobs.jsonl")
    with subprocess.Popen([*KIE, "worker", "--out", "pictures"], cwd=tmp_path, **pipes) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        worker.stdout.readline()
        worker.send_signal(signal.SIGTERM)
        _, err = worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert "Interrupted: no more jobs are taken" in err
    assert err.endswith("2 done, 0 failed, 0 unknown; 8 credits.\n")


@pytest.mark.parametrize(
    ("text", "number"),
    [("{0}", "1 key"), ("{0},{0}", "1 key"), ("{0}\n", "1 key"), ("{0}, another\tthird\n", "3 keys")],
)
def test_keys_from_a_file_are_taken_each_once(
    kie: Kied, database: str, box: Sandbox, tmp_path: Path, text: str, number: str
) -> None:
    (tmp_path / "keys").write_text(text.format(box.key), "utf-8")
    kie("worker", "--keys-from", "keys", "--drain")
    assert (f" with {number}," in kie.err, box.key in kie.err) == (True, False)


def test_several_keys_in_the_environment_win(kie: Kied, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIE_API_KEYS", "one, two")
    assert kie("worker", "--drain") == 1
    assert " with 2 keys," in kie.err


def test_the_results_of_many_machines_are_printed(kie: Kied, database: str, tmp_path: Path) -> None:
    kie("batch", "submit", "jobs.jsonl")
    kie("worker", "--out", "pictures", "--drain")
    assert kie("batch", "results", "jobs.jsonl") == 0
    lines = [json.loads(line) for line in kie.out.splitlines()]
    assert [(line["id"], line["state"], line["paths"]) for line in lines] == [
        (f"cat-{number}", "collected", [str(tmp_path / f"pictures/cat-{number}.png")]) for number in (1, 2)
    ]
    assert kie("batch", "results", "jobs", "--out", "results.jsonl") == 0
    assert [json.loads(line)["paths"] for line in Path("results.jsonl").read_text("utf-8").splitlines()] == [
        [f"pictures/cat-{number}.png"] for number in (1, 2)
    ]


def test_a_batch_is_found_by_the_manifest_that_it_was_made_of(kie: Kied, database: str) -> None:
    kie("batch", "submit", "jobs.jsonl")
    assert [batch["name"] for batch in kie.json("batch", "status", "jobs.jsonl")["batches"]] == ["jobs"]


# It was asked for wrongly.

SUBMIT = ["batch", "submit", "jobs.jsonl"]
WORK = ["worker", "--out", "pictures"]
WRONG: dict[str, tuple[list[str], int, str]] = {
    "submit to no database": (SUBMIT, 2, "no database is named: give --db"),
    "work for no database": (WORK, 2, "no database is named: give --db"),
    "status of nothing": (["batch", "status"], 2, "name the folder of a batch, or a database"),
    "submit to another kind": (
        [*SUBMIT, "--db", "mysql://me:secret@x/y"],
        2,
        "--db (KIE_DATABASE) is 'mysql://me@x/y'",
    ),
    "submit to nobody": ([*SUBMIT, "--db", NOWHERE], 1, "postgresql://nobody@127.0.0.1:1/x"),
    "work for nobody": ([*WORK, "--db", NOWHERE], 1, "postgresql://nobody@127.0.0.1:1/x"),
    "status of nobody": (["batch", "status", "--db", NOWHERE], 1, "postgresql://nobody@127.0.0.1:1/x"),
    "no manifest": (["batch", "submit", "nowhere.jsonl", "--db", NOWHERE], 2, "nowhere.jsonl: cannot be read"),
    "no file of keys": ([*WORK, "--db", NOWHERE, "--keys-from", "keys"], 2, "--keys-from keys: cannot be read"),
    "no folder": (["batch", "status", "nowhere"], 2, "nowhere is no folder"),
    "a folder without a batch": (["batch", "status", "."], 2, ". holds no batch"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), WRONG.values(), ids=WRONG.keys())
def test_wrong_uses(kie: Kied, arguments: list[str], status: int, said: str) -> None:
    assert kie(*arguments) == status
    assert said in kie.err
    assert "secret" not in kie.err


def test_a_worker_needs_a_key(kie: Kied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIE_API_KEY")
    assert kie("worker", "--db", NOWHERE) == 2
    assert "KIE_API_KEYS or KIE_API_KEY has none" in kie.err


def test_a_batch_that_the_database_does_not_know(kie: Kied, database: str) -> None:
    assert kie("batch", "status", "dogs") == 2
    assert "has no batch called 'dogs'" in kie.err


@pytest.mark.parametrize("arguments", [SUBMIT, WORK, ["batch", "status"]], ids=["submit", "worker", "status"])
def test_the_extra_is_named_where_it_is_missing(
    kie: Kied, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    assert kie(*arguments, "--db", NOWHERE) == 2
    assert "pip install 'kie-registry[batch]'" in kie.err


# The status of a folder.


def test_status_of_a_folder(kie: Kied) -> None:
    kie("batch", "run", "jobs.jsonl", "--out", "out", "--max-credits", "5", "--concurrency", "1")
    assert kie("batch", "status", "out") == 0
    assert [line.split() for line in kie.out.splitlines()[1:]] == [
        ["nobody", "works", "on", "it", "now"],
        ["state", "jobs", "credits"],
        ["planned", "1", "0"],
        ["collected", "1", "4"],
        ["all", "2", "4"],
    ]
    assert "--out out`, with the options of the first time, goes on" in kie.err


def test_status_of_a_folder_counts_what_is_sent_again_and_not_what_is_withdrawn(
    kie: Kied, tmp_path: Path, box: Sandbox
) -> None:
    lines = [{"model": MODEL, "prompt": f"a cat {number}", "id": f"cat-{number}"} for number in (1, 2, 3, 4)]
    run = ["batch", "run", "jobs.jsonl", "--out", "out", "--concurrency", "1"]
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    box.end_next(fail_code="501")
    kie(*run, "--max-credits", "8")
    box.answer_next("createTask", code=422, message="no cats today")
    (tmp_path / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:3]), "utf-8")
    kie(*run)
    assert kie("batch", "status", "out") == 0
    assert [line.split() for line in kie.out.splitlines()[3:]] == [
        ["refused", "1", "0"],
        ["failed", "1", "0"],
        ["collected", "1", "4"],
        ["withdrawn", "1", "0"],
        ["all", "4", "at", "least", "4"],
    ]
    assert kie.err.startswith("1 job left: `kie batch run ")


def test_status_of_the_results_in_a_folder(kie: Kied) -> None:
    kie("batch", "run", "jobs.jsonl", "--out", "out")
    assert kie.json("batch", "status", "out/results.jsonl")["total"] == 2


def test_status_of_a_file_that_is_no_folder(kie: Kied) -> None:
    assert kie("batch", "status", "jobs.jsonl") == 2
    assert ("jobs.jsonl is no folder" in kie.err, "sent" in kie.err) == (True, False)


@pytest.mark.parametrize(("variable", "option"), [(True, ""), (False, " --db URL")])
def test_the_database_is_named_where_no_variable_does(
    kie: Kied, database: str, monkeypatch: pytest.MonkeyPatch, variable: bool, option: str
) -> None:
    if not variable:
        monkeypatch.delenv("KIE_DATABASE")
    kie("batch", "submit", "jobs.jsonl", "--db", database)
    assert kie.err.endswith(
        f"Workers do them: kie worker{option} --out DIR. How far they are: kie batch status jobs{option}\n"
    )


def test_status_of_a_folder_says_who_works_on_it(kie: Kied) -> None:
    kie("batch", "run", "jobs.jsonl", "--out", "out")
    with BatchFolder("out").held():
        assert kie.json("batch", "status", "out")["holder"].startswith("process ")
    assert kie.json("batch", "status", "out")["holder"] is None


def test_status_of_a_folder_with_a_ledger_of_its_own(kie: Kied, tmp_path: Path) -> None:
    kie("batch", "run", "jobs.jsonl", "--out", "out", "--ledger", "own.sqlite3")
    assert kie.json("batch", "status", "out")["states"] == {"collected": {"jobs": 2, "credits": 8.0}}
    (tmp_path / "own.sqlite3").rename("moved.sqlite3")
    assert kie("batch", "status", "out") == 2
    assert "own.sqlite3, which knows the jobs of this batch, is not there" in kie.err
    assert kie("batch", "status", "out", "--ledger", "moved.sqlite3") == 0


def test_a_folder_is_meant_though_there_is_a_database(kie: Kied, monkeypatch: pytest.MonkeyPatch) -> None:
    kie("batch", "run", "jobs.jsonl", "--out", "out")
    monkeypatch.setenv("KIE_DATABASE", NOWHERE)
    assert kie.json("batch", "status", "out")["total"] == 2
