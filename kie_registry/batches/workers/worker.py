"""A worker: takes jobs from the queue of a database, and sees to them with one API key, or with several."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kie_registry.batches.running.file_systems import open_address
from kie_registry.batches.running.outcomes import Outcome
from kie_registry.batches.running.targets import Target
from kie_registry.batches.workers.databases import connecting, conninfo, quiet
from kie_registry.batches.workers.queue import SCHEMA, prepare
from kie_registry.batches.workers.timings import Timings
from kie_registry.errors import AuthenticationError, ConfigurationError, KieError, LedgerError

if TYPE_CHECKING:
    from procrastinate import PsycopgConnector

    from kie_registry.async_client import AsyncKie
    from kie_registry.batches.workers.account import Account
    from kie_registry.batches.workers.sweeping import Sweep
    from kie_registry.ledger.postgres import PostgresLedger
    from kie_registry.ledger.protocol import Ledger
    from kie_registry.secret import Secret

_CONNECTING = 5.0
_log = logging.getLogger("kie_registry.batches")


class Worker:
    """Sees to the jobs of all batches in a database, beside any number of others that do.

    Each key is an account of its own, with limits of its own, and takes from the same queue as fast as these
    allow: so the key whose line is shortest takes next.

    Args:
        database: The database: ``postgresql://user:password@host/name``.
        keys: The API keys.
        out: Where the files go: a folder, or a URL that fsspec knows, such as ``s3://bucket/folder``; None to
            leave them at kie.ai.
        concurrency: How many tasks of each key may run at once here.
        until_idle: Whether to stop when no job is left that these keys could see to.
        finished: Called with what came of each job.
        timings: How often to look after what.
        client: Arguments of `AsyncKie`, such as ``base_url``.

    Raises:
        ConfigurationError: An argument is wrong, or a package is missing.
    """

    def __init__(
        self,
        database: str,
        keys: Sequence[str | Secret],
        out: str | os.PathLike[str] | None,
        *,
        concurrency: int = 100,
        until_idle: bool = False,
        finished: Callable[[Outcome], None] | None = None,
        timings: Timings | None = None,
        **client: Any,
    ) -> None:
        if not keys:
            raise ConfigurationError("a worker needs an API key: set KIE_API_KEY")
        if isinstance(concurrency, bool) or not isinstance(concurrency, int) or concurrency < 1:
            raise ConfigurationError(f"concurrency is {concurrency!r}; it takes a positive number of tasks")
        self._conninfo = conninfo(database, SCHEMA, "kie_registry")
        self._database = database
        # A key that is given twice is one account.
        self._keys = list(dict.fromkeys(keys))
        self._target = None if out is None else Target.of(out)
        self._concurrency = concurrency
        self._until_idle = until_idle
        self._finished = finished or _nobody
        self._timings = timings or Timings()
        self._client = client
        self._accounts: list[Account] = []
        self._running: asyncio.Task[Any] | None = None
        self._stopped = False

    def serve(self) -> None:
        """Work until interrupted (SIGINT or SIGTERM), and see to what runs then; a second time leaves it at once.

        Raises:
            KeyboardInterrupt: It was left at once; its jobs are others' when it counts as dead.
            KieError: As `run`.
        """
        with quiet():
            try:
                asyncio.run(self._serve())
            except asyncio.CancelledError:
                raise KeyboardInterrupt from None

    def stop(self) -> None:
        """Take no more jobs, and end when those that run have ended; a second time leaves these too.

        To be called in the event loop in which the worker runs.
        """
        if self._stopped and self._running is not None:
            self._running.cancel()
        self._stopped = True
        for account in self._accounts:
            account.stop()

    async def run(self) -> None:
        """Work until stopped.

        Raises:
            LedgerError: The database cannot be reached or not be used.
            AuthenticationError: A key is not accepted.
            KieError: Nothing can be saved, or no key may be used any more.
        """
        self._running = asyncio.current_task()
        if self._target is not None:
            await asyncio.to_thread(self._target.check)
        async with contextlib.AsyncExitStack() as stack:
            ledger = await asyncio.to_thread(self._open_ledger)
            stack.callback(ledger.close)
            connector = await stack.enter_async_context(self._connected())
            for key in self._keys:
                kie = await stack.enter_async_context(_client(key, ledger, self._client))
                await _check_key(kie)
                self._accounts.append(self._account(kie, ledger, connector))
                stack.push_async_callback(self._accounts[-1].close)
            await self._work(ledger, connector)
        troubles = [account.trouble for account in self._accounts if account.trouble is not None]
        if troubles and not self._stopped:
            raise troubles[0]

    async def _serve(self) -> None:
        with _signals(self.stop):
            await self.run()

    async def _work(self, ledger: Ledger, connector: PsycopgConnector) -> None:
        from procrastinate.manager import JobManager

        from kie_registry.batches.workers.sweeping import Sweep

        if self._stopped:
            # It was told so while it began.
            for account in self._accounts:
                account.stop()
        sweep = Sweep(ledger, JobManager(connector), self._timings.dead_after, saves=self._target is not None)
        others: list[asyncio.Future[Any]] = [asyncio.create_task(self._sweep(sweep))]
        if self._until_idle:
            others.append(asyncio.create_task(self._stop_when_idle(sweep)))
        working: asyncio.Future[Any] = asyncio.gather(*(account.run() for account in self._accounts))
        waiting = {working, *others}
        try:
            while not working.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in [working, *others]:
                task.cancel()
            await asyncio.gather(working, *others, return_exceptions=True)

    async def _sweep(self, sweep: Sweep) -> None:
        """Look after the queue as long as this worker takes jobs."""
        while not self._stopped:
            async with self._patient():
                await sweep.run(self._in_hand)
            await asyncio.sleep(self._timings.sweep)

    def _in_hand(self) -> set[str]:
        return set().union(*(account.in_hand for account in self._accounts))

    async def _stop_when_idle(self, sweep: Sweep) -> None:
        left = 1
        while left:
            await asyncio.sleep(self._timings.look)
            if self._in_hand():
                continue
            unsaved = set().union(*(account.unsaved for account in self._accounts))
            async with self._patient():
                left = await sweep.left([account.id for account in self._accounts], unsaved)
        for account in self._accounts:
            account.stop()

    @contextlib.asynccontextmanager
    async def _patient(self) -> AsyncIterator[None]:
        """Do what can as well be done the next time; a database that is gone is others' affair to tell."""
        from procrastinate.exceptions import ConnectorException

        try:
            yield
        except (LedgerError, ConnectorException) as error:
            _log.info("the queue could not be looked after: %s", error.__cause__ or error)

    def _open_ledger(self) -> PostgresLedger:
        from kie_registry.ledger.postgres import PostgresLedger

        times = self._timings
        ledger = PostgresLedger(self._database, every=times.beat, dead_after=times.dead_after)
        # It is asked for something, so that what is wrong with the database is said now.
        _ = ledger.owner
        prepare(self._database)
        return ledger

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[PsycopgConnector]:
        from procrastinate import PsycopgConnector
        from psycopg_pool import AsyncConnectionPool

        def pool(**options: Any) -> AsyncConnectionPool:
            # A dead connection is found out by who uses it, which is cheaper than asking each time.
            return AsyncConnectionPool(**{**options, "check": None})

        connector = PsycopgConnector(
            pool_factory=pool,
            conninfo=self._conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=len(self._keys) + 2,
            timeout=_CONNECTING,
            reconnect_timeout=_CONNECTING,
        )
        with connecting(self._database):
            await connector.open_async()
        try:
            yield connector
        finally:
            await connector.close_async()

    def _account(self, kie: AsyncKie, ledger: PostgresLedger, connector: PsycopgConnector) -> Account:
        from kie_registry.batches.running.prices import Prices
        from kie_registry.batches.running.runner import Runner
        from kie_registry.batches.workers.account import Account

        return Account(
            kie.account,
            lambda admission: Runner(
                kie._calls, kie._http, ledger, admission, self._target, open_address=open_address
            ),
            ledger,
            Prices(kie.models),
            saves=self._target is not None,
            concurrency=self._concurrency,
            connector=connector,
            database=ledger.path,
            timings=self._timings,
            finished=self._finished,
        )


def _nobody(outcome: Outcome) -> None:
    """Tell nobody what came of a job."""
    del outcome


def _client(key: str | Secret, ledger: Ledger, options: dict[str, Any]) -> AsyncKie:
    from kie_registry.async_client import AsyncKie

    return AsyncKie(key, ledger=ledger, **options)


async def _check_key(kie: AsyncKie) -> None:
    """Raise AuthenticationError where a key is not accepted; whatever else is wrong may pass."""
    try:
        await kie.credits()
    except AuthenticationError:
        raise
    except KieError as error:
        _log.info("whether the key of account %s is accepted is not known: %s", kie.account, error)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have the signals that end a process call `stop` in the running event loop."""
    loop = asyncio.get_running_loop()
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
