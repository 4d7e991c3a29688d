"""How a file of an older version becomes one of this, and one of a newer version is left as it is."""

from __future__ import annotations

import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from kie_registry.errors import LedgerError
from kie_registry.ledger import SqliteLedger, State, schema
from tests.ledger.jobs import added, planned

PRESENT = len(schema.MIGRATIONS)
NEXT = "CREATE TABLE notes (text TEXT PRIMARY KEY); INSERT INTO notes SELECT id FROM jobs"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file of this version, with two jobs, cleanly closed."""
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    added(ledger)
    added(ledger)
    ledger.close()
    return ledger.path


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this the version before the present one."""
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_an_older_file_is_brought_up_to_date(old: Path, newer: None) -> None:
    assert len(SqliteLedger(old).jobs()) == 2
    assert rows(old, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]
    assert len(rows(old, "SELECT * FROM notes")) == 2


def test_a_new_file_is_of_the_present_version(tmp_path: Path, newer: None) -> None:
    path = tmp_path / "new.sqlite3"
    added(SqliteLedger(path))
    assert rows(path, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


FIRST_ROW = """
INSERT INTO jobs (id, account, model, input, state, attempt, task_id, owner, created_at, changed_at, reason, files)
VALUES ('00000000000000000000000000000001', 'a', 'maker/model', '{"prompt": "a cat"}', 'running', 1, 'task_1',
        'dddddddddddddddddddddddddddddddd', 1.0, 2.0, 'why', '["/a.png"]')
"""


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A file of the first version, with a job that runs and whose process has ended."""
    path = tmp_path / "first.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema.MIGRATIONS[0])
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.execute(FIRST_ROW)
        connection.commit()
    return path


def test_a_file_of_the_first_version_keeps_its_jobs(first_version: Path) -> None:
    ledger = SqliteLedger(first_version)
    (found,) = ledger.jobs(states=[State.RUNNING])
    assert (found.task_id, found.input, found.files) == ("task_1", {"prompt": "a cat"}, ("/a.png",))
    assert (found.batch, found.key, found.number) == (None, None, 1)
    assert rows(first_version, "PRAGMA user_version") == [(len(schema.MIGRATIONS),)]


def test_a_file_of_the_first_version_is_written_like_any_other(first_version: Path) -> None:
    ledger = SqliteLedger(first_version)
    planned(ledger, "a", "b")
    assert ledger.recover() == 1
    assert [(each.number, each.state, each.owner) for each in ledger.jobs()] == [
        (3, State.PLANNED, None),
        (2, State.PLANNED, None),
        (1, State.RUNNING, None),
    ]


def test_pending_jobs_are_found_by_their_index(old: Path) -> None:
    query = f"EXPLAIN QUERY PLAN SELECT id FROM jobs WHERE {schema.PENDING}"
    ((*_, plan),) = rows(old, query)
    assert "USING INDEX jobs_pending" in str(plan)


def test_many_at_once_bring_it_up_to_date_once(old: Path, newer: None) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: len(SqliteLedger(old).jobs()), range(8)))
    assert found == [2] * 8
    assert len(rows(old, "SELECT * FROM notes")) == 2


def _make_and_count(path: Path) -> int:
    ledger = SqliteLedger(path)
    added(ledger)
    return len(rows(path, "PRAGMA user_version"))


def test_many_processes_at_once_make_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite3"
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_make_and_count, [path] * 8)) == [1] * 8
    assert len(SqliteLedger(path).jobs()) == 8


def test_many_threads_at_once_make_a_new_file(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / f"{number}.sqlite3"
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _, path=path: added(SqliteLedger(path)).attempt, range(4))) == [1] * 4


def test_a_script_that_fails_leaves_the_older_file_whole(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    broken = "CREATE TABLE notes (text TEXT); INSERT INTO nowhere VALUES (1)"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        with pytest.raises(LedgerError, match=f"{old}: no such table: nowhere"):
            SqliteLedger(old).jobs()
    assert old.read_bytes() == before
    assert len(SqliteLedger(old).jobs()) == 2


def test_a_full_disk_in_the_middle_is_said_and_leaves_the_older_file_whole(
    old: Path, newer: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(connection: sqlite3.Connection, path: str) -> None:
        connection.execute("PRAGMA max_page_count = 1")
        schema.bring_up_to_date(connection, path)

    ledger = SqliteLedger(old)
    with monkeypatch.context() as patch:
        patch.setattr(ledger._database, "_prepare", prepare)
        with pytest.raises(LedgerError, match=f"{old}: .*full. Make room"):
            ledger.jobs()
    assert len(SqliteLedger(old).jobs()) == 2


def test_a_newer_file_is_refused_and_not_changed(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = old.read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", ())
    with pytest.raises(
        LedgerError, match=f"{old} is of version {PRESENT}, made by a newer kie-registry"
    ) as caught:
        SqliteLedger(old).jobs()
    assert "Upgrade kie-registry" in str(caught.value)
    assert old.read_bytes() == before


def test_another_programs_file_is_refused_and_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "theirs.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=f"{path} is a database of another program"):
        SqliteLedger(path).jobs()
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["theirs.sqlite3"]
