"""A ledger in an SQLite file, for all processes of one machine."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from attrs import evolve, fields

from kie_registry.errors import IllegalMove
from kie_registry.ledger import schema
from kie_registry.ledger.database import Database
from kie_registry.ledger.job import Job
from kie_registry.ledger.owners import Owners
from kie_registry.ledger.states import HELD, INITIAL, OPEN, SENDERS, State, sources
from kie_registry.ledger.windows import SharedWindow
from kie_registry.limits import RateLimit

_COLUMNS = tuple(field.name for field in fields(Job) if field.name != "number")
_SELECT = f"SELECT rowid AS number, {', '.join(_COLUMNS)} FROM jobs"  # noqa: S608
_INSERT = f"INSERT INTO jobs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_SAMPLES = 50
_SURROGATE = re.compile(r"[\ud800-\udfff]")

_CUT_OFF = "the process that sent it ended before the answer was written down"
_NEVER_SENT = "the process that was to send it ended before anything was sent; nothing was spent"


class SqliteLedger:
    """A `Ledger` in one file, with its rate limits and the locks of its processes in files beside it.

    Args:
        path: The file; made, with its folder, on first use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = Database(path, schema.bring_up_to_date, durable=True)
        # Who comes by a link to the file must find the same; a link to its folder leads there anyway.
        real = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._owners = Owners(real.with_name(f"{real.name}.owners"))
        self._limits = real.with_name(f"{real.name}.limits")
        self._windows: dict[tuple[str, str, int, float], SharedWindow] = {}

    @property
    def owner(self) -> str:
        """The id of this process."""
        return self._owners.mine()

    def add(self, job: Job) -> None:
        """Write a new job down; as `Ledger.add`."""
        if job.state not in INITIAL:
            raise IllegalMove(f"A job cannot begin as {job.state}.", job_id=job.id, task_id=job.task_id)

        def write(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(_INSERT, [_to_column(getattr(job, name)) for name in _COLUMNS])
            except sqlite3.IntegrityError as error:
                raise _taken(job.id, job.task_id) from error

        self._database.write(write)

    def move(
        self, job_id: str, to: State, *, seen: Job | None = None, let_go: bool = False, **changes: Any
    ) -> None:
        """Bring a job into another state; as `Ledger.move`."""
        new = {"changed_at": time.time(), **changes, "state": to}
        names = ", ".join(f"{_known(name)} = ?" for name in new)
        owner, owners = self._owner_in(to, let_go=let_go)
        before = sources(to)
        known: list[Any]
        where, known = f"id = ? AND state IN ({', '.join('?' * len(before))})", [job_id, *before]
        if seen is not None:
            where, known = f"{where} AND state = ? AND attempt = ?", [*known, seen.state, seen.attempt]
        update = f"UPDATE jobs SET {names}, owner = {owner} WHERE {where}"  # noqa: S608
        values = [*map(_to_column, new.values()), *owners, *known]

        def write(connection: sqlite3.Connection) -> None:
            try:
                moved = connection.execute(update, values).rowcount
            except sqlite3.IntegrityError as error:
                raise _taken(job_id, changes.get("task_id")) from error
            if not moved:
                raise _illegal(job_id, to, _get(connection, job_id))

        self._database.write(write)

    def _owner_in(self, state: State, *, let_go: bool) -> tuple[str, list[str]]:
        """Return who owns a job that comes into a state, as an expression of SQL and its values."""
        if state in SENDERS:
            return "?", [self.owner]
        if state not in HELD:
            return "NULL", []
        return ("CASE owner WHEN ? THEN NULL ELSE owner END", [self.owner]) if let_go else ("owner", [])

    def get(self, job_id: str) -> Job | None:
        """Return a job."""
        return self._database.read(lambda connection: _get(connection, job_id))

    def find(self, account: str, name: str) -> Job | None:
        """Return a job by its id, the beginning of it, or its task id; as `Ledger.find`."""
        by_task = f"{_SELECT} WHERE account = ? AND task_id = ?"
        by_id = f"{_SELECT} WHERE account = ? AND id >= ? AND id < ? LIMIT 2"

        def read(connection: sqlite3.Connection) -> Job | None:
            rows = connection.execute(by_task, (account, _to_column(name))).fetchall()
            if not rows and name.isascii():
                rows = connection.execute(by_id, (account, name, f"{name}g")).fetchall()
            return _job(rows[0]) if len(rows) == 1 else None

        return self._database.read(read) if name else None

    def jobs(
        self,
        *,
        account: str | None = None,
        states: Collection[State] | None = None,
        limit: int | None = None,
    ) -> list[Job]:
        """Return jobs, the newest first."""
        wanted = tuple(State if states is None else states)
        where = [f"state IN ({', '.join('?' * len(wanted))})", "(? IS NULL OR account = ?)"]
        if OPEN.issuperset(wanted):
            where.append(schema.OPEN)
        query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY rowid DESC LIMIT ?"
        values = [*wanted, account, account, -1 if limit is None else limit]
        return self._database.read(lambda base: [_job(row) for row in base.execute(query, values)])

    def claim(self, job_id: str) -> Job | None:
        """Take a job on for this process; as `Ledger.claim`."""

        def write(connection: sqlite3.Connection) -> Job | None:
            job = _get(connection, job_id)
            if job is None or job.state not in OPEN or (job.owner is not None and self._owners.alive(job.owner)):
                return None
            connection.execute("UPDATE jobs SET owner = ? WHERE id = ?", (self.owner, job_id))
            return evolve(job, owner=self.owner)

        return self._database.write(write)

    def release(self, job_id: str) -> None:
        """Let a job go that this process took on; as `Ledger.release`."""
        update = "UPDATE jobs SET owner = NULL WHERE id = ? AND owner = ? AND state NOT IN (?, ?)"
        # By their owners those are found that were being sent when their process ended.
        values = (job_id, self.owner, *SENDERS)
        self._database.write(lambda connection: connection.execute(update, values).rowcount)

    def recover(self) -> int:
        """Free the jobs of processes that have ended; as `Ledger.recover`."""
        distinct = f"SELECT DISTINCT owner FROM jobs WHERE {schema.OPEN} AND owner IS NOT NULL"  # noqa: S608
        owners = [row[0] for row in self._database.read(lambda base: base.execute(distinct).fetchall())]
        dead = [owner for owner in owners if not self._owners.alive(owner)]
        if not dead:
            return 0
        return self._database.write(lambda connection: sum(_free(connection, owner) for owner in dead))

    def durations(self, model: str) -> list[float]:
        """Return how many seconds the latest tasks of a model took."""
        query = "SELECT seconds FROM jobs WHERE model = ? AND seconds IS NOT NULL ORDER BY rowid DESC LIMIT ?"
        rows = self._database.read(lambda base: base.execute(query, (model, _SAMPLES)).fetchall())
        return [row[0] for row in rows]

    def window(self, kind: str, account: str, number: int, seconds: float) -> RateLimit:
        """Return a rate limit that all processes of this machine keep together."""
        # One object for all clients of this process, who thus wake each other.
        wanted = (kind, account, number, seconds)
        return self._windows.setdefault(wanted, SharedWindow(self._limits, self._owners, *wanted))

    def close(self) -> None:
        """Close the files; a later call opens them again."""
        self._database.close()
        for window in list(self._windows.values()):
            window.close()


def _free(connection: sqlite3.Connection, owner: str) -> int:
    """Free the jobs of a process that has ended, after what they were doing."""
    of_owner = f"WHERE {schema.OPEN} AND owner = ?"
    ends = f"UPDATE jobs SET state = ?, reason = ?, changed_at = ?, owner = NULL {of_owner} AND state = ?"  # noqa: S608
    now = time.time()
    cut_off = connection.execute(ends, (State.UNKNOWN, _CUT_OFF, now, owner, State.SENDING)).rowcount
    never_sent = connection.execute(ends, (State.REFUSED, _NEVER_SENT, now, owner, State.PLANNED)).rowcount
    others = connection.execute(f"UPDATE jobs SET owner = NULL {of_owner}", (owner,)).rowcount  # noqa: S608
    return cut_off + never_sent + others


def _get(connection: sqlite3.Connection, job_id: str) -> Job | None:
    row = connection.execute(f"{_SELECT} WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else _job(row)


def _known(name: str) -> str:
    if name not in _COLUMNS or name in ("id", "owner"):
        raise TypeError(f"{name!r} is no field of a job that changes")
    return name


def _to_column(value: Any) -> Any:
    """Return a value as SQLite keeps it; containers as JSON."""
    if value is None or isinstance(value, (int, float)):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Names of files, and words of the server, may hold surrogates, of which SQLite makes no text.
    return text if text.isascii() or not _SURROGATE.search(text) else text.encode("utf-8", "surrogatepass")


def _from_column(value: Any) -> Any:
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def _job(row: sqlite3.Row) -> Job:
    try:
        columns = {name: _from_column(row[name]) for name in _COLUMNS}
        columns["state"] = State(columns["state"])
        columns["input"] = None if columns["input"] is None else json.loads(columns["input"])
        columns["files"] = tuple(json.loads(columns["files"]))
        return Job(**columns, number=row["number"])
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"what it says of job {row['id']} cannot be read ({error})") from error


def _taken(job_id: str, task_id: str | None) -> IllegalMove:
    what = f"task {task_id} belongs to another job of the ledger" if task_id else "there is such a job already"
    return IllegalMove(f"Job {job_id}: {what}.", job_id=job_id, task_id=task_id)


def _illegal(job_id: str, to: State, job: Job | None) -> IllegalMove:
    if job is None:
        return IllegalMove(f"The ledger has no job {job_id}.", job_id=job_id)
    return IllegalMove(
        f"Job {job_id} is {job.state}, and cannot become {to}.",
        job_id=job_id,
        task_id=job.task_id,
        model=job.model,
    )
