"""Find the jobs that nobody looks at, and put them in the queue again.

Jobs are written into the ledger first and put in the queue then, and a worker takes them on in the ledger before
their row leaves the queue. Whatever ends in between, or empties the queue, leaves jobs that stand in the ledger as
nobody's, and in no row. Nothing else needs to be known to find them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from kie_registry.batches.workers.queue import ANYBODY, SUBMITTED, portions, queue_of
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from procrastinate.manager import JobManager

    from kie_registry.ledger.protocol import Ledger

# As long as so many rows wait, nobody is idle, and what is lost can wait too.
_ENOUGH_ROWS = 100
_MOST = 10_000

_WAITING = """
SELECT count(*) AS number FROM (
    SELECT FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = %(queue)s LIMIT %(enough)s
) AS waiting
"""
_LOST = f"""
SELECT jobs.id, account, state FROM jobs LEFT JOIN (
    SELECT jsonb_array_elements_text(args->'jobs') AS id FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') AND (queue_name = %(anybody)s) = (%(state)s = 'planned')
) AS live ON live.id = jobs.id
WHERE live.id IS NULL AND {SUBMITTED} AND owner IS NULL AND state = %(state)s
    AND state IN ('planned', 'sending', 'unknown', 'running', 'succeeded')
ORDER BY rowid LIMIT %(most)s
"""  # noqa: S608
_OWN = f"SELECT id FROM jobs WHERE owner = %(owner)s AND {SUBMITTED} ORDER BY id"  # noqa: S608
_LEFT = f"""
SELECT count(*) AS number FROM jobs
WHERE {SUBMITTED} AND state IN ('planned', 'sending', 'unknown', 'running', 'succeeded')
    AND (state IN ('planned', 'sending') OR (state = ANY(%(states)s) AND account = ANY(%(accounts)s)))
    AND id <> ALL(%(but)s)
"""  # noqa: S608

# Tasks that run are paid already, and their files do not stay for ever.
_FIRST = 1


class Sweep:
    """Looks after the queue.

    Args:
        ledger: The ledger.
        manager: Procrastinate's.
        dead_after: The seconds without a sign of life after which a worker counts as dead.
        saves: Whether files are saved here; where not, a job that has succeeded is done.
    """

    def __init__(self, ledger: Ledger, manager: JobManager, dead_after: float, *, saves: bool) -> None:
        self._ledger = ledger
        self._manager = manager
        self._dead_after = dead_after
        self._under_way = (State.RUNNING, State.SUCCEEDED) if saves else (State.RUNNING,)

    async def run(self, in_hand: Callable[[], Collection[str]]) -> None:
        """Put in again what nobody looks at; `in_hand` returns the jobs that this process sees to just then.

        Raises:
            LedgerError: The ledger cannot be read or written.
            ConnectorException: Nor can the queue.
        """
        await asyncio.to_thread(self._ledger.recover)
        await self._release_what_slipped(in_hand)
        await self._remove_dead_rows()
        for state in self._under_way:
            await self._defer(state)
        waiting = await self._rows(_WAITING, queue=ANYBODY, enough=_ENOUGH_ROWS)
        if waiting[0]["number"] < _ENOUGH_ROWS:
            await self._defer(State.PLANNED)

    async def left(self, accounts: Collection[str], but: Collection[str]) -> int:
        """Return how many jobs are left that workers of these accounts may have to see to, leaving some out."""
        states = [state.value for state in self._under_way]
        rows = await self._rows(_LEFT, states=states, accounts=list(accounts), but=list(but))
        number: int = rows[0]["number"]
        return number

    async def _release_what_slipped(self, in_hand: Callable[[], Collection[str]]) -> None:
        """Let go what is this process's by the ledger alone: the answer to its claim was lost."""
        before = set(in_hand())
        own = await self._rows(_OWN, owner=self._ledger.owner)
        # What ended meanwhile may be another's by now, and what was claimed meanwhile is no less ours.
        seen_to = before.union(in_hand())
        slipped = [row["id"] for row in own if row["id"] not in seen_to]

        def release() -> None:
            with self._ledger.together():
                for job_id in slipped:
                    self._ledger.release(job_id)

        if slipped:
            await asyncio.to_thread(release)

    async def _remove_dead_rows(self) -> None:
        """Remove the rows of workers that have died; the jobs in them are lost then, and found."""
        from procrastinate.exceptions import ConnectorException
        from procrastinate.jobs import Status

        await self._manager.prune_stalled_workers(self._dead_after)
        for row in await self._manager.get_stalled_jobs(seconds_since_heartbeat=self._dead_after):
            try:
                await self._manager.finish_job(row, Status.ABORTED, delete_job=True)
            except ConnectorException:
                # Another one who sweeps has removed it.
                continue

    async def _defer(self, state: State) -> None:
        """Put the lost jobs of a state in the queue."""
        from procrastinate.exceptions import AlreadyEnqueued

        planned = state == State.PLANNED
        queues: dict[str, list[str]] = {}
        for row in await self._rows(_LOST, state=state.value, anybody=ANYBODY, most=_MOST):
            queues.setdefault(ANYBODY if planned else queue_of(row["account"]), []).append(row["id"])
        for queue, job_ids in queues.items():
            priority = 0 if planned else _FIRST
            for rows in portions(job_ids, of=len(job_ids), queue=queue, priority=priority):
                try:
                    await self._manager.batch_defer_jobs_async(rows)
                except AlreadyEnqueued:
                    # Another one puts the same jobs in; what he leaves out, the next sweep finds.
                    continue

    async def _rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = await self._manager.connector.execute_query_all_async(query, **values)
        return rows
