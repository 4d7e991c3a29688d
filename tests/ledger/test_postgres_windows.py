"""Rate limits that all processes which share a PostgreSQL database keep together."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kie_registry.errors import LedgerError
from kie_registry.ledger import PostgresLedger
from kie_registry.ledger.postgres_slots import GivenBack
from kie_registry.ledger.postgres_windows import PostgresWindow
from kie_registry.limits import RateLimit
from tests.forks import in_child, needs_fork
from tests.ledger.postgres import PATIENCE, World
from tests.ledger.postgres_proxy import proxy
from tests.test_limits import (  # noqa: F401
    TestInAnEventLoop,
    TestInterrupted,
    test_a_slot_that_frees_within_the_timeout_is_given,
    test_the_timeout_ends_the_wait_by_the_clock_alone,
    test_threads_and_event_loops_share_the_slots,
    test_threads_are_served_in_the_order_of_asking,
    test_threads_never_hold_more_slots_than_there_are,
)

pytestmark = pytest.mark.xdist_group("postgres")

LONG = 1_000.0


class Processes:
    """Ledgers that count as processes of their own, with one limit for all."""

    def __init__(self, postgres: World) -> None:
        self._postgres = postgres
        self.ledgers: list[PostgresLedger] = []

    def window(
        self, number: int, seconds: float, kind: str = "create", account: str = "account", **options: Any
    ) -> RateLimit:
        self.ledgers.append(self._postgres.ledger(**options))
        return self.ledgers[-1].window(kind, account, number, seconds)


@pytest.fixture
def processes(postgres: World) -> Processes:
    return Processes(postgres)


@pytest.fixture
def limit(processes: Processes) -> Callable[..., RateLimit]:
    """For the tests of all limits: one of a process that has the database for itself."""
    return processes.window


def test_a_slot_taken_by_one_process_is_not_there_for_another(processes: Processes) -> None:
    one, two = processes.window(2, LONG), processes.window(2, LONG)
    assert [each.acquire(timeout=0) for each in (one, two, one, two)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("kind", "account", "free"),
    [("create", "account", False), ("read", "account", True), ("create", "another", True)],
)
def test_each_kind_and_account_has_its_own_slots(
    processes: Processes, kind: str, account: str, free: bool
) -> None:
    processes.window(1, LONG).acquire()
    assert processes.window(1, LONG, kind, account).acquire(timeout=0) is free


def test_who_allows_more_finds_more(processes: Processes) -> None:
    processes.window(1, LONG).acquire()
    more, fewer = processes.window(2, LONG), processes.window(1, LONG)
    assert [more.acquire(timeout=0), more.acquire(timeout=0), fewer.acquire(timeout=0)] == [True, False, False]


def settled(window: RateLimit) -> None:
    assert isinstance(window, PostgresWindow)
    window.settle(PATIENCE)


@pytest.mark.parametrize(
    ("seconds", "counted", "free"), [(LONG, True, False), (0.05, True, True), (LONG, False, True)]
)
def test_a_slot_frees_its_seconds_after_the_answer(
    processes: Processes, seconds: float, counted: bool, free: bool
) -> None:
    one, two = processes.window(1, seconds), processes.window(1, seconds)
    one.acquire()
    one.release(counted=counted)
    settled(one)
    assert two.acquire(timeout=0 if seconds == LONG else PATIENCE) is free


def test_the_time_counts_from_the_answer_and_not_from_its_writing(postgres: World, processes: Processes) -> None:
    window = processes.window(1, LONG)
    assert isinstance(window, PostgresWindow)
    window.acquire()
    (token,) = window._tokens.values()
    window._slots.write([GivenBack(token, counted=True, at=time.monotonic() - 100.0)])
    ((left,),) = postgres.run("SELECT extract(epoch FROM frees_at - clock_timestamp())::float8 FROM slots")
    assert LONG - 110.0 < left < LONG - 100.0


def test_a_slot_of_a_dead_process_counts_as_answered_when_that_is_noticed(
    postgres: World, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.ledger.postgres_slots.LOOK_AGAIN", 0.05)
    one, two = processes.window(1, 0.05), processes.window(1, 0.05)
    one.acquire()
    seen = [two.acquire(timeout=0)]
    dead = "UPDATE owners SET seen_at = seen_at - interval '1 minute' WHERE id = %(owner)s"
    postgres.run(dead, owner=processes.ledgers[0].owner)
    seen.append(two.acquire(timeout=PATIENCE))
    assert seen == [False, True]


def test_no_more_than_the_number_are_sent_in_any_span_of_the_seconds(processes: Processes) -> None:
    number, seconds = 5, 0.3
    windows = [processes.window(number, seconds) for _ in range(3)]
    received: list[float] = []

    def send(window: RateLimit) -> None:
        for _ in range(3):
            window.acquire()
            received.append(time.monotonic())
            window.release()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(send, windows * 2))
    received.sort()
    spans = [later - earlier for earlier, later in zip(received, received[number:], strict=False)]
    assert min(spans) >= seconds
    # The limit is used: nobody waits long for a slot that is free.
    assert received[-1] - received[0] < 2 * seconds * (len(received) / number)


def test_who_gives_up_gives_back_what_comes_too_late(
    postgres: World, processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.ledger.postgres_windows._ONE_LOOK", 0.02)
    window = processes.window(1, LONG)
    with psycopg.connect(postgres.url) as other:
        other.execute("LOCK kie_registry.slots IN EXCLUSIVE MODE")
        giving_up = threading.Thread(target=lambda: window.acquire(timeout=0))
        giving_up.start()
        giving_up.join()
    assert processes.window(1, LONG).acquire(timeout=PATIENCE)


def test_a_cancelled_wait_gives_back_what_it_was_given(processes: Processes) -> None:
    window = processes.window(1, LONG)
    window.acquire()

    async def main() -> bool:
        asking = asyncio.create_task(window.acquire_async())
        await asyncio.sleep(0)
        window.release(counted=False)
        asking.cancel()
        await asyncio.wait([asking])
        return await window.acquire_async(timeout=PATIENCE)

    assert asyncio.run(main())


def test_an_event_loop_does_not_wait_for_the_database(postgres: World, processes: Processes) -> None:
    window = processes.window(1, LONG)

    async def main() -> bool:
        with psycopg.connect(postgres.url) as other:
            other.execute("LOCK kie_registry.slots IN ACCESS EXCLUSIVE MODE")
            asking = asyncio.create_task(window.acquire_async(PATIENCE))
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while await asyncio.to_thread(postgres.run, waiting) == [(0,)]:
                assert not asking.done()
        granted = await asking
        window.release()
        return granted

    assert asyncio.run(main())


@pytest.fixture
def broken(postgres: World) -> Iterator[Callable[..., Any]]:
    """Makes a window whose way to the database breaks."""
    (directory,), (port,) = (postgres.run(f"SHOW {name}")[0] for name in ("unix_socket_directories", "port"))
    with tempfile.TemporaryDirectory() as home, proxy(Path(home), f"{directory}/.s.PGSQL.{port}") as way:
        ledgers: list[PostgresLedger] = []

        def make(number: int, patience: float) -> tuple[RateLimit, Any]:
            ledgers.append(PostgresLedger(f"{postgres.url.partition('?')[0]}?host={home}", patience=patience))
            return ledgers[-1].window("create", "account", number, LONG), way

        yield make
        for each in ledgers:
            each.close()


def test_a_slot_whose_taking_was_not_heard_of_is_not_lost(broken: Any, processes: Processes) -> None:
    window, way = broken(2, PATIENCE)
    window.acquire()
    way.break_at("WITH free", "after")
    taken = window.acquire(timeout=PATIENCE)
    window.release(counted=False)
    settled(window)
    assert (taken, way.broken, processes.window(2, LONG).acquire(timeout=PATIENCE)) == (True, 1, True)


def test_a_database_that_is_gone_is_waited_for_and_then_named(
    broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.ledger.postgres._AT_THE_END", 0.0)
    window, way = broken(2, 0.2)
    window.acquire()
    way.close()
    with pytest.raises(LedgerError, match="See that the server runs"):
        window.acquire()


def test_an_answer_is_written_when_the_database_is_back(
    broken: Any, processes: Processes, caplog: pytest.LogCaptureFixture
) -> None:
    window, way = broken(1, PATIENCE)
    window.acquire()
    way.break_at("UPDATE slots SET holder", "before")
    with caplog.at_level(logging.WARNING):
        window.release(counted=False)
    assert processes.window(1, LONG).acquire(timeout=PATIENCE)
    assert (way.broken, caplog.messages) == (1, [])


@needs_fork
def test_a_child_process_does_not_give_back_what_its_parent_holds(processes: Processes) -> None:
    window = processes.window(1, LONG)
    window.acquire()

    def ask() -> bool:
        window.release(counted=False)
        return window.acquire(timeout=0)

    assert in_child(ask) == "False"


def test_the_thread_ends_when_there_is_nothing_to_do(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kie_registry.ledger.postgres_windows._IDLE", 0.01)
    window = processes.window(1, LONG)
    assert isinstance(window, PostgresWindow)
    window.acquire()
    if (thread := window._thread) is not None:
        thread.join(PATIENCE)
    assert window._thread is None
