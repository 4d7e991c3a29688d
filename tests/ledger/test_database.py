"""One file for many threads and processes: what an interruption, a kill or a fork leaves."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kie_registry.errors import IllegalMove, LedgerError
from kie_registry.ledger import SqliteLedger, State
from kie_registry.ledger.database import Database
from tests.forks import in_child, needs_fork
from tests.ledger.jobs import added, job

THREADS = 16


def make_table(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER UNIQUE)")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "t.sqlite3", make_table, durable=True)
    yield database
    database.close()


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    return lambda connection: connection.execute("INSERT INTO t VALUES (?)", (number,)).rowcount


def numbers(database: Database) -> list[int]:
    return sorted(row[0] for row in database.read(lambda base: base.execute("SELECT n FROM t").fetchall()))


def all_waiting(database: Database, writes: list[Callable[[sqlite3.Connection], object]]) -> list[object]:
    """Carry `writes` out, by a thread each, all waiting by the time the first begins; return results or errors."""

    def write(operation: Callable[[sqlite3.Connection], object]) -> object:
        try:
            return database.write(operation)
        except BaseException as error:
            return error

    with ThreadPoolExecutor(len(writes)) as pool:
        with database._lock:
            outcomes = [pool.submit(write, operation) for operation in writes]
            while len(database._waiting) < len(writes):
                pass
        return [outcome.result() for outcome in outcomes]


def refuse(connection: sqlite3.Connection) -> None:
    raise IllegalMove("no")


def break_down(connection: sqlite3.Connection) -> None:
    raise RuntimeError("a bug")


def interrupt(connection: sqlite3.Connection) -> None:
    raise KeyboardInterrupt


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1}


@pytest.mark.parametrize(("name", "value"), PRAGMAS.items())
def test_a_journal_ahead_of_the_file_and_every_commit_on_the_disk(
    database: Database, name: str, value: object
) -> None:
    assert database.read(lambda base: base.execute(f"PRAGMA {name}").fetchone()[0]) == value


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not synced here")
@pytest.mark.parametrize("durable", [True, False])
def test_the_names_of_a_new_file_and_its_folders_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append(os.fstat(number).st_ino))
    path = tmp_path / "new" / "newer" / "t.sqlite3"
    for _ in range(2):
        database = Database(path, make_table, durable=durable)
        database.read(lambda connection: None)
        database.close()
    folders = [folder.stat().st_ino for folder in (path.parent, path.parent.parent, tmp_path)]
    assert synced == (folders if durable else [])


def test_what_nobody_foresaw_is_not_called_damage(database: Database) -> None:
    database.read(lambda connection: connection.set_authorizer(lambda *_: sqlite3.SQLITE_DENY))
    with pytest.raises(LedgerError) as caught:
        numbers(database)
    database.read(lambda connection: connection.set_authorizer(None))
    assert str(caught.value).startswith(f"The ledger {database.path}: not authorized. Leave the file where it is")


def test_what_is_closed_in_the_middle_of_a_write_is_written_and_then_closed(database: Database) -> None:
    def closing(connection: sqlite3.Connection) -> int:
        database.close()
        return insert(1)(connection)

    assert database.write(closing) == 1
    assert [path.name for path in database.path.parent.iterdir()] == ["t.sqlite3"]
    assert numbers(database) == [1]


def test_what_is_closed_in_the_middle_of_a_read_is_read_and_then_closed(database: Database) -> None:
    database.write(insert(1))

    def closing(connection: sqlite3.Connection) -> object:
        database.close()
        return connection.execute("SELECT n FROM t").fetchone()[0]

    assert database.read(closing) == 1
    assert [path.name for path in database.path.parent.iterdir()] == ["t.sqlite3"]


def test_what_many_threads_write_at_once_goes_into_one_transaction(database: Database) -> None:
    begun: list[str] = []
    database.read(lambda connection: connection.set_trace_callback(begun.append))
    assert all_waiting(database, [insert(number) for number in range(THREADS)]) == [1] * THREADS
    assert (numbers(database), begun.count("COMMIT")) == (list(range(THREADS)), 1)


@pytest.mark.parametrize(("bad", "kind"), [(refuse, IllegalMove), (break_down, RuntimeError)])
def test_who_is_refused_among_many_is_refused_alone(
    database: Database, bad: Callable[[sqlite3.Connection], None], kind: type[Exception]
) -> None:
    outcomes = all_waiting(database, [insert(1), bad, insert(2), bad, insert(3)])
    assert [type(outcome) for outcome in outcomes] == [int, kind, int, kind, int]
    assert numbers(database) == [1, 2, 3]


def test_who_is_interrupted_among_many_is_interrupted_alone(database: Database) -> None:
    outcomes = all_waiting(database, [insert(1), interrupt, insert(2), insert(3)])
    kinds = [type(outcome) for outcome in outcomes]
    # Whose thread carried it out is the one that was interrupted, as Ctrl-C interrupts whoever it meets.
    assert kinds.count(KeyboardInterrupt) >= 1
    assert numbers(database) == [number for number, at in ((1, 0), (2, 2), (3, 3)) if kinds[at] is int]


def test_each_who_waits_has_an_error_of_its_own(database: Database) -> None:
    def broken(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    outcomes = all_waiting(database, [broken, broken])
    assert [type(outcome) for outcome in outcomes] == [LedgerError, LedgerError]
    assert outcomes[0] is not outcomes[1]


class Interrupting:
    """A connection, after one statement of which Ctrl-C has arrived."""

    def __init__(self, real: sqlite3.Connection, statement: str) -> None:
        self.real = real
        self.statement = statement

    @property
    def in_transaction(self) -> bool:
        return self.real.in_transaction

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        done = self.real.execute(statement, *values)
        if statement == self.statement:
            self.statement = ""
            raise KeyboardInterrupt
        return done

    def close(self) -> None:
        self.real.close()


INTERRUPTED = {"BEGIN IMMEDIATE": False, "INSERT INTO t VALUES (?)": False, "COMMIT": True}


@pytest.mark.parametrize(("statement", "written"), INTERRUPTED.items())
def test_after_an_interruption_the_next_can_write(
    database: Database, monkeypatch: pytest.MonkeyPatch, statement: str, written: bool
) -> None:
    interrupting = Interrupting(database.read(lambda connection: connection), statement)
    monkeypatch.setattr(database, "_connection", interrupting)
    with pytest.raises(KeyboardInterrupt):
        database.write(insert(1))
    database.write(insert(2))
    assert numbers(database) == ([1, 2] if written else [2])


def test_what_was_committed_when_another_was_interrupted_is_not_written_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupting = Interrupting(database.read(lambda connection: connection), "COMMIT")
    monkeypatch.setattr(database, "_connection", interrupting)
    outcomes = all_waiting(database, [insert(number) for number in range(4)])
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["KeyboardInterrupt", "int", "int", "int"]
    assert numbers(database) == [0, 1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
def test_who_is_interrupted_in_the_line_leaves_it(database: Database) -> None:
    database.read(lambda connection: None)
    holding, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database._lock:
            holding.set()
            leave.wait()

    def interrupt_main() -> None:
        holding.wait()
        while not database._waiting:
            pass
        # One that comes just before the wait begins wakes nobody.
        while database._waiting:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            leave.wait(0.1)

    threads = [threading.Thread(target=hold), threading.Thread(target=interrupt_main)]
    for thread in threads:
        thread.start()
    holding.wait()
    try:
        with pytest.raises(KeyboardInterrupt):
            database.write(insert(1))
    finally:
        leave.set()
        for thread in threads:
            thread.join()
    database.write(insert(2))
    assert numbers(database) == [2]


def test_a_file_is_closed_when_nobody_has_it_any_more(tmp_path: Path) -> None:
    database = Database(tmp_path / "t.sqlite3", make_table, durable=True)
    database.write(insert(1))
    del database
    gc.collect()
    assert [path.name for path in tmp_path.iterdir()] == ["t.sqlite3"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from typing import Any
from kie_registry.ledger import SqliteLedger
from tests.ledger.jobs import job
SqliteLedger(Path(sys.argv[1])).add(job())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_what_was_added_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    killed = subprocess.run([sys.executable, "-c", _KILLED, path], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert [each.state for each in SqliteLedger(path).jobs()] == [State.SENDING]


@needs_fork
def test_what_a_child_writes_is_kept_after_its_parent_has_closed_the_file(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    added(ledger)
    go, went = os.pipe()

    def write_before_and_after() -> int:
        added(ledger)
        os.read(go, 1)
        added(ledger)
        return len(ledger.jobs())

    with ThreadPoolExecutor(1) as pool:
        child = pool.submit(in_child, write_before_and_after)
        while len(ledger.jobs()) < 2:
            pass
        ledger.close()
        os.write(went, b"x")
        assert child.result() == "3"
    assert len(ledger.jobs()) == 3
    os.close(go)
    os.close(went)


@needs_fork
def test_a_parent_goes_on_after_a_fork(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    added(ledger)
    assert in_child(lambda: added(ledger).state) == "sending"
    added(ledger)
    assert len(ledger.jobs()) == 3


@needs_fork
def test_a_fork_waits_for_a_write_that_has_begun(tmp_path: Path, database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()
        connection.execute("INSERT INTO t VALUES (1)")

    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(database.write, slow)
        begun.wait()
        forking = pool.submit(in_child, lambda: numbers(database))
        go_on.set()
        writing.result()
        assert forking.result() == "[1]"


def test_a_job_that_is_refused_is_refused_to_its_own_thread(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    jobs = [added(ledger) for _ in range(THREADS)]

    def accept(number: int) -> str:
        try:
            ledger.move(jobs[number].id, State.RUNNING, task_id=f"task_{number // 2}")
        except IllegalMove as error:
            return "refused" if error.job_id == jobs[number].id else "refused for another"
        return "accepted"

    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(accept, range(THREADS)))
    assert outcomes.count("accepted") == outcomes.count("refused") == THREADS / 2
    assert len({each.task_id for each in ledger.jobs(states=[State.RUNNING])}) == THREADS / 2


def test_two_ledgers_of_one_file_see_each_others_jobs(tmp_path: Path) -> None:
    one, two = (SqliteLedger(tmp_path / "ledger.sqlite3") for _ in range(2))
    new = job()
    one.add(new)
    two.move(new.id, State.RUNNING, task_id="task_1")
    assert [each.state for each in one.jobs()] == [State.RUNNING]
