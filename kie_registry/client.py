"""The synchronous client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from kie_registry.calls import Calls, Model, check_task_id, with_prompt
from kie_registry.effects import drive
from kie_registry.events import Listener
from kie_registry.flows.journal import Until
from kie_registry.flows.submit import Destination
from kie_registry.http import Http
from kie_registry.ledger.opening import open_ledger
from kie_registry.media import Image
from kie_registry.registry import Registry, default_registry
from kie_registry.results import Result
from kie_registry.secret import Secret
from kie_registry.session import Session
from kie_registry.settings import Settings
from kie_registry.task import Task

if TYPE_CHECKING:
    import os

    import httpx

    from kie_registry.batches.blocking import Batch
    from kie_registry.batches.manifests.jobs import Jobs
    from kie_registry.batches.running.outcomes import Outcome
    from kie_registry.ledger.protocol import Ledger


class Kie:
    """A client of kie.ai; a context manager, and safe to share between threads.

    Args:
        api_key: The key; by default ``KIE_API_KEY``.
        base_url: The API host; by default ``KIE_BASE_URL``, else https://api.kie.ai.
        upload_url: The host for uploads; by default ``KIE_UPLOAD_URL``, else https://kieai.redpandaai.co.
        http_timeout: Seconds for each step (connect, read, write) of one request; the whole gets three times as
            long, and more while a file moves at 1 KiB a second at least.
        deadline: Seconds for one task, from submission to result, where a call says nothing else.
        ledger: Where every job is written down before it is sent: True for the one of the command line
            (``KIE_LEDGER``, or in ``KIE_HOME``), the path of a file, or a `Ledger`; None for none.
        registry: The models; by default those of installed plugins and of `kie_registry.register`.
        transport: An ``httpx.BaseTransport`` to send requests through, in place of the network.
        creates: How many tasks may be created in how many seconds; None for no limit. All clients of the key that
            have the same limit share it: in all processes of the machine that have the same ledger, and without
            one in this process.
        reads: How many records may be read in how many seconds, shared likewise; None for no limit.
        poll_interval: Seconds between two reads of a task's record; None adapts to the task.
        allow_private_files: Whether results may be fetched from addresses that are not public, beside those of
            `base_url` and `upload_url`; by default ``KIE_ALLOW_PRIVATE_FILES``, else not.

    Raises:
        ConfigurationError: The key is missing, or a setting is out of range.
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
        transport: httpx.BaseTransport | None = None,
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
        self._http = Http(settings, transport)

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

    def generate(
        self,
        /,
        model: Model,
        prompt: str | None = None,
        *,
        deadline: float | None = None,
        callback_url: str | None = None,
        on_event: Listener | None = None,
        **parameters: Any,
    ) -> Result:
        """Submit a task, wait for it, and return its result.

        Args:
            model: A model id, an alias, an adapter class, or an adapter instance that holds its parameters.
            prompt: The prompt.
            deadline: Seconds for everything; by default the client's.
            callback_url: Where kie.ai shall post the record when the task ends.
            on_event: Called with an `Event` at each step; what it raises is logged.
            parameters: The model's parameters, by common or native names. Files may be URLs, paths, bytes,
                binary file objects or Pillow images.

        Raises:
            InvalidRequest: Something is wrong with the request; nothing was spent.
            ApiError: kie.ai refused it; nothing was spent.
            TransportError: There was no connection; nothing was spent.
            SubmitOutcomeUnknown: It was sent, and what came of it is not known; it may have been billed.
            TaskFailed: The task ended without a result.
            TaskTimeout: The deadline passed; the task goes on.
        """
        deadline_at = self._calls.session.deadline_at(deadline)
        given = with_prompt(prompt, parameters)
        task = self._submit(model, given, callback_url, deadline_at, on_event, until="ended")
        return task._wait(deadline_at, on_event)

    def submit(
        self,
        /,
        model: Model,
        prompt: str | None = None,
        *,
        callback_url: str | None = None,
        on_event: Listener | None = None,
        **parameters: Any,
    ) -> Task:
        """Submit a task and return it as soon as it has an id; arguments and errors as of `generate`."""
        deadline_at = self._calls.session.deadline_at(None)
        given = with_prompt(prompt, parameters)
        return self._submit(model, given, callback_url, deadline_at, on_event, until="submitted")

    def task(self, task_id: str) -> Task:
        """Take a task up again, in another process or on another day."""
        return Task(check_task_id(task_id), None, self._calls, self._http)

    def upload(self, source: Image, *, name: str | None = None) -> str:
        """Upload a file and return its URL, which is valid for a day at least.

        Args:
            source: A path, bytes, a binary file object or a Pillow image; of any kind, not only images.
            name: The file name at kie.ai; its suffix is set after the content.

        Raises:
            InvalidRequest: The file does not exist, is empty, or is nothing that can be uploaded.
            ApiError: kie.ai refuses it.
            TransportError: No answer came, three times.
        """
        return drive(self._calls.upload(source, name), self._http)

    def credits(self) -> float:
        """Return the balance of the account, in credits (1 credit = 0.005 USD)."""
        return drive(self._calls.credits(), self._http)

    def download_url(self, url: str) -> str:
        """Return a link, valid for 20 minutes, to a result file that kie.ai still hosts."""
        return drive(self._calls.download_url(url), self._http)

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
    ) -> Batch:
        """Return a batch, which runs while it is iterated over, and yields an `Outcome` for each job as it comes.

        All jobs are checked before the first one is sent. A batch that was interrupted, in whatever way, goes on
        where it stopped when it is run again with the same directory, and pays for nothing twice. Without a ledger
        of its own the client keeps it in the default one.

        Args:
            jobs: A manifest (.jsonl, .csv or .yaml), whose relative paths begin in its own folder; or mappings
                with a ``model``, its parameters, and if need be an ``id`` and a ``name`` for the files; or adapter
                instances. A job is known again by its id, else by its content; four equal ones are four jobs.
            directory: Where the files go, and ``results.jsonl``; None to leave them at kie.ai, and to begin anew
                each time.
            defaults: What holds where a job says nothing else: ``model``, and parameters.
            concurrency: How many tasks run at once.
            max_credits: The credits that the whole batch may cost, earlier runs included. Prices are learned as
                tasks end: of each kind (a model and its settings) one runs first, then two at once, four, and so
                on, each counted at the highest price seen of its kind, or else of its model. More is spent only by
                a model's first task, or by tasks that cost more than those before them.
            deadline: Seconds to wait for each task; by default the client's.
            callback_url: Where kie.ai posts the record of each task that ends.
            skip_invalid: Whether jobs that are wrong are left out, and do not keep the others from being sent.
            add: Whether the directory may hold another batch already, to which these jobs are added.
            on_event: Called with an `Event` at each step of each job; what it raises is logged.

        Raises:
            ConfigurationError: An option is out of range.
        """
        from kie_registry.batches.batch import AsyncBatch
        from kie_registry.batches.blocking import Batch
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
        calls = self._calls.with_ledger()
        return Batch(lambda http: AsyncBatch.of(calls, http, jobs, defaults, options), self._http)

    def collect(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        deadline: float | None = None,
        on_event: Listener | None = None,
    ) -> Iterator[Outcome]:
        """Wait for everything in the ledger that was submitted and not collected, and save its files.

        Yields what came of each job as it comes, its error too. Jobs that another process sees to are left to
        it; so this may run many times at once, and again after whatever has interrupted it.

        Args:
            directory: Where all files go; by default where each job was to put them, or else the working
                directory.
            deadline: Seconds for everything; by default the client's.
            on_event: Called with an `Event` at each step; what it raises is logged.

        Raises:
            ConfigurationError: The client has no ledger.
            LedgerError: The ledger cannot be read or written.
        """
        from kie_registry.batches.blocking import outcomes
        from kie_registry.collecting import Collection

        return outcomes(
            lambda http: Collection.of(self._calls, http, directory, deadline, on_event).run(), self._http
        )

    def close(self) -> None:
        """Close the connections; a later call opens one for itself."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the connections."""
        self.close()

    def __repr__(self) -> str:
        """Return the addresses, without the key."""
        # A traceback that shows locals shows a client too whose making failed.
        calls = getattr(self, "_calls", None)
        return f"Kie(base_url={calls.session.settings.base_url!r})" if calls else "Kie()"

    def _submit(
        self,
        model: Model,
        parameters: Any,
        callback_url: str | None,
        deadline_at: float,
        on_event: Any,
        *,
        until: Until,
        destination: Destination | None = None,
    ) -> Task:
        flow = self._calls.submit(
            model,
            parameters,
            callback_url=callback_url,
            deadline_at=deadline_at,
            listener=on_event,
            until=until,
            destination=destination,
        )
        journal = drive(flow, self._http)
        return Task(journal.job.task_id or "", journal.job.model, self._calls, self._http, journal)
