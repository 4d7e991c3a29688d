"""The queue in PostgreSQL: made once, and mended whatever happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kie_registry.batches.workers import queue
from kie_registry.batches.workers.databases import conninfo
from kie_registry.batches.workers.queue import ANYBODY, Queue, portions, prepare, queue_of
from kie_registry.batches.workers.sweeping import Sweep
from kie_registry.errors import ConfigurationError, LedgerError
from kie_registry.ledger import Job, PostgresLedger, State
from kie_registry.ledger.job import new_id
from tests.batches.workers import emptied, run, submitted
from tests.ledger.postgres import Server, World

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def fresh(postgres_server: Server) -> Iterator[str]:
    """The address of a database without any tables."""
    with postgres_server.database() as name:
        yield postgres_server.url(name)


@pytest.fixture
def database(postgres: World) -> str:
    """The address of a database with an empty queue and an empty ledger."""
    return emptied(postgres)


@pytest.fixture
def ledger(postgres: World, database: str) -> PostgresLedger:
    del database
    return postgres.ledger()


def sweep(ledger: PostgresLedger, database: str, in_hand: Collection[str] = (), *, saves: bool = True) -> None:
    """Look after the queue once."""

    async def once(sweep: Sweep) -> None:
        await sweep.run(lambda: in_hand)

    with_sweep(ledger, database, once, saves=saves)


def with_sweep(
    ledger: PostgresLedger,
    database: str,
    do: Callable[[Sweep], Coroutine[Any, Any, None]],
    *,
    saves: bool = True,
) -> None:
    from procrastinate import PsycopgConnector
    from procrastinate.manager import JobManager

    async def main() -> None:
        where = conninfo(database, queue.SCHEMA, "kie_registry")
        connector = PsycopgConnector(conninfo=where, kwargs={"autocommit": True}, min_size=1, max_size=1)
        await connector.open_async()
        try:
            await do(Sweep(ledger, JobManager(connector), 30.0, saves=saves))
        finally:
            await connector.close_async()

    asyncio.run(main())


def planned(ledger: PostgresLedger, *numbers: int, batch: str = "b") -> list[str]:
    jobs = [Job(account="", model="m", input={}, batch=batch, key=str(number)) for number in numbers]
    ledger.plan(jobs)
    return [job.id for job in jobs]


def running(ledger: PostgresLedger, account: str, batch: str = "b") -> str:
    """Return a job of a batch whose task runs in an account, and which is nobody's."""
    (job_id,) = planned(ledger, 0, batch=batch)
    ledger.claim(job_id)
    ledger.move(job_id, State.SENDING, account=account, attempt=1)
    ledger.move(job_id, State.RUNNING, task_id="task_1")
    ledger.release(job_id)
    return job_id


def waiting(database: str) -> list[tuple[Any, ...]]:
    """Return the queue, the priority and the jobs of each row that waits, in order."""
    query = "SELECT queue_name, priority, args->'jobs' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
    return run(database, query)


def fetched(database: str, seen: str) -> None:
    """Have a worker take all rows, which was seen last at this time."""
    run(database, f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({seen})")
    run(
        database,
        "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)",
    )


def test_of_many_who_begin_at_once_one_makes_the_queue(fresh: str) -> None:
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(prepare, [fresh] * 5))
    assert run(fresh, "SELECT count(*) FROM made_by") == [(1,)]


def test_a_queue_of_another_version_says_both_and_can_be_dropped(
    fresh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(fresh)
    with monkeypatch.context() as patch:
        patch.setattr(queue, "_migration", lambda: "99.00.00_01_later")
        words = r"made by procrastinate \d.*DROP SCHEMA kie_queue CASCADE. The ledger keeps all jobs"
        with pytest.raises(LedgerError, match=words):
            prepare(fresh)
    run(fresh, "DROP SCHEMA kie_queue CASCADE")
    prepare(fresh)


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("jobs.sqlite3", ConfigurationError, "is no database"),
        (
            "postgresql://me:secret@127.0.0.1:1/jobs",
            LedgerError,
            "postgresql://me@127.0.0.1:1/jobs: .*See that",
        ),
        ("mysql://me:secret@h/jobs", ConfigurationError, "'mysql://me@h/jobs' is no database"),
        ("postgresql://me:secret@h/jobs?nonsense=1", ConfigurationError, "is no database"),
    ],
)
def test_what_is_no_database_says_so_without_the_password(url: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        prepare(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("jobs", "rows"), [(3, [1, 1, 1]), (130, [2] * 65), (1000, [10] * 100)])
def test_a_small_batch_is_spread_and_a_large_one_goes_by_ten(jobs: int, rows: list[int]) -> None:
    made = [row for some in portions([str(number) for number in range(jobs)], of=jobs) for row in some]
    assert [len(row.task_kwargs["jobs"]) for row in made] == rows  # type: ignore[arg-type]


def test_jobs_in_no_row_are_put_in_once(ledger: PostgresLedger, database: str) -> None:
    job_ids = planned(ledger, 1, 2)
    sweep(ledger, database)
    sweep(ledger, database)
    assert waiting(database) == [(ANYBODY, 0, [job_id]) for job_id in job_ids]


def test_jobs_in_a_row_are_left_there(ledger: PostgresLedger, database: str) -> None:
    job_ids = planned(ledger, 1, 2)
    with Queue(database) as there:
        there.defer(job_ids, of=1000)
    ledger.claim(job_ids[0])
    sweep(ledger, database, in_hand=job_ids[:1])
    assert [row[2] for row in waiting(database)] == [job_ids]


def test_two_who_put_the_same_jobs_in_do_so_once(ledger: PostgresLedger, database: str) -> None:
    job_ids = planned(ledger, 1, 2)
    with Queue(database) as one, Queue(database) as other:
        one.defer(job_ids, of=2)
        other.defer(job_ids, of=2)
    assert len(waiting(database)) == 2


@pytest.mark.parametrize(("seen", "found"), [("now()", False), ("now() - interval '1 hour'", True)])
def test_the_rows_of_a_dead_worker_are_put_in_anew(
    ledger: PostgresLedger, database: str, seen: str, *, found: bool
) -> None:
    job_ids = planned(ledger, 1)
    sweep(ledger, database)
    fetched(database, seen)
    sweep(ledger, database)
    assert [row[2] for row in waiting(database)] == ([job_ids] if found else [])


def test_a_task_that_runs_is_for_its_own_account_and_goes_first(ledger: PostgresLedger, database: str) -> None:
    job_id = running(ledger, "mine")
    sweep(ledger, database)
    assert waiting(database) == [(queue_of("mine"), 1, [job_id])]


@pytest.mark.parametrize("saves", [True, False])
def test_what_has_succeeded_is_for_those_who_save(ledger: PostgresLedger, database: str, *, saves: bool) -> None:
    job_id = running(ledger, "mine")
    ledger.move(job_id, State.SUCCEEDED)
    sweep(ledger, database, saves=saves)
    assert bool(waiting(database)) is saves


def test_a_job_whose_claim_was_not_answered_is_let_go(ledger: PostgresLedger, database: str) -> None:
    slipped, held = planned(ledger, 1, 2)
    for job_id in (slipped, held):
        ledger.claim(job_id)
    sweep(ledger, database, in_hand=[held])
    assert waiting(database) == [(ANYBODY, 0, [slipped])]


@pytest.mark.parametrize("held", [(True, False), (False, True)], ids=["ended meanwhile", "claimed meanwhile"])
def test_what_was_in_hand_at_any_moment_has_not_slipped(
    ledger: PostgresLedger, database: str, held: tuple[bool, bool]
) -> None:
    job_ids = planned(ledger, 1)
    ledger.claim(job_ids[0])
    looks = iter(held)

    async def once(sweep: Sweep) -> None:
        await sweep.run(lambda: job_ids if next(looks) else [])

    with_sweep(ledger, database, once)
    assert waiting(database) == []


def test_what_one_machine_runs_is_no_workers_affair(ledger: PostgresLedger, database: str) -> None:
    batch = new_id()
    running(ledger, "mine", batch)
    held, _ = planned(ledger, 1, 2, batch=batch)
    ledger.claim(held)

    async def look(sweep: Sweep) -> None:
        await sweep.run(list)
        assert await sweep.left(["mine"], []) == 0

    with_sweep(ledger, database, look)
    assert waiting(database) == []
    found = ledger.get(held)
    assert found is not None
    assert found.owner == ledger.owner


def test_what_is_unknown_waits_for_a_person(ledger: PostgresLedger, database: str) -> None:
    (job_id,) = planned(ledger, 1)
    ledger.claim(job_id)
    ledger.move(job_id, State.SENDING, attempt=1)
    ledger.move(job_id, State.UNKNOWN)
    sweep(ledger, database)
    assert waiting(database) == []


def test_a_batch_is_in_the_queue_as_soon_as_it_is_submitted(database: str, tmp_path: Path) -> None:
    submitted(database, 3, tmp_path)
    assert len(waiting(database)) == 3


def test_what_is_left_counts_what_these_accounts_may_do(ledger: PostgresLedger, database: str) -> None:
    job_id = running(ledger, "mine")
    planned(ledger, 1)

    async def look(sweep: Sweep) -> None:
        assert await sweep.left(["mine"], []) == 2
        assert await sweep.left(["other"], []) == 1
        assert await sweep.left(["mine"], [job_id]) == 1

    with_sweep(ledger, database, look)
