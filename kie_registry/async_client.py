"""The asynchronous client: the same calls as `Kie`, awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from kie_registry.async_task import AsyncTask
from kie_registry.calls import Calls, Model, check_task_id, with_prompt
from kie_registry.effects import drive_async
from kie_registry.events import Listener
from kie_registry.flows.journal import Until
from kie_registry.flows.submit import Destination
from kie_registry.http import AsyncHttp
from kie_registry.ledger.opening import open_ledger
from kie_registry.media import Image
from kie_registry.registry import Registry, default_registry
from kie_registry.results import AsyncResult
from kie_registry.secret import Secret
from kie_registry.session import Session
from kie_registry.settings import Settings

if TYPE_CHECKING:
    import os

    import httpx

    from kie_registry.batches.batch import AsyncBatch
    from kie_registry.batches.manifests.jobs import Jobs
    from kie_registry.batches.running.outcomes import Outcome
    from kie_registry.ledger.protocol import Ledger


class AsyncKie:
    """An asynchronous client of kie.ai, for asyncio; an asynchronous context manager.

    Arguments and errors are those of `Kie`; `transport` is an ``httpx.AsyncBaseTransport``.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        *,
        base_url: str | None = None,
        upload_url: str | None = None,
        http_timeout: float = 60,
        deadline: float = 900,
        ledger: Ledger | str | os.PathLike[str] | bool | None = None,
        registry: Registry | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        creates: tuple[int, float] | None = (20, 10),
        reads: tuple[int, float] | None = (10, 1),
        poll_interval: float | None = None,
        allow_private_files: bool | None = None,
    ) -> None:
        # From here on no frame holds the key as a text that a crash report would show.
        api_key = Secret.of(api_key)
        settings = Settings.resolve(api_key, base_url, upload_url, http_timeout, allow_private_files)
        session = Session.open(
            settings,
            deadline=deadline,
            poll_interval=poll_interval,
            creates=creates,
            reads=reads,
            ledger=open_ledger(ledger),
        )
        self._calls = Calls(session, registry or default_registry())
        self._http = AsyncHttp(settings, transport)

    @property
    def models(self) -> Registry:
        """The models that this client knows."""
        return self._calls.registry

    @property
    def ledger(self) -> Ledger | None:
        """The ledger that this client writes to."""
        return self._calls.session.ledger

    @property
    def account(self) -> str:
        """By what the ledger tells this account's jobs from others': a digest of the API host and the key."""
        return self._calls.session.account

    async def generate(
        self,
        /,
        model: Model,
        prompt: str | None = None,
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        on_event: Listener | None = None,
        **parameters: Any,
    ) -> AsyncResult:
        """Submit a task, wait for it, and return its result; as `Kie.generate`."""
        deadline_at = self._calls.session.deadline_at(deadline)
        given = with_prompt(prompt, parameters)
        task = await self._submit(model, given, callback_url, deadline_at, on_event, until="ended")
        return await task._wait(deadline_at, on_event)

    async def submit(
        self,
        /,
        model: Model,
        prompt: str | None = None,
        *,
        callback_url: str | None = None,
        on_event: Listener | None = None,
        **parameters: Any,
    ) -> AsyncTask:
        """Submit a task and return it as soon as it has an id; as `Kie.submit`."""
        deadline_at = self._calls.session.deadline_at(None)
        given = with_prompt(prompt, parameters)
        return await self._submit(model, given, callback_url, deadline_at, on_event, until="submitted")

    def task(self, task_id: str) -> AsyncTask:
        """Take a task up again, in another process or on another day."""
        return AsyncTask(check_task_id(task_id), None, self._calls, self._http)

    async def upload(self, source: Image, *, name: str | None = None) -> str:
        """Upload a file and return its URL; as `Kie.upload`."""
        return await drive_async(self._calls.upload(source, name), self._http)

    async def credits(self) -> float:
        """Return the balance of the account, in credits (1 credit = 0.005 USD)."""
        return await drive_async(self._calls.credits(), self._http)

    async def download_url(self, url: str) -> str:
        """Return a link, valid for 20 minutes, to a result file that kie.ai still hosts."""
        return await drive_async(self._calls.download_url(url), self._http)

    def collect(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        deadline: float | None = None,
        on_event: Listener | None = None,
    ) -> AsyncIterator[Outcome]:
        """Wait for everything in the ledger that was submitted and not collected; as `Kie.collect`."""
        from kie_registry.collecting import Collection

        return Collection.of(self._calls, self._http, directory, deadline, on_event).run()

    def batch(
        self,
        jobs: Jobs,
        directory: str | os.PathLike[str] | None = None,
        *,
        defaults: Mapping[str, Any] | None = None,
        concurrency: int = 100,
        max_credits: float | None = None,
        deadline: float | None = None,
        callback_url: str | None = None,
        skip_invalid: bool = False,
        add: bool = False,
        on_event: Listener | None = None,
    ) -> AsyncBatch:
        """Return a batch, an asynchronous iterable of `Outcome`; as `Kie.batch`."""
        from kie_registry.batches.batch import AsyncBatch
        from kie_registry.batches.options import BatchOptions

        options = BatchOptions(
            directory=directory,
            concurrency=concurrency,
            max_credits=max_credits,
            deadline=deadline,
            callback_url=callback_url,
            skip_invalid=skip_invalid,
            add=add,
            on_event=on_event,
        )
        return AsyncBatch.of(self._calls.with_ledger(), self._http, jobs, defaults, options)

    async def close(self) -> None:
        """Close the connections; a later call opens one for itself.

        A batch that runs sends nothing more from then on; what it has just sent is awaited before, for up to 5 s.
        """
        await self._http.close()

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the connections."""
        await self.close()

    def __repr__(self) -> str:
        """Return the addresses, without the key."""
        # A traceback that shows locals shows a client too whose making failed.
        calls = getattr(self, "_calls", None)
        return f"AsyncKie(base_url={calls.session.settings.base_url!r})" if calls else "AsyncKie()"

    async def _submit(
        self,
        model: Model,
        parameters: Any,
        callback_url: str | None,
        deadline_at: float,
        on_event: Any,
        *,
        until: Until,
        destination: Destination | None = None,
    ) -> AsyncTask:
        flow = self._calls.submit(
            model,
            parameters,
            callback_url=callback_url,
            deadline_at=deadline_at,
            listener=on_event,
            until=until,
            destination=destination,
        )
        journal = await drive_async(flow, self._http)
        return AsyncTask(journal.job.task_id or "", journal.job.model, self._calls, self._http, journal)
