"""What another process, or a callback, does to the jobs of a batch; and a process that is killed in the middle."""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from attrs import evolve

from kie_registry import ConfigurationError
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.testing.serving import fast_sandbox
from tests.batches.running import Runs, iterating

pytestmark = pytest.mark.timeout(40)

PROGRAM = """
import sys
from kie_registry import Kie

with Kie(ledger=True, creates=None, poll_interval=0.01) as kie:
    jobs = [{"model": "nano-banana-pro", "prompt": f"cat {number}"} for number in range(8)]
    for outcome in kie.batch(jobs, sys.argv[1], concurrency=4):
        print(outcome.job.state, flush=True)
        if len(sys.argv) > 2:
            sys.stdin.read()
"""


@pytest.fixture
def environment(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"API_KEY": runs.box.key, "BASE_URL": runs.box.url, "UPLOAD_URL": runs.box.url, "HOME": runs.home}
    for name, value in given.items():
        monkeypatch.setenv(f"KIE_{name}", str(value))


def start(runs: Runs, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(runs.out), *more]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload,no-any-return]


@pytest.mark.usefixtures("environment")
def test_a_process_that_is_killed_pays_for_nothing_twice(runs: Runs) -> None:
    runs.box.latency = 0.2
    with start(runs, "wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "collected\n"
        process.kill()
    with start(runs) as process:
        out, said = process.communicate()
    assert (out.split().count("collected"), said, process.returncode) == (8 - out.count("unknown"), "", 0)
    assert len(runs.sent()) == len(set(runs.sent()))
    assert [line["line"] for line in runs.results()] == [*range(1, 9)]


@pytest.mark.usefixtures("environment")
def test_who_interrupts_the_program_leaves_no_warning(runs: Runs) -> None:
    runs.box.latency = 0.2
    with start(runs, "wait") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert "Warning" not in said
    runs.ledger.recover()
    assert (runs.held(), runs.states()[State.UNKNOWN]) == ([], 0)


def test_a_folder_belongs_to_one_run_at_a_time(runs: Runs) -> None:
    runs.box.latency = 0.2

    async def two() -> None:
        async with runs.batch("a", "b") as one, iterating(one) as outcomes:
            await anext(outcomes)
            with pytest.raises(ConfigurationError, match="works on the batch in this folder"):
                async with runs.batch("a", "b") as other, iterating(other) as others:
                    await anext(others)

    asyncio.run(two())


def test_what_another_process_sees_to_is_left_to_it(runs: Runs) -> None:
    runs.box.end_next(latency=math.inf)
    runs.run("a", "b", concurrency=1, deadline=0.3)

    class Theirs(SqliteLedger):
        def claim(self, job_id: str) -> Job | None:
            return None

    came = evolve(runs, ledger=Theirs(runs.ledger.path)).run("a", "b")
    assert [(each.job.input or {})["prompt"] for each in came] == ["b"]
    assert runs.sent() == ["a", "b"]


def test_tasks_of_another_account_are_not_read(runs: Runs) -> None:
    runs.box.end_next(latency=math.inf)
    runs.run("a", deadline=0.2)
    reads = len(runs.box.requests)
    with fast_sandbox(key="another") as box, pytest.raises(ConfigurationError, match="sent with another key"):
        evolve(runs, box=box).run("a", "b")
    assert (len(box.requests), len(runs.box.requests), runs.by_prompt()) == (0, reads, {"a": State.RUNNING})


def test_what_was_tried_in_a_sandbox_is_not_taken_for_real(runs: Runs) -> None:
    runs.run("a")
    with fast_sandbox() as box:
        with pytest.raises(ConfigurationError, match="to another address"):
            evolve(runs, box=box).run("a")
        evolve(runs, box=box).run("a", directory=runs.home / "real")
        assert [task.input["prompt"] for task in box.tasks] == ["a"]


def test_after_a_wrong_key_the_right_one_goes_on(runs: Runs) -> None:
    with fast_sandbox(key="right") as box:
        (refused,) = evolve(runs, box=box, client={"api_key": "wrong"}).run("a", concurrency=1)
        assert (type(refused.error).__name__, len(box.tasks)) == ("AuthenticationError", 0)
        assert [each.error for each in evolve(runs, box=box).run("a")] == [None]


def test_a_task_that_turns_out_another_accounts_is_not_lost_however_old_it_is(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.flows.look.GRACE_FRESH", 0.0)
    runs.box.end_next(latency=math.inf)
    runs.run("a", deadline=0.2)
    with closing(sqlite3.connect(runs.ledger.path)) as connection, connection:
        connection.execute("UPDATE jobs SET sent_at = sent_at - 1e7")

    class Theirs(SqliteLedger):
        def claim(self, job_id: str) -> Job | None:
            job = super().claim(job_id)
            return job and evolve(job, account="another")

    runs.box.answer_next("recordInfo", code=422, message="recordInfo is null", times=99)
    (outcome,) = evolve(runs, ledger=Theirs(runs.ledger.path)).run("a")
    assert (type(outcome.error).__name__, outcome.job.state) == ("NotFound", State.RUNNING)


def test_a_folder_that_was_moved_names_its_files_where_they_are(runs: Runs) -> None:
    runs.run("a")
    moved = runs.out.rename(runs.home / "moved")
    (outcome,) = runs.run("a", directory=moved)
    assert [path.parent for path in outcome.paths] == [moved]
    assert json.loads((moved / "results.jsonl").read_text())["paths"] == [outcome.paths[0].name]
    assert runs.sent() == ["a"]


def test_a_callback_settles_what_was_planned_and_it_is_not_sent(runs: Runs) -> None:
    """A job that is sent by nobody here, and yet has a task: what kie.ai says is believed."""
    runs.box.answer_next("createTask", code=402)
    runs.run("a", "b", concurrency=1)
    runs.box.end_next(latency=0.0)
    runs.run("c", directory=None)
    task = runs.box.tasks[0]
    job = next(job for job in runs.jobs() if (job.input or {})["prompt"] == "b")
    runs.ledger.move(
        next(job.id for job in runs.jobs() if job.task_id == task.id), State.COLLECTED, task_id=f"{task.id}x"
    )
    runs.ledger.move(job.id, State.RUNNING, task_id=task.id, account=runs.jobs()[0].account)
    runs.run("a", "b")
    assert sorted(runs.sent()) == ["a", "c"]
    assert Path(runs.jobs()[1].files[0]).is_file()
