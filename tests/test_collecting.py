"""Collecting: whatever ended a process, and however many collect at once, each file is saved once."""

from __future__ import annotations

import asyncio
import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kie_registry import (
    ApiError,
    AsyncKie,
    ConfigurationError,
    Kie,
    Outcome,
    OutputExists,
    TaskFailed,
    TaskTimeout,
)
from kie_registry.cli.run import run
from kie_registry.flows.submit import Destination
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.settings import home
from kie_registry.task import Task
from kie_registry.testing.serving import client_options

MODEL = "nano-banana-pro"
KIE = [sys.executable, "-m", "kie_registry.cli"]


@pytest.fixture(autouse=True)
def environment(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_KEY": box.key, "BASE_URL": box.url, "UPLOAD_URL": box.url}.items():
        monkeypatch.setenv(f"KIE_{name}", value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ledger() -> SqliteLedger:
    return SqliteLedger(home() / "ledger.sqlite3")


@pytest.fixture
def submit(open_kie: Callable[..., Kie]) -> Callable[..., Task]:
    """Submit a task, to be saved in a folder if one is given."""
    kie = open_kie(ledger=True)

    def submit_one(prompt: str = "a cat", folder: str | None = None, name: str | None = None) -> Task:
        return kie._submit(
            MODEL,
            {"prompt": prompt},
            None,
            kie._calls.session.deadline_at(None),
            None,
            until="submitted",
            destination=None if folder is None else Destination(Path(folder), name),
        )

    return submit_one


Submit = Callable[..., Task]


def collect(box: Sandbox, *arguments: Any, **more: Any) -> list[Outcome]:
    async def all_of_them() -> list[Outcome]:
        async with AsyncKie(box.key, ledger=True, **client_options(box)) as kie:
            return [each async for each in kie.collect(*arguments, **more)]

    return asyncio.run(all_of_them())


def downloads(box: Sandbox) -> int:
    return sum(request.path.startswith("/files/") for request in box.requests)


def states(ledger: SqliteLedger) -> list[tuple[State, str | None]]:
    return [(job.state, job.owner) for job in ledger.jobs()][::-1]


def saved(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def age(ledger: SqliteLedger, days: float) -> None:
    """Let every job have been sent some days earlier."""
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("UPDATE jobs SET sent_at = sent_at - ?", (days * 24 * 3600,))


# what there is to collect


def test_everything_is_saved_where_it_was_to_go(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, tmp_path: Path
) -> None:
    submit("a cat", "cats", "mia")
    submit("a dog", "dogs")
    submit("a cow")
    came = collect(box)
    assert [(tmp_path / "cats" / "mia.png").exists(), len(saved(tmp_path / "dogs")), len(saved(tmp_path))] == [
        1,
        1,
        3,
    ]
    assert sorted(path.absolute() for each in came for path in each.paths) == sorted(tmp_path.rglob("*.png"))
    assert states(ledger) == [(State.COLLECTED, None)] * 3
    assert sorted(path for job in ledger.jobs() for path in job.files) == sorted(map(str, tmp_path.rglob("*.png")))


def test_everything_is_saved_in_the_folder_that_is_given(box: Sandbox, submit: Submit, tmp_path: Path) -> None:
    submit("a cat", "cats", "mia")
    submit("a dog")
    collect(box, tmp_path / "all")
    assert (len(saved(tmp_path / "all")), len(saved(tmp_path))) == (2, 2)


def test_nothing_is_collected_twice(box: Sandbox, submit: Submit) -> None:
    submit()
    assert (len(collect(box)), collect(box), downloads(box)) == (1, [], 1)


def test_two_who_collect_at_once_save_each_file_once(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, tmp_path: Path
) -> None:
    tasks = {submit(f"cat {number}").id for number in range(10)}
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: collect(box), range(2))
    assert sorted(each.job.task_id or "" for each in (*one, *two)) == sorted(tasks)
    assert (downloads(box), len(saved(tmp_path))) == (10, 10)
    assert set(states(ledger)) == {(State.COLLECTED, None)}


def test_a_task_that_has_ended_well_but_was_not_saved(box: Sandbox, open_kie: Callable[..., Kie]) -> None:
    open_kie(ledger=True).generate(MODEL, "a cat")
    (each,) = collect(box)
    assert (each.error, len(each.paths), each.job.state) == (None, 1, State.COLLECTED)


def test_a_result_that_is_no_file(box: Sandbox, submit: Submit, ledger: SqliteLedger) -> None:
    box.end_next(result={"resultObject": {"text": "hello"}})
    submit()
    (each,) = collect(box)
    assert each.result is not None
    assert (each.paths, each.result.data["resultObject"], states(ledger)) == (
        [],
        {"text": "hello"},
        [(State.COLLECTED, None)],
    )


def test_a_task_that_failed(box: Sandbox, submit: Submit, ledger: SqliteLedger) -> None:
    box.end_next(fail_code="501", fail_message="the model is tired")
    submit()
    submit()
    failed, fine = sorted(collect(box), key=lambda each: each.error is None)
    assert isinstance(failed.error, TaskFailed)
    assert (failed.job.state, failed.job.reason, fine.job.state) == (
        State.FAILED,
        "the model is tired",
        State.COLLECTED,
    )


def test_a_client_without_a_ledger_has_nothing_to_collect_from(box: Sandbox) -> None:
    with pytest.raises(ConfigurationError, match="there is no ledger"):
        AsyncKie(box.key).collect()


def test_another_accounts_jobs_are_left_alone(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.add(Job(account="another", model=MODEL, input={}, state=State.RUNNING, task_id="theirs"))
    submit()
    assert len(collect(box)) == 1
    assert [state for state, _ in states(ledger)] == [State.RUNNING, State.COLLECTED]


# what comes in between


def test_a_deadline_leaves_the_rest_for_later(box: Sandbox, submit: Submit, ledger: SqliteLedger) -> None:
    box.end_next(latency=math.inf)
    submit()
    submit()
    slow, fine = sorted(collect(box, deadline=0.5), key=lambda each: each.error is None)
    assert (type(slow.error), fine.error) == (TaskTimeout, None)
    assert states(ledger) == [(State.RUNNING, None), (State.COLLECTED, None)]


def test_who_stops_early_leaves_the_rest_for_later(box: Sandbox, submit: Submit, ledger: SqliteLedger) -> None:
    box.end_next(latency=0.0)
    submit()
    for _ in range(3):
        box.end_next(latency=math.inf)
        submit()

    async def take_one() -> None:
        async with AsyncKie(box.key, ledger=True, **client_options(box)) as kie:
            async for _ in (collecting := kie.collect()):
                break
            await collecting.aclose()  # type: ignore[attr-defined]

    asyncio.run(take_one())
    assert states(ledger) == [(State.COLLECTED, None), *[(State.RUNNING, None)] * 3]


def test_who_is_cancelled_while_taking_a_job_on_lets_it_go(box: Sandbox, submit: Submit, tmp_path: Path) -> None:
    submit()
    cancel: list[Callable[[], object]] = []

    class Cancelling(SqliteLedger):
        def claim(self, job_id: str) -> Job | None:
            claimed = super().claim(job_id)
            cancel[0]()
            return claimed

    ledger = Cancelling(home() / "ledger.sqlite3")

    async def main() -> None:
        async with AsyncKie(box.key, ledger=ledger, **client_options(box)) as kie:

            async def all_of_them() -> list[Outcome]:
                return [each async for each in kie.collect()]

            collecting = asyncio.create_task(all_of_them())
            loop = asyncio.get_running_loop()

            async def stop() -> None:
                collecting.cancel()

            cancel.append(lambda: asyncio.run_coroutine_threadsafe(stop(), loop).result())
            with pytest.raises(asyncio.CancelledError):
                await collecting

    asyncio.run(main())
    assert states(ledger) == [(State.RUNNING, None)]


def test_a_name_that_another_file_has_taken(box: Sandbox, submit: Submit, tmp_path: Path) -> None:
    task = submit("a cat", "cats", "mia")
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "mia.png").write_text("my own")
    (each,) = collect(box)
    assert (tmp_path / "cats" / "mia.png").read_text() == "my own"
    assert [path.name for path in each.paths] == [f"nano-banana-pro-{task.id}-1.png"]


def test_where_both_names_are_taken_nothing_is_replaced(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, tmp_path: Path
) -> None:
    task = submit()
    taken = tmp_path / f"nano-banana-pro-{task.id}-1.png"
    taken.write_text("my own")
    (each,) = collect(box)
    assert isinstance(each.error, OutputExists)
    assert str(taken.name) in str(each.error)
    assert (taken.read_text(), states(ledger)) == ("my own", [(State.SUCCEEDED, None)])
    assert len(collect(box, tmp_path / "elsewhere")[0].paths) == 1


def test_a_file_that_was_saved_just_before_the_end_is_taken_as_it_is(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, tmp_path: Path
) -> None:
    task = submit()
    task.wait().save(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")}
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute("UPDATE jobs SET state = 'succeeded', files = '[]'")
    (each,) = collect(box)
    assert [path.absolute() for path in each.paths] == list(before)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.png")} == before


def test_a_link_that_has_expired_is_renewed(box: Sandbox, submit: Submit) -> None:
    submit()
    box.answer_next("/files/", status=403, body="expired")
    (each,) = collect(box)
    assert (each.error, len(each.paths)) == (None, 1)


def test_a_server_that_fails_leaves_the_job_for_later(
    box: Sandbox, submit: Submit, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.fetch._PAUSES", ())
    submit()
    box.answer_next("/files/", status=500, body="oops")
    (each,) = collect(box)
    assert (isinstance(each.error, ApiError), states(ledger)) == (True, [(State.SUCCEEDED, None)])
    assert collect(box)[0].error is None


GONE: dict[str, str] = {"the task": "recordInfo", "the file": "download-url"}


@pytest.mark.parametrize(("days", "state"), [(13, None), (15, State.LOST)])
@pytest.mark.parametrize("gone", GONE)
def test_what_kie_ai_keeps_no_more_is_lost(
    box: Sandbox,
    submit: Submit,
    ledger: SqliteLedger,
    monkeypatch: pytest.MonkeyPatch,
    gone: str,
    days: int,
    state: State | None,
) -> None:
    monkeypatch.setattr("kie_registry.flows.look.GRACE_FRESH", 0.0)
    submit()
    age(ledger, days)
    if gone == "the task":
        box.answer_next("recordInfo", code=422, message="recordInfo is null", times=99)
    else:
        box.answer_next("/files/", status=404, body="gone")
        box.answer_next("download-url", code=422, message="no such file")
    (each,) = collect(box)
    left = State.RUNNING if gone == "the task" else State.SUCCEEDED
    assert isinstance(each.error, ApiError)
    assert states(ledger) == [(state or left, None)]
    assert each.job.state == (state or left)


# on the command line


def test_a_process_that_was_killed_in_the_middle_loses_nothing(
    box: Sandbox, ledger: SqliteLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.end_next(latency=1.0)
    command = [*KIE, "generate", MODEL, "a cat", "--out", "pictures", "--name", "mia"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "is submitted" in process.stderr.readline()
        assert len(box.tasks) == 1
        os.kill(process.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    assert run(["collect"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "pictures" / "mia.png")]
    assert (len(box.tasks), states(ledger)) == (1, [(State.COLLECTED, None)])


def test_what_a_process_was_sending_when_it_was_killed_is_not_known(
    box: Sandbox, ledger: SqliteLedger, capsys: pytest.CaptureFixture[str]
) -> None:
    box.answer_next("createTask", delay=60)
    with subprocess.Popen([*KIE, "generate", MODEL, "a cat"], stderr=subprocess.DEVNULL) as process:
        while not box.tasks:
            assert process.poll() is None
        process.kill()
    assert run(["collect"]) == 0
    assert "Of 1 more it is not known" in capsys.readouterr().err
    assert states(ledger) == [(State.UNKNOWN, None)]


def test_a_job_of_a_process_that_lives_is_left_to_it(
    box: Sandbox, ledger: SqliteLedger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.end_next(latency=math.inf)
    command = [*KIE, "generate", MODEL, "a cat"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "is submitted" in process.stderr.readline()
        status = run(["collect"])
        process.kill()
    assert (status, capsys.readouterr()) == (
        0,
        ("", "There is nothing to collect.\n1 more is seen to by other processes.\n"),
    )
    assert (saved(tmp_path), states(ledger)[0][0]) == ([], State.RUNNING)


def test_an_interruption_says_how_to_go_on(box: Sandbox, submit: Submit, ledger: SqliteLedger) -> None:
    box.end_next(latency=math.inf)
    submit()
    before = len(box.requests)
    with subprocess.Popen([*KIE, "collect"], stderr=subprocess.PIPE, text=True) as process:
        while len(box.requests) < before + 1:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said.strip()) == (
        130,
        "Interrupted. Nothing is lost: `kie collect` goes on with the rest.",
    )
    ledger.recover()
    assert states(ledger) == [(State.RUNNING, None)]


def test_collecting_says_what_still_runs(box: Sandbox, submit: Submit, capsys: pytest.CaptureFixture[str]) -> None:
    box.end_next(latency=math.inf)
    submit()
    submit()
    assert run(["collect", "--deadline", "1"]) == 4
    said = capsys.readouterr()
    assert "1 of 2 tasks still run; `kie collect` goes on with them." in said.err
    assert len(said.out.split()) == 1


def test_collecting_says_what_failed(box: Sandbox, submit: Submit, capsys: pytest.CaptureFixture[str]) -> None:
    box.end_next(fail_code="501", fail_message="the model is tired")
    submit()
    assert run(["collect"]) == 1
    assert "the model is tired" in capsys.readouterr().err


def test_collecting_says_what_is_not_known(
    box: Sandbox, submit: Submit, capsys: pytest.CaptureFixture[str]
) -> None:
    box.answer_next("createTask", cut="after")
    with pytest.raises(Exception, match="not known"):
        submit()
    assert run(["collect"]) == 0
    assert "Of 1 more it is not known whether they were accepted" in capsys.readouterr().err


def test_nothing_to_collect(capsys: pytest.CaptureFixture[str]) -> None:
    assert (run(["collect"]), capsys.readouterr()) == (0, ("", "There is nothing to collect.\n"))


def test_collecting_as_json_is_one_document(
    box: Sandbox, submit: Submit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box.end_next(fail_code="501")
    failed, fine = submit().id, submit().id
    assert run(["collect", "--json"]) == 1
    came = {each["task_id"]: each for each in json.loads(capsys.readouterr().out)}
    assert came[failed]["error"].startswith(f"Task {failed} failed")
    assert (came[fine]["error"], came[fine]["state"]) == (None, "collected")
    assert [Path(path).exists() for path in came[fine]["paths"]] == [True]


def test_nothing_to_collect_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert (run(["collect", "--json"]), json.loads(capsys.readouterr().out)) == (0, [])
