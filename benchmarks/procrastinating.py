"""Procrastinate alone, as its defaults are, with tasks that do nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.schema import SchemaManager
from procrastinate.types import JSONValue

_TASK = "nothing"


def submit(database: str, number: int) -> None:
    """Put as many tasks into an empty database."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SchemaManager.get_schema())
    app = App(connector=SyncPsycopgConnector(conninfo=database))
    with app.open():
        given: list[dict[str, JSONValue]] = [{"at": at} for at in range(number)]
        app.configure_task(_TASK).batch_defer(*given)


def worker(database: str, ended: Callable[[object], None]) -> Callable[[], None]:
    """Return what works until nothing is left; `ended` is called with each task."""
    app = App(connector=PsycopgConnector(conninfo=database))

    @app.task(name=_TASK)
    async def nothing(at: int) -> None:
        ended(at)

    async def work() -> None:
        async with app.open_async():
            await app.run_worker_async(wait=False)

    return lambda: asyncio.run(work())
