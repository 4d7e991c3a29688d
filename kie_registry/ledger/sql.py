"""A ledger in an SQL database, whichever it is.

All that is said to the database is understood by SQLite and by PostgreSQL. What is refused is found out by
conditions, and never by an error, after which PostgreSQL would undo the whole transaction. No decision rests on
what was read before, unless the statement that writes asks again.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from attrs import evolve

from kie_registry.errors import IllegalMove
from kie_registry.ledger.connections import Connection, Processes, SqlDatabase
from kie_registry.ledger.job import Job
from kie_registry.ledger.rows import COLUMNS, INSERT, SELECT, Rows, among
from kie_registry.ledger.states import HELD, INITIAL, OPEN, PENDING, SENDERS, State, sources

_SAMPLES = 50
_CUT_OFF = "the process that sent it ended before the answer was written down"
_NEVER_SENT = "the process that was to send it ended before anything was sent; nothing was spent"


class SqlLedger:
    """A `Ledger`, but for its rate limits.

    Args:
        database: Where its table ``jobs`` is.
        owners: The processes that share it.
    """

    rows = Rows()
    """How jobs are written and read."""

    skipping = ""
    """What a query ends with that leaves out the rows which others are about to take."""

    def __init__(self, database: SqlDatabase, owners: Processes) -> None:
        self._database = database
        self._owners = owners

    @property
    def owner(self) -> str:
        """The id of this process."""
        return self._owners.mine()

    def together(self) -> AbstractContextManager[None]:
        """Write all that this thread writes within it at once; as `Ledger.together`."""
        return self._database.together()

    def add(self, job: Job) -> None:
        """Write a new job down; as `Ledger.add`."""
        if job.state not in INITIAL:
            raise IllegalMove(f"A job cannot begin as {job.state}.", job_id=job.id, task_id=job.task_id)
        values = self.rows.columns(job)

        def write(base: Connection) -> None:
            if not base.execute(INSERT, values).rowcount:
                raise _taken(job.id, job.task_id)

        self._database.write(write)

    def move(
        self, job_id: str, to: State, *, seen: Job | None = None, let_go: bool = False, **changes: Any
    ) -> None:
        """Bring a job into another state; as `Ledger.move`."""
        changes.setdefault("changed_at", time.time())
        task_id = changes.get("task_id")
        update = _update(to, tuple(changes), seen is not None, let_go, task_id is not None)
        values = [*map(self.rows.column, changes.values())]
        if to in SENDERS or (let_go and to in HELD):
            values.append(self.owner)
        values.append(job_id)
        if seen is not None:
            values += (seen.state.value, seen.attempt, self.owner)
        if task_id is not None:
            values.append(self.rows.text(task_id))

        def write(base: Connection) -> None:
            if not base.execute(update, values).rowcount:
                raise self._refusal(self._get(base, job_id), job_id, to, seen, task_id)

        self._database.write(write)

    def get(self, job_id: str) -> Job | None:
        """Return a job."""
        return self._database.read(lambda base: self._get(base, job_id))

    def find(self, account: str, name: str) -> Job | None:
        """Return a job by its id, the beginning of it, or its task id; as `Ledger.find`."""
        by_task = f"{SELECT} WHERE account = ? AND task_id = ?"
        by_id = f"{SELECT} WHERE account = ? AND id >= ? AND id < ? LIMIT 2"

        def read(base: Connection) -> Job | None:
            rows = base.execute(by_task, (account, self.rows.text(name))).fetchall()
            if not rows and name.isascii():
                rows = base.execute(by_id, (account, name, f"{name}g")).fetchall()
            return self._job(rows[0]) if len(rows) == 1 else None

        return self._database.read(read) if name else None

    def jobs(
        self,
        *,
        account: str | None = None,
        states: Collection[State] | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first."""
        wanted = frozenset(State if states is None else states)
        where, values = [among(wanted)], []
        if wanted <= PENDING:
            # In the words of the index of those few.
            where.append(among(PENDING))
        if account is not None:
            where.append("account = ?")
            values.append(account)
        query = f"{SELECT} WHERE {' AND '.join(where)} ORDER BY rowid DESC{_at_most(limit)}"
        return self._all(query, values) if wanted else []

    def claim(self, job_id: str) -> Job | None:
        """Take a job on for this process; as `Ledger.claim`."""
        job = self.get(job_id)
        if job is None or job.state not in OPEN or (job.owner is not None and self._owners.alive(job.owner)):
            return None
        had, by = ("owner IS NULL", ()) if job.owner is None else ("owner = ?", (job.owner,))
        update = f"UPDATE jobs SET owner = ? WHERE id = ? AND state = ? AND attempt = ? AND {had}"  # noqa: S608
        values = (self.owner, job_id, job.state.value, job.attempt, *by)
        claimed = self._database.write(lambda base: base.execute(update, values).rowcount)
        return evolve(job, owner=self.owner) if claimed else None

    def release(self, job_id: str) -> None:
        """Let a job go that this process took on; as `Ledger.release`."""
        # By their owners those are found that were being sent when their process ended.
        free = f"(NOT {among(SENDERS)} OR ({among({State.PLANNED})} AND batch IS NOT NULL))"
        update = f"UPDATE jobs SET owner = NULL WHERE id = ? AND owner = ? AND {free}"  # noqa: S608
        values = (job_id, self.owner)
        self._database.write(lambda base: base.execute(update, values).rowcount)

    def recover(self) -> int:
        """Free the jobs of processes that have ended; as `Ledger.recover`."""
        distinct = "SELECT DISTINCT owner FROM jobs WHERE owner IS NOT NULL"
        owners = [row[0] for row in self._database.read(lambda base: base.execute(distinct).fetchall())]
        dead = [owner for owner in owners if not self._owners.alive(owner)]
        return self._database.write(lambda base: sum(_free(base, owner) for owner in dead)) if dead else 0

    def plan(self, jobs: Sequence[Job]) -> int:
        """Write down jobs of batches; as `Ledger.plan`."""
        rows = [self.rows.planned(job) for job in jobs]
        return self._database.write(lambda base: base.executemany(INSERT, rows).rowcount) if rows else 0

    def replan(self, batch: str) -> int:
        """Make those of a batch's jobs `PLANNED` again that were refused; as `Ledger.replan`."""
        where = f"batch = ? AND {among({State.REFUSED})}"
        update = f"UPDATE jobs SET state = ?, reason = ?, changed_at = ? WHERE {where}"  # noqa: S608
        values = (State.PLANNED.value, "", time.time(), batch)
        return self._database.write(lambda base: base.execute(update, values).rowcount)

    def take(self, batch: str, limit: int) -> list[Job]:
        """Take on planned jobs of a batch for this process; as `Ledger.take`."""
        where = f"batch = ? AND {among({State.PLANNED})} AND owner IS NULL"
        query = f"{SELECT} WHERE {where} ORDER BY rowid LIMIT ?{self.skipping}"
        owner = self.owner

        def write(base: Connection) -> list[Job]:
            rows = base.execute(query, (batch, limit)).fetchall()
            jobs = [self._job(row, owner=owner) for row in rows]
            if jobs:
                base.executemany("UPDATE jobs SET owner = ? WHERE id = ?", [(owner, job.id) for job in jobs])
            return jobs

        return self._database.write(write)

    def batch(
        self, batch: str, *, states: Collection[State] | None = None, after: int = 0, limit: int | None = None
    ) -> list[Job]:
        """Return jobs of a batch, in the order of planning; as `Ledger.batch`."""
        # For each state the index has them in this order; and one statement sees no job twice, whoever moves it.
        wanted = [state for state in State if states is None or state in states]
        each = f"{SELECT} WHERE batch = ? AND state = ? AND rowid > ? ORDER BY rowid{_at_most(limit)}"
        parts = [f"SELECT * FROM ({each}) AS {state}_ones" for state in wanted]  # noqa: S608
        query = f"{' UNION ALL '.join(parts)} ORDER BY number{_at_most(limit)}"
        values = [value for state in wanted for value in (batch, state.value, after)]
        return self._all(query, values) if wanted else []

    def tally(self, batch: str) -> Mapping[State, tuple[int, float]]:
        """Return how many jobs of a batch stand in each state, and what they cost; as `Ledger.tally`."""
        query = "SELECT state, COUNT(*), COALESCE(SUM(credits), 0) FROM jobs WHERE batch = ? GROUP BY state"
        rows = self._database.read(lambda base: base.execute(query, (batch,)).fetchall())
        return {State(state): (number, float(credits_)) for state, number, credits_ in rows}

    def durations(self, model: str) -> list[float]:
        """Return how many seconds the latest tasks of a model took."""
        query = "SELECT seconds FROM jobs WHERE model = ? AND seconds IS NOT NULL ORDER BY rowid DESC LIMIT ?"
        rows = self._database.read(lambda base: base.execute(query, (model, _SAMPLES)).fetchall())
        return [row[0] for row in rows]

    def close(self) -> None:
        """Close the database; a later call opens it again."""
        self._database.close()

    def _all(self, query: str, values: Sequence[Any]) -> list[Job]:
        rows = self._database.read(lambda base: base.execute(query, values).fetchall())
        return [self._job(row) for row in rows]

    def _get(self, base: Connection, job_id: str) -> Job | None:
        row = base.execute(f"{SELECT} WHERE id = ?", (job_id,)).fetchone()
        return None if row is None else self._job(row)

    def _job(self, row: Sequence[Any], **others: Any) -> Job:
        try:
            return self.rows.job(row, **others)
        except ValueError as error:
            raise self._database.trouble(str(error)) from error

    def _refusal(
        self, job: Job | None, job_id: str, to: State, seen: Job | None, task_id: str | None
    ) -> IllegalMove:
        """Return why a job was not moved."""
        if job is None:
            return IllegalMove(f"The ledger has no job {job_id}.", job_id=job_id)
        as_seen = seen is None or (seen.state, seen.attempt) == (job.state, job.attempt)
        if job.state not in sources(to) or not as_seen:
            why = f"Job {job_id} is {job.state}, and cannot become {to}."
        elif seen is not None and job.owner not in (None, self.owner):
            why = f"Job {job_id} is {job.state}, and another process sees to it."
        else:
            return _taken(job_id, task_id)
        return IllegalMove(why, job_id=job_id, task_id=job.task_id, model=job.model)


@functools.lru_cache(maxsize=256)
def _update(to: State, names: tuple[str, ...], seen: bool, let_go: bool, names_task: bool) -> str:  # noqa: FBT001
    """Return the statement that brings a job into a state; its values are those of `names`, then the others'."""
    unknown = [name for name in names if name not in COLUMNS or name in ("id", "owner", "state")]
    if unknown:
        raise TypeError(f"{unknown[0]!r} is no field of a job that changes")
    owner = "NULL"
    if to in SENDERS:
        owner = "?"
    elif to in HELD:
        owner = "CASE owner WHEN ? THEN NULL ELSE owner END" if let_go else "owner"
    where = f"id = ? AND {among(sources(to))}"
    if seen:
        where += " AND state = ? AND attempt = ? AND (owner IS NULL OR owner = ?)"
    if names_task:
        other = "other.account = jobs.account AND other.task_id = ? AND other.id <> jobs.id"
        where += f" AND NOT EXISTS (SELECT 1 FROM jobs AS other WHERE {other})"  # noqa: S608
    changes = "".join(f"{name} = ?, " for name in names)
    return f"UPDATE jobs SET {changes}state = '{to}', owner = {owner} WHERE {where}"  # noqa: S608


def _free(base: Connection, owner: str) -> int:
    """Free the jobs of a process that has ended, after what they were doing."""
    ends = "UPDATE jobs SET state = ?, reason = ?, changed_at = ?, owner = NULL WHERE owner = ? AND state = ?"
    now = time.time()
    cut_off = (State.UNKNOWN.value, _CUT_OFF, now, owner, State.SENDING.value)
    never_sent = (State.REFUSED.value, _NEVER_SENT, now, owner, State.PLANNED.value)
    freed = base.execute(ends, cut_off).rowcount
    freed += base.execute(f"{ends} AND batch IS NULL", never_sent).rowcount
    return freed + base.execute("UPDATE jobs SET owner = NULL WHERE owner = ?", (owner,)).rowcount


def _at_most(limit: int | None) -> str:
    return "" if limit is None else f" LIMIT {int(limit)}"


def _taken(job_id: str, task_id: str | None) -> IllegalMove:
    what = f"task {task_id} belongs to another job of the ledger" if task_id else "there is such a job already"
    return IllegalMove(f"Job {job_id}: {what}.", job_id=job_id, task_id=task_id)
