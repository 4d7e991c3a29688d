"""Procrastinate's manager of jobs, which waits for a database that is gone, and takes no more than can be done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import psycopg
from procrastinate import jobs
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager

T = TypeVar("T")

_PAUSE = 1.0
_log = logging.getLogger("kie_registry.batches")


class PatientManager(JobManager):
    """A manager for one worker of procrastinate's.

    Args:
        connector: Its connections.
        has_room: Waits until another row may be taken; false where none is to be taken any more.
        stopping: Set where a database that is gone is not worth waiting for any more.
        name: What the database is called in messages.
    """

    def __init__(
        self,
        connector: BaseConnector,
        has_room: Callable[[], Awaitable[bool]],
        stopping: asyncio.Event,
        name: str,
    ) -> None:
        super().__init__(connector)
        self._has_room = has_room
        self._stopping = stopping
        self._name = name
        self._worker_id = 0
        self._is_gone = False

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:  # noqa: ARG002
        """Return the next row, once there is room for what it stands for; None where there is none."""
        if not await self._has_room():
            return None
        fetch = super().fetch_job
        try:
            return await self._patiently(lambda: fetch(queues, self._worker_id))
        except ConnectorException as error:
            # Others have taken this worker for dead while the database was gone.
            if not isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
                raise
            await self.register_worker()
            return None

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:  # noqa: FBT001
        """Remove a row, if nobody else has."""
        finish = super().finish_job
        await self._settle(lambda: finish(job, status, delete_job))

    async def retry_job(self, job: jobs.Job, *args: Any, **options: Any) -> None:
        """Put a row back, if nobody else has."""
        retry = super().retry_job
        await self._settle(lambda: retry(job, *args, **options))

    async def register_worker(self) -> int:
        """Enter a worker; who has been struck off enters again, under another id."""
        self._worker_id = await self._patiently(super().register_worker)
        return self._worker_id

    async def unregister_worker(self, worker_id: int) -> None:  # noqa: ARG002
        """Strike the worker off; its rows are found by others then."""
        strike_off = super().unregister_worker
        await self._settle(lambda: strike_off(self._worker_id))

    async def update_heartbeat(self, worker_id: int) -> None:  # noqa: ARG002
        """Give a sign of life."""
        beat = super().update_heartbeat
        await self._settle(lambda: beat(self._worker_id))

    async def prune_stalled_workers(self, seconds_since_heartbeat: float) -> list[int]:
        """Strike off the workers that have died."""
        prune = super().prune_stalled_workers
        return await self._patiently(lambda: prune(seconds_since_heartbeat))

    async def _settle(self, do: Callable[[], Awaitable[None]]) -> None:
        """Do what others may have done before; what is left undone when the worker stops, others find."""
        try:
            await self._patiently(do)
        except ConnectorException as error:
            _log.debug("the queue in %s: %s", self._name, error.__cause__)

    async def _patiently(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something as soon as the database is there."""
        while True:
            try:
                done = await do()
            except ConnectorException as error:
                if not is_gone(error) or self._stopping.is_set():
                    raise
                if not self._is_gone:
                    reason = str(error.__cause__).partition("\n")[0]
                    _log.warning("the database %s is gone (%s); waiting for it", self._name, reason)
                self._is_gone = True
                await asyncio.sleep(_PAUSE)
            else:
                if self._is_gone:
                    _log.warning("the database %s is back", self._name)
                self._is_gone = False
                return done


def is_gone(error: ConnectorException) -> bool:
    """Whether it says that the database cannot be reached just now."""
    return isinstance(error.__cause__, (psycopg.OperationalError, psycopg.InterfaceError))
