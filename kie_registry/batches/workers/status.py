"""How the batches in a database stand, and who works on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from kie_registry.batches.workers.databases import connecting, conninfo
from kie_registry.batches.workers.queue import SCHEMA, SUBMITTED
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

_LATELY = 60.0
_MOST_UNKNOWN = 100

_BATCHES = f"""
SELECT batch, state, count(*), coalesce(sum(credits), 0),
    count(*) FILTER (WHERE changed_at > extract(epoch FROM clock_timestamp()) - %(lately)s),
    extract(epoch FROM clock_timestamp()) - min(created_at),
    count(*) FILTER (WHERE credits IS NULL AND state IN ('failed', 'lost', 'unknown'))
FROM jobs WHERE {SUBMITTED} AND (%(batch)s::text IS NULL OR batch = %(batch)s)
GROUP BY batch, state
"""  # noqa: S608
_WORKERS = f"""
SELECT host, pid, extract(epoch FROM clock_timestamp() - seen_at),
    (SELECT count(*) FROM jobs WHERE owner = owners.id AND {SUBMITTED})
FROM owners WHERE seen_at > clock_timestamp() - make_interval(secs => %(dead_after)s)
    AND EXISTS (SELECT FROM jobs WHERE owner = owners.id AND {SUBMITTED}) ORDER BY host, pid
"""  # noqa: S608
_WAITING = "SELECT count(*) FROM kie_queue.procrastinate_jobs WHERE status = 'todo'"

_OPEN = frozenset({State.PLANNED, State.SENDING, State.RUNNING, State.SUCCEEDED})
_ENDED = frozenset({State.COLLECTED, State.FAILED, State.LOST, State.REFUSED})


@frozen
class WorkerStatus:
    """A process that sees to jobs just now.

    Attributes:
        host: The name of its machine.
        pid: Its number there.
        seen: How many seconds ago it gave a sign of life.
        jobs: How many jobs it has in hand.
    """

    host: str
    pid: int
    seen: float
    jobs: int


@frozen
class BatchStatus:
    """How a batch stands.

    Attributes:
        name: Its name.
        counts: How many jobs stand in each state.
        credits: The credits that they are known to have cost.
        unpriced: How many of them may have cost credits that nobody tells of.
        rate: How many ended in each second of the last minute.
        oldest: How many seconds ago the oldest of those that are not done was put in; None where all are.
        unknown: Jobs of which nobody knows whether they were paid, up to 100.
    """

    name: str
    counts: Mapping[State, int]
    credits: float
    unpriced: int
    rate: float
    oldest: float | None
    unknown: Sequence[Job]

    @property
    def total(self) -> int:
        """How many jobs it has."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """How many jobs are not done, by which others may go on; an unknown one waits for a person."""
        return sum(self.counts.get(state, 0) for state in _OPEN)


@frozen
class QueueStatus:
    """How the batches in a database stand.

    Attributes:
        batches: Each of them, by name.
        workers: Who has jobs in hand.
        waiting: How many portions of jobs wait in the queue.
    """

    batches: Sequence[BatchStatus]
    workers: Sequence[WorkerStatus]
    waiting: int


def read_status(database: str, batch: str | None = None, *, dead_after: float = 30.0) -> QueueStatus:
    """Return how the batches in a database stand, or that one. Blocking.

    Args:
        database: The database: ``postgresql://user:password@host/name``.
        batch: The name of a batch; None for all.
        dead_after: The seconds without a sign of life after which a worker counts as dead.

    Raises:
        ConfigurationError: It is no address of a database.
        LedgerError: The database cannot be reached or not be read.
    """
    import psycopg

    from kie_registry.batches.workers.queue import prepare
    from kie_registry.ledger.postgres import PostgresLedger

    ledger = PostgresLedger(database)
    try:
        ledger.jobs(limit=1)
        prepare(database)
        with connecting(database), psycopg.connect(conninfo(database, SCHEMA, "kie_registry")) as connection:
            rows = connection.execute(_BATCHES, {"batch": batch, "lately": _LATELY}).fetchall()
            workers = connection.execute(_WORKERS, {"dead_after": dead_after}).fetchall()
            waiting = connection.execute(_WAITING).fetchone()
        names = sorted({row[0] for row in rows})
        batches = [
            _batch(
                name,
                [row[1:] for row in rows if row[0] == name],
                ledger.batch(name, states=[State.UNKNOWN], limit=_MOST_UNKNOWN),
            )
            for name in names
        ]
    finally:
        ledger.close()
    return QueueStatus(
        batches,
        [WorkerStatus(host, pid, float(seen), jobs) for host, pid, seen, jobs in workers],
        0 if waiting is None else waiting[0],
    )


def _batch(name: str, rows: Sequence[tuple[Any, ...]], unknown: Sequence[Job]) -> BatchStatus:
    ages = [float(age) for state, _, _, _, age, _ in rows if State(state) in _OPEN]
    return BatchStatus(
        name,
        {State(state): number for state, number, *_ in rows},
        sum(float(credits_) for _, _, credits_, *_ in rows),
        sum(unpriced for *_, unpriced in rows),
        sum(lately for state, _, _, lately, *_ in rows if State(state) in _ENDED) / _LATELY,
        max(ages, default=None),
        unknown,
    )
