"""`kie batch run`: what it says, what it leaves in the folder, and how it exits."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kie_registry.batches.folders.folder import BatchFolder
from kie_registry.cli.run import run as run_here
from kie_registry.sandbox import Sandbox
from kie_registry.whole_files import place

MODEL = "nano-banana-pro"
CATS = [{"model": MODEL, "prompt": f"a cat {number}", "id": f"cat-{number}"} for number in (1, 2, 3)]


class Kied:
    """`kie batch run` of a manifest in this process: its exit status, and what it said."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.out = directory / "out"
        self.manifest = directory / "jobs.jsonl"
        self._capsys = capsys
        self.write(CATS)

    def write(self, lines: list[dict[str, Any]]) -> None:
        self.manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")

    def __call__(self, *options: str, manifest: str | None = None) -> int:
        self.status = run_here(["batch", "run", manifest or str(self.manifest), "--out", str(self.out), *options])
        self.stdout, self.stderr = self._capsys.readouterr()
        return self.status

    def json(self, *options: str) -> Any:
        self(*options, "--json")
        return json.loads(self.stdout)

    @property
    def results(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "results.jsonl").read_text("utf-8").splitlines()]

    @property
    def pictures(self) -> list[str]:
        return sorted(path.name for path in self.out.glob("*.png"))


@pytest.fixture
def batch(
    environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kied:
    # The sandbox is near, and its tasks are short.
    for name in ("_FIRST_READ", "_SHORTEST", "_LONGEST"):
        monkeypatch.setattr(f"kie_registry.polling.{name}", 0.05)
    return Kied(tmp_path, capsys)


def creates(box: Sandbox) -> int:
    return sum("createTask" in request.path for request in box.requests)


# All is well.


def test_a_batch_is_done_and_said_to_be(batch: Kied) -> None:
    assert batch() == 0
    summary = f"3 done, 0 failed, 0 unknown; 12 credits; results in {batch.out}/results.jsonl\n"
    assert (batch.stdout, batch.stderr.splitlines()[0]) == (summary, "3 jobs")
    assert batch.pictures == ["cat-1.png", "cat-2.png", "cat-3.png"]
    assert [(line["id"], line["state"], line["paths"]) for line in batch.results] == [
        (f"cat-{number}", "collected", [f"cat-{number}.png"]) for number in (1, 2, 3)
    ]


def test_the_same_again_sends_nothing(batch: Kied, box: Sandbox) -> None:
    batch()
    assert batch() == 0
    said = f"all 3 were done before; nothing was sent; results in {batch.out}/results.jsonl\n"
    assert (batch.stdout, creates(box)) == (said, 3)


def test_the_same_again_says_what_failed_before(batch: Kied, box: Sandbox) -> None:
    failing(box)
    batch("--concurrency", "1")
    assert batch() == 1
    assert batch.stdout.startswith(
        "2 done, 1 failed, 0 unknown, all before; nothing was sent; at least 8 credits;"
    )


def test_what_is_new_is_told_apart_from_what_was_done(batch: Kied, box: Sandbox) -> None:
    batch()
    batch.write([*CATS, {"model": MODEL, "prompt": "a dog"}])
    assert batch() == 0
    assert (batch.stderr.splitlines()[0], creates(box)) == ("4 jobs: 3 ended before, 1 to do", 4)


def test_json_is_one_document(batch: Kied) -> None:
    said = batch.json()
    assert said.pop("seconds") > 0
    assert said == {
        "total": 3,
        "done": 3,
        "failed": 0,
        "unknown": 0,
        "running": 0,
        "left": 0,
        "late": 0,
        "earlier": 0,
        "skipped": 0,
        "withdrawn": 0,
        "kept": 0,
        "credits": 12.0,
        "unpriced": 0,
        "stopped": None,
        "results": str(batch.out / "results.jsonl"),
        "error": None,
        "errors": [],
        "more_errors": 0,
    }


def test_defaults_stand_on_the_command_line(batch: Kied, box: Sandbox) -> None:
    batch.write([{"prompt": "a cat"}, {"prompt": "a dog", "aspect_ratio": "1:1"}])
    images = ["--set", "images=https://x.test/1.png", "--set", "images=https://x.test/2.png"]
    assert batch("--model", MODEL, "--set", "aspect_ratio=16:9", *images) == 0
    addresses = ["https://x.test/1.png", "https://x.test/2.png"]
    assert sorted((task.input["prompt"], task.input["aspect_ratio"]) for task in box.tasks) == [
        ("a cat", "16:9"),
        ("a dog", "1:1"),
    ]
    assert [task.input["image_input"] for task in box.tasks] == [addresses, addresses]


# Something is not.


def failing(box: Sandbox) -> None:
    box.end_next(fail_code="501", fail_message="too many whiskers")


def refused(box: Sandbox) -> None:
    box.answer_next("createTask", code=422, message="no cats today")


def unknown(box: Sandbox) -> None:
    box.answer_next("createTask", cut="after")


def late(box: Sandbox) -> None:
    box.end_next(latency=math.inf)


def broken(box: Sandbox) -> None:
    box.answer_next("createTask", cut="after", times=3)


def rejected(box: Sandbox) -> None:
    box.answer_next("createTask", code=402, message="no credits", times=3)


ENDINGS: dict[str, tuple[Callable[[Sandbox], None], list[str], int, str, str]] = {
    "one failed": (failing, [], 1, "2 done, 1 failed, 0 unknown; at least 8 credits", "whiskers"),
    "one was refused": (refused, [], 1, "2 done, 1 failed, 0 unknown", "no cats today"),
    "one is not known": (unknown, [], 3, "2 done, 0 failed, 1 unknown", "`kie task list --unknown`"),
    "one is late": (
        late,
        ["--deadline", "1"],
        4,
        "2 done, 1 failed, 0 unknown",
        "The tasks of 1 job run on beyond the deadline",
    ),
    "no credits are left": (
        rejected,
        [],
        1,
        "0 done, 1 failed, 0 unknown, 2 left",
        "Once the account has credits again",
    ),
    "nobody answers": (
        broken,
        [],
        3,
        "0 done, 0 failed, 3 unknown",
        "Of 3 jobs nobody knows whether kie.ai accepted them",
    ),
    "it would cost too much": (
        lambda _: None,
        ["--max-credits", "9"],
        1,
        "2 done, 0 failed, 0 unknown, 1 left; 8 credits",
        "1 job not sent. With a higher --max-credits, the same command goes on.",
    ),
}


@pytest.mark.parametrize(("happens", "options", "status", "summary", "said"), ENDINGS.values(), ids=ENDINGS.keys())
def test_how_it_exits(
    batch: Kied,
    box: Sandbox,
    happens: Callable[[Sandbox], None],
    options: list[str],
    status: int,
    summary: str,
    said: str,
) -> None:
    happens(box)
    assert batch("--concurrency", "1", *options) == status
    assert batch.stdout.startswith(f"{summary};")
    assert said in batch.stderr


def test_each_failure_is_told_at_once_and_not_again(batch: Kied, box: Sandbox) -> None:
    failing(box)
    batch("--concurrency", "1")
    assert batch.stderr.count("Failed: cat-1: ") == 1
    assert batch() == 1
    assert "Failed: " not in batch.stderr


@pytest.mark.parametrize(("number", "more"), [(3, 0), (5, 1)])
def test_of_failures_that_say_the_same_three_are_shown(batch: Kied, box: Sandbox, number: int, more: int) -> None:
    batch.write([{"model": MODEL, "prompt": "a cat"}] * number)
    box.answer_next("createTask", code=422, message="no cats today", times=number)
    assert batch() == 1
    assert batch.stderr.count("\nFailed: job ") == 3
    assert batch.stderr.count(f"\nFailed: {number - 3} more jobs: ") == more


def test_with_a_wrong_key_nothing_is_sent_and_one_line_is_said(
    batch: Kied, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIE_API_KEY", "wrong")
    assert batch() == 1
    (line,) = batch.stderr.splitlines()
    assert ("the API key is not accepted" in line, batch.stdout, creates(box)) == (True, "", 0)


def test_without_credits_nothing_is_sent(batch: Kied, box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box._service, "balance", 0.0)
    assert batch() == 1
    assert batch.stderr.splitlines() == [
        "Stopped: the balance of the account is 0 credits",
        "3 jobs not sent. Once the account has credits again, the same command goes on.",
    ]
    assert creates(box) == 0


def test_the_balance_is_not_looked_at_for_nothing(batch: Kied, box: Sandbox) -> None:
    batch()
    before = len(box.requests)
    batch()
    assert len(box.requests) == before


def test_json_tells_why_jobs_failed(batch: Kied, box: Sandbox) -> None:
    failing(box)
    said = batch.json("--concurrency", "1")
    (error,) = said["errors"]
    assert (said["failed"], error["id"], error["type"], error["charged"]) == (1, "cat-1", "TaskFailed", "maybe")


def test_what_was_stopped_goes_on(batch: Kied, box: Sandbox) -> None:
    batch("--max-credits", "5", "--concurrency", "1")
    assert batch() == 0
    assert (creates(box), batch.stderr.splitlines()[0]) == (3, "3 jobs: 1 ended before, 2 to do")


def test_an_error_in_the_end_comes_beside_what_was_done(batch: Kied, monkeypatch: pytest.MonkeyPatch) -> None:
    results = iter([place])

    def full(partial: Path, path: Path, *, fresh: bool) -> None:
        if (working := next(results, None) if path.name == "results.jsonl" else place) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        working(partial, path, fresh=fresh)

    monkeypatch.setattr("kie_registry.whole_files.place", full)
    said = batch.json()
    assert (batch.status, said["done"]) == (1, 3)
    assert "No space left on device" in said["error"]
    assert "Error: " in batch.stderr


# It was asked for wrongly: nothing is sent.

WRONG: dict[str, tuple[list[str], str]] = {
    "a setting without a value": (["--set", "aspect_ratio"], "--set aspect_ratio: it takes NAME=VALUE"),
    "a setting without a name": (["--set", "=1"], "--set =1: it takes NAME=VALUE"),
    "the model as a setting": (["--set", "model=x"], "the model is given as --model x"),
    "an id for all": (["--set", "id=x"], "id is one line's own"),
    "a parameter that there is not": (
        ["--set", "colour=red"],
        "lines 1, 2 and 3, colour: is no parameter of nano-banana-pro",
    ),
    "nothing at once": (["--concurrency", "0"], "--concurrency"),
    "no credits": (["--max-credits", "0"], "'--max-credits': 0.0 is not in the range"),
    "no time": (["--deadline", "-1"], "'--deadline': -1.0 is not in the range"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG.keys())
def test_wrong_options(batch: Kied, box: Sandbox, options: list[str], said: str) -> None:
    assert batch(*options) == 2
    assert said in batch.stderr
    assert (box.requests, batch.stdout) == ([], "")


def test_no_folder(batch: Kied, box: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(["batch", "run", str(batch.manifest)]) == 2
    assert ("--out" in capsys.readouterr().err, box.requests) == (True, [])


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ("-", "standard input cannot be"),
        (".", "FILE is ., a folder"),
        ("nowhere.jsonl", "nowhere.jsonl: cannot be read"),
        ("jobs.txt", "jobs.txt: a manifest is JSONL"),
    ],
)
def test_wrong_manifests(batch: Kied, box: Sandbox, manifest: str, said: str) -> None:
    assert batch(manifest=manifest) == 2
    assert (said in batch.stderr, box.requests) == (True, [])


def test_wrong_lines_are_all_told(batch: Kied, box: Sandbox) -> None:
    batch.write([CATS[0], {"model": MODEL}, {"model": "nothing", "prompt": "a cat"}])
    error = batch.json()["error"]
    assert (batch.status, box.requests) == (2, [])
    assert [problem["parameter"] for problem in error["problems"]] == ["line 2, prompt", "line 3, model"]


def test_wrong_lines_that_are_alike_are_told_as_one(batch: Kied) -> None:
    batch.write([{"model": MODEL, "promt": "a cat", "prompt": "a cat"}] * 150 + [{"prompt": "a dog"}])
    assert batch() == 2
    first, *told = batch.stderr.splitlines()[:-1]
    assert first == "Error: Invalid request, 151 problems:"
    assert [line.partition(": ")[0] for line in told] == [
        "  - lines 1, 2, 3 and 97 more, promt",
        "  - and 51 more",
    ]


def test_a_model_that_is_missing_may_be_given_for_all(batch: Kied) -> None:
    batch.write([{"prompt": "a dog"}])
    assert batch() == 2
    said = "Error: Invalid request: line 1, model: is missing; --model MODEL names it for all that name none"
    assert batch.stderr.splitlines()[0] == said


def test_wrong_lines_may_be_left_out(batch: Kied) -> None:
    batch.write([CATS[0], {"model": MODEL}])
    assert batch("--skip-invalid") == 0
    assert batch.stdout.startswith("1 done")
    assert "1 wrong line left out" in batch.stderr


def test_nothing_is_done_where_all_lines_are_wrong(batch: Kied, box: Sandbox) -> None:
    batch.write([{"model": MODEL}])
    assert batch("--skip-invalid") == 2
    assert (batch.stdout, creates(box)) == ("", 0)


def test_lines_that_were_sent_and_changed_are_told(batch: Kied, box: Sandbox) -> None:
    batch()
    batch.write([CATS[0] | {"prompt": "a dog"}, *CATS[1:]])
    assert batch() == 0
    assert "What was sent under the id of 1 line said something else" in batch.stderr
    assert creates(box) == 3


def test_lines_that_are_gone_are_told(batch: Kied, box: Sandbox) -> None:
    batch("--max-credits", "5", "--concurrency", "1")
    batch.write(CATS[:1])
    assert batch() == 0
    assert ("2 jobs that the file names no longer" in batch.stderr, creates(box)) == (True, 1)


def test_a_folder_that_somebody_works_on(batch: Kied, box: Sandbox) -> None:
    with BatchFolder(batch.out).held():
        assert batch() == 2
    assert ("works on the batch in this folder" in batch.stderr, box.requests) == (True, [])


def test_a_folder_of_another_batch(batch: Kied, box: Sandbox) -> None:
    batch()
    other = batch.manifest.with_name("other.jsonl")
    other.write_text(json.dumps({"model": MODEL, "prompt": "a dog"}), "utf-8")
    assert batch(manifest=str(other)) == 2
    assert ("--add" in batch.stderr, creates(box)) == (True, 3)
    assert batch("--add", manifest=str(other)) == 0
    assert creates(box) == 4


def test_without_a_key(batch: Kied, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIE_API_KEY")
    assert batch() == 2
    assert "There is no API key" in batch.stderr


# The results anew.


def test_results_that_were_deleted_are_written_anew(batch: Kied, capsys: pytest.CaptureFixture[str]) -> None:
    batch()
    before = [{**line, "line": None} for line in batch.results]
    (batch.out / "results.jsonl").unlink()
    assert run_here(["batch", "results", str(batch.out)]) == 0
    assert (batch.results, capsys.readouterr().out) == (before, "")


def test_results_written_anew_keep_what_only_the_file_knew(batch: Kied) -> None:
    batch()
    before = batch.results
    assert run_here(["batch", "results", str(batch.out / "results.jsonl")]) == 0
    assert batch.results == before


def test_results_of_a_folder_go_to_another_file(batch: Kied, tmp_path: Path) -> None:
    batch()
    assert run_here(["batch", "results", str(batch.out), "--out", str(tmp_path / "all.jsonl")]) == 0
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert [line["paths"] for line in lines] == [[f"out/cat-{number}.png"] for number in (1, 2, 3)]


def test_results_are_left_alone_where_the_ledger_is_another(batch: Kied, tmp_path: Path) -> None:
    batch()
    before = batch.results
    (tmp_path / "empty.sqlite3").touch()
    assert run_here(["batch", "results", str(batch.out), "--ledger", str(tmp_path / "empty.sqlite3")]) == 2
    assert batch.results == before
