"""What is written to a PostgreSQL database that goes away, or whose answer is lost."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import Job, PostgresLedger, State
from tests.forks import in_child, needs_fork
from tests.ledger.jobs import added, job
from tests.ledger.postgres import PATIENCE, OwnServer, Server, World
from tests.ledger.postgres_proxy import Breaking, Proxy, proxy

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.fixture
def ledger(postgres: World) -> PostgresLedger:
    return postgres.ledger(patience=PATIENCE)


@pytest.fixture
def way(postgres: World) -> Iterator[Proxy]:
    """A way to the database that can break."""
    (directory,), (port,) = (postgres.run(f"SHOW {name}")[0] for name in ("unix_socket_directories", "port"))
    with tempfile.TemporaryDirectory() as home, proxy(Path(home), f"{directory}/.s.PGSQL.{port}") as made:
        yield made


@pytest.fixture
def led(postgres: World, way: Proxy) -> Iterator[PostgresLedger]:
    """A ledger that comes to the database by that way."""
    made = PostgresLedger(f"{postgres.url.partition('?')[0]}?host={way.home}", patience=PATIENCE)
    yield made
    made.close()


def add(ledger: PostgresLedger, new: Job) -> None:
    ledger.add(new)


def plan(ledger: PostgresLedger, new: Job) -> None:
    assert ledger.plan([new]) == 1


def add_and_move(ledger: PostgresLedger, new: Job) -> None:
    ledger.add(new)
    ledger.move(new.id, State.RUNNING, task_id="t", seen=new)


def write_together(ledger: PostgresLedger, new: Job) -> None:
    with ledger.together():
        ledger.add(new)
        with pytest.raises(IllegalMove):
            ledger.add(new)
        assert ledger.get(new.id) is not None


def write_from_threads(ledger: PostgresLedger, new: Job) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(ledger.add, job()) for _ in range(8)]:
            done.result()
    ledger.add(new)


WRITES: dict[str, Callable[[PostgresLedger, Job], None]] = {
    each.__name__: each for each in (add, plan, add_and_move, write_together, write_from_threads)
}
BREAKS: list[tuple[str, Breaking]] = [
    ("COMMIT", "before"),
    ("COMMIT", "after"),
    ("COMMIT", "unheard"),
    ("INSERT INTO jobs", "before"),
    ("BEGIN", "after"),
]


@pytest.mark.parametrize(("statement", "breaking"), BREAKS)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_what_is_written_is_written_once_wherever_the_way_breaks(
    postgres: World,
    way: Proxy,
    led: PostgresLedger,
    write: Callable[[PostgresLedger, Job], None],
    statement: str,
    breaking: Breaking,
) -> None:
    led.jobs()
    way.break_at(statement, breaking)
    new = job(id="a" * 32, batch="b", key="k")
    write(led, new)
    assert (way.broken, postgres.run("SELECT count(*) FROM jobs WHERE key = 'k'")) == (1, [(1,)])


def test_what_is_lost_with_the_way_may_be_read_again(way: Proxy, led: PostgresLedger) -> None:
    new = added(led)
    way.break_at("SELECT rowid", "after")
    assert (led.get(new.id), way.broken) == (new, 1)


def test_what_others_changed_while_it_was_gone_is_not_written_over(
    postgres: World, way: Proxy, led: PostgresLedger
) -> None:
    new = added(led, state=State.PLANNED)
    others = postgres.ledger()
    with pytest.raises(LedgerError, match="others changed"), led.together():  # noqa: PT012
        added(led, id="a" * 32)
        led.move(new.id, State.SENDING, seen=new)
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE relation = 'jobs'::regclass")
        others.move(new.id, State.REFUSED)
    assert [(each.id, each.state) for each in others.jobs()] == [(new.id, State.REFUSED)]


SERVED: dict[str, Callable[[PostgresLedger], object]] = {
    "writes": added,
    "reads": lambda ledger: ledger.jobs(),
    "asks who lives": lambda ledger: ledger.claim(ledger.jobs()[0].id),
}


@pytest.fixture(scope="module")
def own(postgres_server: Server) -> Iterator[OwnServer]:
    """A server that can be stopped."""
    if isinstance(postgres_server, OwnServer):
        yield postgres_server
        return
    server = OwnServer()
    yield server
    server.end()


@pytest.fixture(scope="module")
def world(own: OwnServer) -> Iterator[World]:
    with own.database() as name:
        made = World(own, name)
        made.ledger().jobs()
        yield made
        made.close()


@contextlib.contextmanager
def stopped(server: OwnServer) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def test_a_server_that_is_started_again_has_all_and_gets_the_rest(own: OwnServer, world: World) -> None:
    world.empty()
    ledger = world.ledger(patience=PATIENCE)
    jobs = [added(ledger, id=f"{number:032x}", owner="another") for number in range(3)]
    with ThreadPoolExecutor(len(SERVED)) as pool:
        with stopped(own):
            asked = [pool.submit(ask, ledger) for ask in SERVED.values()]
        for each in asked:
            each.result(PATIENCE)
    assert [each.id for each in ledger.jobs()][1:] == [each.id for each in reversed(jobs)]


def test_a_server_that_is_gone_for_long_is_named_without_the_password(own: OwnServer, world: World) -> None:
    world.empty()
    ledger = PostgresLedger(own.url(world.database, password="secret"), patience=0.1)
    new = added(ledger)
    with stopped(own):
        told = []
        for ask in (ledger.jobs, lambda: added(ledger), lambda: ledger.claim(new.id)):
            with pytest.raises(LedgerError) as caught:
                ask()
            told.append(str(caught.value))
    assert all(f"The ledger postgresql://postgres@/{world.database}" in each for each in told)
    assert all("See that the server runs" in each and "secret" not in each for each in told)
    assert len(ledger.jobs()) == 1


def test_all_who_ask_share_one_patience(own: OwnServer, world: World) -> None:
    world.empty()
    ledger = world.ledger(patience=1.0)
    new = added(ledger)

    def block() -> None:
        with ledger.together():
            added(ledger)

    def fails(ask: Callable[[], object]) -> bool:
        with pytest.raises(LedgerError, match="See that the server runs"):
            ask()
        return True

    asking = [lambda: ledger.get(new.id), lambda: added(ledger), block] * 4
    with stopped(own), ThreadPoolExecutor(len(asking)) as pool:
        began = time.monotonic()
        assert all(pool.map(fails, asking))
        assert all(fails(ask) for ask in asking)
        assert time.monotonic() - began < 3.0
    block()
    assert len(ledger.jobs()) == 2


def test_a_block_goes_on_when_the_server_is_back(own: OwnServer, world: World) -> None:
    world.empty()
    ledger = world.ledger(patience=PATIENCE)
    with ledger.together():
        first = added(ledger)
        with stopped(own):
            pass
        second = added(ledger)
    assert {each.id for each in ledger.jobs()} == {first.id, second.id}


def test_a_block_that_fails_writes_nothing(ledger: PostgresLedger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.together():  # noqa: PT012
        added(ledger)
        raise ZeroDivisionError
    assert ledger.jobs() == []


def test_a_row_that_others_hold_is_waited_for(postgres: World, ledger: PostgresLedger) -> None:
    new = added(ledger)
    with psycopg.connect(postgres.url) as other:
        other.execute("SELECT * FROM kie_registry.jobs FOR UPDATE")
        moving = threading.Thread(target=ledger.move, args=(new.id, State.UNKNOWN))
        moving.start()
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while postgres.run(waiting) == [(0,)]:
            pass
    moving.join(PATIENCE)
    assert [each.state for each in ledger.jobs()] == [State.UNKNOWN]


def test_one_of_two_who_give_two_jobs_the_same_task_is_refused(postgres: World, ledger: PostgresLedger) -> None:
    """Neither statement sees what the other has not committed."""
    one, two = added(ledger), added(ledger)
    others = postgres.ledger()
    refused: list[Any] = []

    def move() -> None:
        try:
            others.move(two.id, State.RUNNING, task_id="t")
        except IllegalMove as error:
            refused.append(error.task_id)

    moving = threading.Thread(target=move)
    with ledger.together():
        ledger.move(one.id, State.RUNNING, task_id="t")
        moving.start()
        while postgres.run("SELECT count(*) FROM pg_locks WHERE NOT granted") == [(0,)]:
            pass
    moving.join(PATIENCE)
    assert refused == ["t"]


def test_what_is_wrong_with_one_of_several_is_no_others_affair(ledger: PostgresLedger) -> None:
    errors: list[LedgerError] = []

    def write(attempt: Any) -> None:
        try:
            ledger.move(new.id, State.RUNNING, attempt=attempt)
        except LedgerError as error:
            errors.append(error)

    new = added(ledger)
    with ThreadPoolExecutor(4) as pool:
        database: Any = ledger._database
        with database._lock:
            writes = [pool.submit(write, 10**12), *(pool.submit(ledger.add, job()) for _ in range(3))]
            while len(database._waiting) < len(writes):
                pass
        for each in writes:
            each.result()
    assert (len(ledger.jobs()), ["out of range" in str(each) for each in errors]) == (4, [True])


def test_a_ledger_that_was_closed_opens_again(ledger: PostgresLedger) -> None:
    new, owner = added(ledger), ledger.owner
    ledger.close()
    assert (ledger.get(new.id), ledger.owner) == (new, owner)


def session(ledger: PostgresLedger) -> int:
    number: int = ledger._database.read(lambda base: base.execute("SELECT pg_backend_pid()").fetchone()[0])
    return number


@needs_fork
def test_a_child_process_has_a_connection_of_its_own(ledger: PostgresLedger) -> None:
    before = session(ledger)
    assert in_child(lambda: session(ledger) != before) == "True"


@needs_fork
def test_a_child_process_writes_too(ledger: PostgresLedger) -> None:
    first = added(ledger, owner=ledger.owner)
    second = in_child(lambda: (added(ledger).id, ledger.owner))
    third = added(ledger)
    assert [each.id in second for each in ledger.jobs()] == [False, True, False]
    assert {first.id, third.id} <= {each.id for each in ledger.jobs()}
    assert ledger.owner not in second
