"""Writing together: all of it or nothing, and what is refused stands in no other's way."""

from __future__ import annotations

import functools
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import SqliteLedger, State
from kie_registry.ledger.database import Database
from tests.forks import in_child, needs_fork
from tests.ledger.jobs import added, job


@pytest.fixture
def ledger(tmp_path: Path) -> SqliteLedger:
    return SqliteLedger(tmp_path / "ledger.sqlite3")


def database_of(ledger: SqliteLedger) -> Database:
    database = ledger._database
    assert isinstance(database, Database)
    return database


def as_others_see_it(ledger: SqliteLedger) -> int:
    """Return how many jobs there are for another connection."""
    return len(SqliteLedger(ledger.path).jobs())


def together(ledger: SqliteLedger, *operations: Callable[[], object]) -> list[BaseException]:
    """Carry out operations together, and return the errors of those that failed."""
    errors: list[BaseException] = []
    with ledger.together():
        for operation in operations:
            try:
                operation()
            except (LedgerError, KeyboardInterrupt) as error:
                errors.append(error)
    return errors


def test_it_is_written_when_the_block_ends_in_one_transaction(ledger: SqliteLedger) -> None:
    said: list[str] = []
    trace: Callable[[str], None] = said.append
    database_of(ledger).read(lambda base: base.set_trace_callback(trace))
    with ledger.together():
        new = added(ledger)
        ledger.move(new.id, State.RUNNING, task_id="t")
        assert as_others_see_it(ledger) == 0
    assert as_others_see_it(ledger) == 1
    assert (said.count("BEGIN IMMEDIATE"), said.count("COMMIT")) == (1, 1)


def test_within_the_block_what_was_written_in_it_is_read(ledger: SqliteLedger) -> None:
    with ledger.together():
        new = added(ledger)
        assert ledger.jobs() == [new]


def test_a_block_within_a_block_is_written_with_the_outer_one(ledger: SqliteLedger) -> None:
    with ledger.together():
        with ledger.together():
            added(ledger)
        assert as_others_see_it(ledger) == 0
        added(ledger)
    assert as_others_see_it(ledger) == 2


def test_an_empty_block_writes_nothing(ledger: SqliteLedger) -> None:
    with ledger.together():
        pass
    assert ledger.jobs() == []


def test_what_is_refused_stands_in_no_others_way(ledger: SqliteLedger) -> None:
    first, second = job(), job()
    errors = together(
        ledger,
        lambda: ledger.add(first),
        lambda: ledger.add(first),
        lambda: ledger.move(first.id, State.LOST),
        lambda: ledger.add(second),
    )
    assert [type(error) for error in errors] == [IllegalMove, IllegalMove]
    assert [each.id for each in ledger.jobs()] == [second.id, first.id]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_written_where_an_error_leaves_the_block(
    ledger: SqliteLedger, error: type[BaseException]
) -> None:
    def leave() -> None:
        with ledger.together():
            added(ledger)
            raise error

    with pytest.raises(error):
        leave()
    assert ledger.jobs() == []
    assert as_others_see_it(ledger) == 0
    added(ledger)
    assert as_others_see_it(ledger) == 1


def broken(base: sqlite3.Connection) -> None:
    base.execute("INSERT INTO nowhere VALUES (1)")


def rolled_back_by_itself(base: sqlite3.Connection) -> None:
    base.execute("ROLLBACK")
    raise sqlite3.OperationalError("database or disk is full")


def interrupted(base: sqlite3.Connection) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("how", [broken, rolled_back_by_itself, interrupted])
@pytest.mark.parametrize("reading", [False, True])
def test_after_a_failure_nothing_more_is_written_and_nothing_of_before(
    ledger: SqliteLedger, how: Callable[[sqlite3.Connection], None], reading: bool
) -> None:
    database = database_of(ledger)
    failing = functools.partial(database.read if reading else database.write, how)
    errors: list[BaseException] = []
    with pytest.raises(LedgerError) as caught, ledger.together():
        errors = together(ledger, lambda: added(ledger), failing, lambda: ledger.add(job()))
    assert (type(errors[-1]), str(errors[-1])) == (LedgerError, str(caught.value))
    assert errors[-1] is not caught.value
    assert ledger.jobs() == []
    added(ledger)
    assert as_others_see_it(ledger) == 1


def test_a_file_that_cannot_be_written_in_the_end_is_said_and_nothing_is_written(ledger: SqliteLedger) -> None:
    def deny_commit(action: int, argument: str | None, *_: object) -> int:
        ended = action == sqlite3.SQLITE_TRANSACTION and argument == "COMMIT"
        return sqlite3.SQLITE_DENY if ended else sqlite3.SQLITE_OK

    database_of(ledger).read(lambda base: base.set_authorizer(deny_commit))
    with pytest.raises(LedgerError, match=f"The ledger {ledger.path}: not authorized"), ledger.together():
        ledger.add(job())
    database_of(ledger).read(lambda base: base.set_authorizer(None))
    assert ledger.jobs() == []


def test_other_threads_write_after_the_block(ledger: SqliteLedger) -> None:
    with ThreadPoolExecutor(1) as pool:
        with ledger.together():
            other = pool.submit(added, ledger)
            while not database_of(ledger)._waiting:
                pass
            added(ledger)
            assert not other.done()
        assert other.result().number == 2


def test_other_ledgers_of_the_file_write_after_the_block(ledger: SqliteLedger) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with ledger.together():
            added(ledger)
            begun.set()
            go_on.wait()

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(write_slowly)
        begun.wait()
        other = pool.submit(added, SqliteLedger(ledger.path))
        go_on.set()
        slow.result()
        assert other.result().number == 2


def test_what_is_closed_within_the_block_is_written_and_then_closed(ledger: SqliteLedger) -> None:
    with ledger.together():
        added(ledger)
        ledger.close()
        added(ledger)
    assert not ledger.path.with_name(f"{ledger.path.name}-wal").exists()
    assert as_others_see_it(ledger) == 2


_KILLED = """
import os, signal, sys
from pathlib import Path
from kie_registry.ledger import SqliteLedger
from tests.ledger.jobs import job
ledger = SqliteLedger(Path(sys.argv[1]))
with ledger.together():
    for number in range(3000):
        ledger.add(job(input={"prompt": "x" * 2000}))
    if sys.argv[2] == "in it":
        os.kill(os.getpid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
@pytest.mark.parametrize(("moment", "written"), [("in it", 0), ("after it", 3000)])
def test_a_process_that_is_killed_leaves_all_or_nothing(ledger: SqliteLedger, moment: str, written: int) -> None:
    # More than SQLite keeps in memory: some of it is in the file before the end.
    command = [sys.executable, "-c", _KILLED, str(ledger.path), moment]
    killed = subprocess.run(command, check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert len(ledger.jobs()) == written


@needs_fork
def test_a_fork_within_the_block_writes_nothing_of_it(ledger: SqliteLedger) -> None:
    seen_there: list[str] = []

    def fork() -> None:
        seen_there.append(in_child(lambda: len(ledger.jobs())))

    with pytest.raises(LedgerError):
        together(ledger, lambda: ledger.add(job()), fork, lambda: ledger.add(job()))
    assert seen_there == ["0"]
    assert ledger.jobs() == []
