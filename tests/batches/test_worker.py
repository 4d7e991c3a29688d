"""Workers: they do every job once, whoever of them dies, and whatever becomes of the database."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.workers.queue import Queue
from kie_registry.batches.workers.timings import Timings
from kie_registry.batches.workers.worker import Worker
from kie_registry.errors import AuthenticationError, ConfigurationError, InsufficientCredits, KieError
from kie_registry.ledger import PostgresLedger, State
from kie_registry.ledger.job import new_id
from kie_registry.media import LocalFile
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import fast_sandbox
from tests.batches.workers import QUICK, emptied, ended, options_for, plan_of, run, submitted, until, worker
from tests.ledger.postgres import OwnServer, Server, World

pytestmark = pytest.mark.xdist_group("postgres")

CREATE = "/api/v1/jobs/createTask"
LIMIT = (20, 1.0)


@pytest.fixture
def database(postgres: World) -> str:
    """The address of a database with an empty queue and an empty ledger."""
    return emptied(postgres)


@pytest.fixture
def ledger(postgres: World, database: str) -> PostgresLedger:
    del database
    return postgres.ledger()


@pytest.fixture
def limited() -> Iterator[Sandbox]:
    """A sandbox that enforces twenty requests in a second, and the answers of which take a while."""
    with fast_sandbox(latency=0.3, rate_limit=LIMIT) as box:
        yield box


def work(database: str, box: Sandbox, out: Path | str | None, **options: Any) -> list[Outcome]:
    """Let a worker do what there is to do, in this process; return what came of each job."""
    outcomes: list[Outcome] = []
    given = options_for(box, **options)
    timings = Timings(**QUICK)
    asyncio.run(Worker(database, out=out, timings=timings, finished=outcomes.append, **given).run())
    return outcomes


def states(ledger: PostgresLedger) -> dict[State, int]:
    return {state: number for state, (number, _) in ledger.tally("batch").items()}


def prompts(box: Sandbox) -> Counter[str]:
    """Return how often each job was paid."""
    return Counter(task.input["prompt"] for task in box.tasks)


def rejected(box: Sandbox) -> int:
    return sum(request.code == 429 for request in box.requests if request.path == CREATE)


def test_a_worker_does_all_there_is_and_saves_it(
    database: str, ledger: PostgresLedger, box: Sandbox, tmp_path: Path
) -> None:
    submitted(database, 5, tmp_path)
    outcomes = work(database, box, tmp_path / "out")
    assert {outcome.id for outcome in outcomes} == {f"job-{number}" for number in range(5)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"job-{number}.png" for number in range(5)}
    assert states(ledger) == {State.COLLECTED: 5}
    assert run(database, "SELECT count(*) FROM procrastinate_jobs") == [(0,)]


def test_what_one_machine_runs_is_let_go_though_it_stands_in_the_queue(
    database: str, ledger: PostgresLedger, box: Sandbox, tmp_path: Path
) -> None:
    with plan_of(1, tmp_path) as plan:
        (job,) = next(plan.portions(new_id(), account="", directory=None))
    ledger.plan([job])
    with Queue(database) as queue:
        queue.defer([job.id], of=1)
    submitted(database, 1, tmp_path)
    work(database, box, None)
    found = ledger.get(job.id)
    assert found is not None
    assert (found.state, found.owner, len(box.tasks)) == (State.PLANNED, None, 1)


def test_a_worker_that_is_killed_is_noticed_and_nothing_is_paid_twice(
    database: str, ledger: PostgresLedger, limited: Sandbox, tmp_path: Path
) -> None:
    submitted(database, 60, tmp_path)
    with (
        worker(database, limited, tmp_path, creates=LIMIT) as one,
        worker(database, limited, tmp_path, creates=LIMIT) as other,
    ):
        until(lambda: len(limited.tasks) >= 20)
        one.kill()
        status, said = ended(other)
    assert (status, said) == (0, "")
    found = states(ledger)
    unknown = found.pop(State.UNKNOWN, 0)
    assert found == {State.COLLECTED: 60 - unknown}
    assert max(prompts(limited).values()) == 1
    assert rejected(limited) == 0


def test_a_worker_that_is_told_to_stop_collects_what_runs_and_leaves_the_rest(
    database: str, ledger: PostgresLedger, box: Sandbox, tmp_path: Path
) -> None:
    submitted(database, 60, tmp_path)
    with worker(database, box, tmp_path, creates=(5, 30.0)) as one:
        until(lambda: len(box.tasks) == 5)
        one.send_signal(signal.SIGTERM)
        status, said = ended(one)
    assert (status, said) == (0, "")
    found = states(ledger)
    assert found == {State.COLLECTED: len(box.tasks), State.PLANNED: 60 - len(box.tasks)}
    assert run(database, "SELECT count(*) FROM jobs WHERE owner IS NOT NULL") == [(0,)]


def test_a_key_that_is_not_accepted_ends_the_worker_before_any_job(
    database: str, ledger: PostgresLedger, box: Sandbox, tmp_path: Path
) -> None:
    submitted(database, 3, tmp_path)
    with pytest.raises(AuthenticationError):
        work(database, box, None, keys=[box.key, "wrong"])
    assert states(ledger) == {State.PLANNED: 3}


def test_what_an_account_has_no_credits_for_is_left_to_others(
    database: str, ledger: PostgresLedger, tmp_path: Path
) -> None:
    submitted(database, 5, tmp_path)
    with fast_sandbox(credits=8.0, price=4.0) as poor, pytest.raises(InsufficientCredits):
        work(database, poor, tmp_path)
    assert states(ledger) == {State.COLLECTED: 2, State.PLANNED: 3}


def test_a_job_that_fails_as_nobody_foresaw_is_tried_no_more(
    database: str, ledger: PostgresLedger, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(url: str) -> LocalFile:
        raise RuntimeError(url)

    monkeypatch.setattr("kie_registry.batches.workers.worker.open_address", broken)
    with plan_of(1, tmp_path) as plan:
        (job,) = next(plan.portions("batch", account="", directory=None))
    ledger.plan([evolve(job, input={**(job.input or {}), "image_input": ["memory://pictures/cat.png"]})])
    (outcome,) = work(database, box, None)
    assert str(outcome.error).startswith("RuntimeError: memory://pictures/cat.png. Job")
    assert states(ledger) == {State.REFUSED: 1}


def test_a_task_that_takes_long_is_told_of_when_it_has_ended(
    database: str, ledger: PostgresLedger, tmp_path: Path
) -> None:
    submitted(database, 1, tmp_path)
    with fast_sandbox(latency=0.7) as slow:
        (outcome,) = work(database, slow, tmp_path, deadline=0.2)
    assert (outcome.error, outcome.job.state) == (None, State.COLLECTED)


def test_what_runs_when_an_account_begins_anew_counts_as_running(database: str, tmp_path: Path) -> None:
    submitted(database, 6, tmp_path)
    with fast_sandbox(latency=0.6) as box:
        box.answer_next("createTask")
        box.answer_next("createTask", code=455)
        work(database, box, None, concurrency=2)
        at_once = [sum(one.created <= task.created < one.ends for one in box.tasks) for task in box.tasks]
    assert (len(at_once), max(at_once)) == (5, 2)


def test_who_is_told_to_stop_while_it_begins_has_been_told_once(
    database: str, box: Sandbox, tmp_path: Path
) -> None:
    submitted(database, 1, tmp_path)

    async def stopped() -> None:
        worker = Worker(database, out=None, **options_for(box, until_idle=False))
        working = asyncio.create_task(worker.run())
        await asyncio.sleep(0)
        worker.stop()
        await working

    asyncio.run(stopped())
    assert box.tasks == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keys": []}, "needs an API key"),
        ({"concurrency": 0}, "concurrency is 0"),
        ({"out": "no://x"}, "not known"),
    ],
)
def test_what_is_wrong_with_a_worker_is_said_at_once(options: dict[str, Any], words: str) -> None:
    given = {"keys": ["key"], "out": None, **options}
    with pytest.raises(ConfigurationError, match=words):
        Worker("postgresql://nobody@nowhere/nothing", **given)


def test_nothing_is_sent_where_nothing_can_be_saved(database: str, box: Sandbox, tmp_path: Path) -> None:
    submitted(database, 1, tmp_path)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(KieError, match="cannot be written"):
        work(database, box, tmp_path / "file")
    assert box.tasks == []


def test_local_files_are_copied_at_submission_and_uploaded_by_the_worker(
    database: str, box: Sandbox, tmp_path: Path, photo: Path
) -> None:
    shared = tmp_path / "shared"
    submitted(database, 2, tmp_path, files=shared, images=[str(photo)])
    photo.unlink()
    work(database, box, None)
    assert len(box.tasks) == 2
    assert all(task.input["image_input"][0].startswith(box.url) for task in box.tasks)


@pytest.fixture
def own_server(postgres_server: Server) -> OwnServer:
    """A server that can be stopped."""
    if not isinstance(postgres_server, OwnServer):
        pytest.fail("KIE_TEST_DATABASE names a server that cannot be stopped")
    return postgres_server


def test_workers_wait_for_a_database_that_is_gone(
    own_server: OwnServer, database: str, ledger: PostgresLedger, limited: Sandbox, tmp_path: Path
) -> None:
    # So few that the workers ask the queue for more all the time.
    submitted(database, 30, tmp_path)
    with (
        worker(database, limited, tmp_path, creates=LIMIT) as one,
        worker(database, limited, tmp_path, creates=LIMIT) as other,
    ):
        until(lambda: len(limited.tasks) >= 10)
        own_server.stop()
        try:
            until(lambda: all(task.state == "success" for task in limited.tasks))
        finally:
            own_server.start()
        statuses = [ended(each)[0] for each in (one, other)]
    assert statuses == [0, 0]
    assert states(ledger) == {State.COLLECTED: 30}
    assert max(prompts(limited).values()) == 1
    assert rejected(limited) == 0
