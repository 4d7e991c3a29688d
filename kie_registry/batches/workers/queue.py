"""The queue, which tells workers who should look at which jobs; how these stand, the ledger alone knows.

A row of procrastinate's stands for a portion of up to ten jobs: one for each job would cost more than all else
that is done for it. Whatever happens to rows, the jobs are found again by `sweeping`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from kie_registry.batches.workers.databases import connecting, conninfo
from kie_registry.errors import LedgerError

if TYPE_CHECKING:
    import psycopg
    from procrastinate.jobs import Job as Row

SCHEMA = "kie_queue"
"""The schema of procrastinate's own tables, which may be dropped without a thought: the ledger knows all."""

TASK = "kie.jobs"
ANYBODY = "kie"
"""The queue of jobs that have yet to be sent, which any account may do."""

# What `kie batch run` calls its batches, which are its own affair alone: it has a limit on credits, and a folder.
_OF_ONE_MACHINE = "[0-9a-f]{32}"

SUBMITTED = f"batch IS NOT NULL AND batch !~ '^{_OF_ONE_MACHINE}$'"
"""The condition that a row of the ledger is a job of a batch that was submitted."""

_PORTION = 10
# A small batch is spread over all workers too.
_PORTIONS = 64
_CHUNK = 1000
_LOCK = 0x6B69655F71756575


def is_submitted(batch: str | None) -> bool:
    """Whether a batch of this name was submitted, for any worker; one machine runs all others."""
    return batch is not None and re.fullmatch(_OF_ONE_MACHINE, batch) is None


def queue_of(account: str) -> str:
    """Return the queue of jobs whose tasks run in an account, where nobody else can see them."""
    return f"{ANYBODY}-{account}"


class Queue:
    """The queue of a database, for those who put jobs in; a context manager.

    Args:
        url: The database: ``postgresql://user:password@host/name``.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._connector: Any = None

    def __enter__(self) -> Self:
        """Connect, and make the tables where there are none.

        Raises:
            LedgerError: The database cannot be reached or not be used, or its queue is of another version.
        """
        from procrastinate import SyncPsycopgConnector

        prepare(self._url)
        self._connector = SyncPsycopgConnector(conninfo=conninfo(self._url, SCHEMA), min_size=1, max_size=1)
        with connecting(self._url):
            self._connector.open()
        return self

    def __exit__(self, *exception: object) -> None:
        """Disconnect."""
        self._connector.close()

    def defer(self, job_ids: Sequence[str], of: int) -> None:
        """Put jobs in, some of a batch of so many.

        Raises:
            LedgerError: The database cannot be written; who sweeps puts them in then.
        """
        from procrastinate.exceptions import AlreadyEnqueued
        from procrastinate.manager import JobManager

        manager = JobManager(self._connector)
        for rows in portions(job_ids, of=of):
            with connecting(self._url):
                try:
                    manager.batch_defer_jobs(rows)
                except AlreadyEnqueued:
                    # Somebody sweeps, and has just put them in.
                    continue


def portions(job_ids: Sequence[str], *, of: int, queue: str = ANYBODY, priority: int = 0) -> Iterator[list[Row]]:
    """Return jobs as rows of the queue, a thousand rows at a time; `of` is how many jobs there are in all."""
    from procrastinate.jobs import Job as Row

    size = min(_PORTION, max(1, of // _PORTIONS))
    for start in range(0, len(job_ids), size * _CHUNK):
        chunk = job_ids[start : start + size * _CHUNK]
        yield [
            Row(
                queue=queue,
                priority=priority,
                lock=None,
                # So that two who put the same jobs in at once do so once.
                queueing_lock=chunk[at],
                task_name=TASK,
                task_kwargs={"jobs": list(chunk[at : at + size])},
            )
            for at in range(0, len(chunk), size)
        ]


def prepare(url: str) -> None:
    """Make the tables of the queue where there are none; of many who do so at once, one does.

    Raises:
        LedgerError: The database cannot be reached or not be used, or its queue is of another version.
    """
    import psycopg

    with connecting(url), psycopg.connect(conninfo(url, SCHEMA), autocommit=True) as connection:
        if (made := _made_by(connection)) is None:
            # Ends with the connection. What others make meanwhile is seen by transactions that begin after it.
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            made = _made_by(connection) or _make(connection)
    if made[1] != (newest := _migration()):
        import procrastinate

        raise LedgerError(
            f"The queue in the database was made by procrastinate {made[0]} (its tables are those of {made[1]}), "
            f"and here is {procrastinate.__version__} ({newest}). Install the same version everywhere; or stop "
            f"all workers and have it made anew: DROP SCHEMA {SCHEMA} CASCADE. The ledger keeps all jobs."
        )


def _made_by(connection: psycopg.Connection[Any]) -> tuple[str, str] | None:
    """Return the procrastinate that made the queue, and its last migration; None where there is no queue."""
    found = connection.execute("SELECT to_regclass(%s)", (f"{SCHEMA}.made_by",)).fetchone()
    if found is None or found[0] is None:
        return None
    query = f"SELECT version, migration FROM {SCHEMA}.made_by"  # noqa: S608
    made: tuple[str, str] | None = connection.execute(query).fetchone()
    return made


def _make(connection: psycopg.Connection[Any]) -> tuple[str, str]:
    import procrastinate
    from procrastinate.schema import SchemaManager

    made = (procrastinate.__version__, _migration())
    with connection.transaction():
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        connection.execute(SchemaManager.get_schema())
        connection.execute(f"CREATE TABLE {SCHEMA}.made_by (version text NOT NULL, migration text NOT NULL)")
        connection.execute(f"INSERT INTO {SCHEMA}.made_by VALUES (%s, %s)", made)  # noqa: S608
    return made


def _migration() -> str:
    """Return the last migration of the procrastinate that is installed."""
    from procrastinate.schema import SchemaManager

    return max(path.stem for path in Path(SchemaManager.get_migrations_path()).glob("*.sql"))
