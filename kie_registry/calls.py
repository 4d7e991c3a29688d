"""What both clients can do, as flows: `client` and `async_client` only drive them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from kie_registry.adapter import Adapter
from kie_registry.binding import Bound, bind, bind_instance
from kie_registry.effects import Flow, Run
from kie_registry.errors import InvalidRequest, KieError, Problem
from kie_registry.events import Listener
from kie_registry.flows.ask import ask
from kie_registry.flows.journal import Journal, Until
from kie_registry.flows.settle import send_again, settle_as
from kie_registry.flows.submit import Destination, Submission, submit
from kie_registry.flows.upload import upload_file
from kie_registry.ledger.job import Job
from kie_registry.ledger.opening import open_ledger
from kie_registry.media import UnusableMedia, inspect
from kie_registry.registry import Registry
from kie_registry.session import Session
from kie_registry.status import TaskStatus
from kie_registry.wording import clip

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

Model: TypeAlias = str | Adapter | type[Adapter]
"""A model id, an alias, an adapter class, or an adapter instance that holds its parameters."""


class Calls:
    """The calls of one client.

    Args:
        session: Its settings and limits.
        registry: The models that it knows.
    """

    def __init__(self, session: Session, registry: Registry) -> None:
        self.session = session
        self.registry = registry

    def with_ledger(self) -> Calls:
        """Return calls that write into a ledger: these, or others with the default one."""
        if self.session.ledger is not None:
            return self
        ledger = open_ledger(given=True)
        return self if ledger is None else Calls(self.session.with_ledger(ledger), self.registry)

    def submit(
        self,
        model: Model,
        parameters: Mapping[str, Any],
        *,
        callback_url: str | None,
        deadline_at: float,
        listener: Listener | None,
        until: Until,
        destination: Destination | None = None,
    ) -> Flow[Journal]:
        """Submit a task; return the journal of its job."""
        submission = Submission(
            self._bind(model, parameters),
            callback_url,
            deadline_at,
            listener,
            self.registry.hooks,
            until,
            destination,
        )
        return (yield from submit(self.session, submission))

    def take_up(self, task_id: str) -> Flow[Journal]:
        """Return the journal of a task that was submitted before, here or elsewhere."""
        return Journal.of_task(self.session.ledger, self.session.account, task_id, self.registry.hooks)

    def settle_as(self, ledger: Ledger, job: Job, task_id: str) -> Flow[TaskStatus]:
        """Write down which task came of a job of unknown outcome; return its status."""
        return settle_as(self.session, ledger, job, check_task_id(task_id))

    def send_again(self, ledger: Ledger, job: Job, deadline_at: float, listener: Listener | None) -> Flow[Journal]:
        """Submit a job of unknown outcome once more."""
        contract = self.registry.get(job.model or "").contract
        return send_again(
            self.session,
            ledger,
            job,
            contract,
            self.registry.hooks,
            deadline_at=deadline_at,
            listener=listener,
        )

    def upload(self, source: Any, name: str | None) -> Flow[str]:
        """Upload a file of any kind and return its URL."""
        if name is not None and not (PurePath(name).name and name.isprintable()):
            raise InvalidRequest([Problem("name", f"{name!r} is no file name")])
        try:
            file = yield Run(lambda: inspect(source))
        except UnusableMedia as error:
            raise InvalidRequest([Problem("", str(error))]) from None
        address: str = yield from upload_file(self.session, file, name=name)
        return address

    def credits(self) -> Flow[float]:
        """Read the balance of the account."""
        from kie_generated.jobs import get_credits

        data = yield from self._ask(get_credits, "reading the balance", get_credits.request_kwargs())
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            raise KieError(f"reading the balance: kie.ai's answer holds no number but {clip(repr(data))}")
        return float(data)

    def download_url(self, url: str) -> Flow[str]:
        """Make a link, valid for 20 minutes, to a file that kie.ai hosts."""
        from kie_generated.jobs import get_download_url
        from kie_generated.jobs.models.get_download_url_request import GetDownloadUrlRequest

        kwargs = get_download_url.request_kwargs(body=GetDownloadUrlRequest(url=url))
        data = yield from self._ask(get_download_url, f"making a link to {url}", kwargs)
        if not isinstance(data, str):
            raise KieError(f"making a link to {url}: kie.ai's answer holds none")
        return data

    def _ask(self, endpoint: Any, doing: str, kwargs: dict[str, Any]) -> Flow[Any]:
        answer = yield from ask(self.session, self.session.settings.base_url, kwargs, endpoint.parse)
        if not answer.ok:
            raise answer.error(doing)
        return answer.data

    def _bind(self, model: Model, parameters: Mapping[str, Any]) -> Bound:
        if isinstance(model, Adapter):
            if parameters:
                wrong = "an adapter instance holds its parameters already; give them to it, not to the call"
                raise InvalidRequest([Problem(name, wrong) for name in parameters], model=model.contract.id)
            return bind_instance(model)
        if isinstance(model, type) and issubclass(model, Adapter):
            return bind(model, parameters)
        if not isinstance(model, str):
            raise InvalidRequest([Problem("model", f"{model!r} is no model: give an id, an alias, or an Adapter")])
        return bind(self.registry.get(model), parameters)


def with_prompt(prompt: str | None, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the prompt, which may be given by position, to the other parameters."""
    return parameters if prompt is None else {"prompt": prompt, **parameters}


def check_task_id(task_id: str) -> str:
    """Return `task_id`; raises InvalidRequest where it can be none."""
    if not isinstance(task_id, str) or not task_id.strip() or not task_id.strip().isprintable():
        raise InvalidRequest([Problem("task_id", f"{task_id!r} is no task id")])
    return task_id.strip()
