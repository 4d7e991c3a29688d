"""`--ledger FILE` and KIE_LEDGER: the command line sees to the jobs of a program with a ledger of its own."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry import Kie, SubmitOutcomeUnknown
from kie_registry.cli.run import run as run_here
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.settings import home

MODEL = "nano-banana-pro"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger that is not the one of the command line."""
    return tmp_path / "my jobs.sqlite3"


@pytest.fixture(autouse=True)
def here(environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unknown(box: Sandbox, open_kie: Callable[..., Kie], file: Path) -> Job:
    """A job of that ledger whose outcome is not known; a task came of it."""
    box.answer_next("createTask", cut="after")
    with pytest.raises(SubmitOutcomeUnknown):
        open_kie(ledger=file).submit(MODEL, "a cat")
    return SqliteLedger(file).jobs()[0]


def state(file: Path) -> list[State]:
    return [job.state for job in SqliteLedger(file).jobs()]


SETTLED: dict[str, tuple[list[str], State]] = {
    "as its task": (["--task-id", "TASK"], State.RUNNING),
    "as not created": (["--not-created"], State.REFUSED),
    "by sending it again": (["--retry"], State.RUNNING),
}


@pytest.mark.parametrize(("options", "settled"), SETTLED.values(), ids=SETTLED.keys())
def test_a_job_of_another_ledger_is_settled(
    box: Sandbox, unknown: Job, file: Path, options: list[str], settled: State
) -> None:
    options = [box.tasks[0].id if option == "TASK" else option for option in options]
    assert run_here(["task", "settle", unknown.id, "--ledger", str(file), *options]) == 0
    assert state(file) == [settled]


def test_the_environment_names_it_as_well(
    unknown: Job, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIE_LEDGER", str(file))
    assert run_here(["task", "list", "--unknown", "--json"]) == 0
    assert [job["id"] for job in json.loads(capsys.readouterr().out)] == [unknown.id]


def test_the_option_comes_before_the_environment(
    unknown: Job, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIE_LEDGER", "others.sqlite3")
    assert run_here(["task", "show", unknown.id, "--ledger", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == unknown.id


def test_everything_is_generated_and_collected_with_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here(["generate", MODEL, "a cat", "--no-wait", "--ledger", str(file)]) == 0
    assert state(file) == [State.RUNNING]
    hints = re.findall(r"(kie (?:task wait|collect)[^:,]*)", capsys.readouterr().err)
    for hint in hints:
        assert run_here(shlex.split(hint)[1:]) == 0
    assert (len(hints), state(file), len(list(tmp_path.glob("*.png")))) == (2, [State.COLLECTED], 1)
    assert not (home() / "ledger.sqlite3").exists()


def test_how_to_settle_names_it(unknown: Job, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_here(["task", "list", "--ledger", str(file)])
    assert f"kie task settle JOB --ledger '{file}' --task-id" in capsys.readouterr().err


def test_the_ledger_that_has_no_such_job_is_named(unknown: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_here(["task", "settle", unknown.id, "--not-created"]) == 2
    assert (str(home() / "ledger.sqlite3") in (said := capsys.readouterr().err), "--ledger FILE" in said) == (
        True,
        True,
    )


@pytest.mark.parametrize(
    "command",
    [["task", "list"], ["task", "show", "x"], ["task", "wait", "x"], ["task", "settle", "x"], ["collect"]],
)
def test_a_name_that_is_mistyped_is_no_empty_ledger(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_here([*command, "--ledger", "typo.sqlite3"]) == 2
    assert "typo.sqlite3" in capsys.readouterr().err
    assert not (tmp_path / "typo.sqlite3").exists()
