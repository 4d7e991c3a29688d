"""Submit a task: check everything, upload local files, and create it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from kie_registry.binding import Bound, check_file, in_order, problem_of
from kie_registry.contract import Contract
from kie_registry.effects import Flow, Keep, Run
from kie_registry.errors import ConfigurationError, InvalidRequest, Problem
from kie_registry.events import Listener
from kie_registry.flows.create import Creation
from kie_registry.flows.journal import Journal, Until
from kie_registry.flows.upload import upload_file
from kie_registry.ledger.job import Job
from kie_registry.media import LocalFile, UnusableMedia, address_problem, inspect
from kie_registry.observing import Hooks
from kie_registry.session import Session


@frozen
class Destination:
    """Where the files of a task are to go.

    Attributes:
        directory: The directory.
        name: The name without suffix, or None for one made of the model and the task.
    """

    directory: Path
    name: str | None = None

    def absolute(self) -> str:
        """Return where the directory is, wherever another process looks from.

        Raises:
            ConfigurationError: It cannot be found out.
        """
        try:
            return str(self.directory.expanduser().absolute())
        except (RuntimeError, OSError) as error:
            raise ConfigurationError(
                f"the directory {str(self.directory)!r}: {error}. Nothing was sent."
            ) from None


@frozen
class Submission:
    """What is to be submitted.

    Attributes:
        bound: The parameters, bound to the model.
        callback_url: Where kie.ai shall post the record when the task ends, or None.
        deadline_at: The moment until which it may take, by the session's clock.
        listener: Who is told of each step.
        hooks: The plugins that are told of each submission.
        until: How far this process sees to the task.
        destination: Where its files are to go, if that is known.
    """

    bound: Bound
    callback_url: str | None
    deadline_at: float
    listener: Listener | None
    hooks: Hooks
    until: Until
    destination: Destination | None = None

    @property
    def contract(self) -> Contract:
        """The contract of the model."""
        return self.bound.adapter.contract


def submit(session: Session, submission: Submission) -> Flow[Journal]:
    """Check everything, upload local files, create the task, and return the journal of its job.

    Raises:
        InvalidRequest: Something is wrong; nothing was sent.
        ConfigurationError: The destination is nowhere; nothing was sent.
        PluginError: A plugin vetoes it; nothing was spent.
        ApiError: kie.ai refused it; nothing was spent.
        TransportError: There was no connection; nothing was spent.
        SubmitOutcomeUnknown: The request was sent, and what came of it is not known.
        LedgerError: The ledger cannot be written; the message says what was spent.
    """
    files = yield from _inspect_all(submission)
    destination = submission.destination
    directory = destination.absolute() if destination else None
    if files and (ledger := session.ledger) is not None:
        # A ledger that cannot be used is found out before anything is sent.
        yield Keep(lambda: ledger.get(""))
    for slot, file in zip(submission.bound.slots, files, strict=True):
        address = yield from upload_file(session, file, submission.listener)
        submission.bound.put(slot, address)
    job = Job(
        account=session.account,
        model=submission.contract.id,
        input=submission.bound.input,
        callback_url=submission.callback_url,
        directory=directory,
        name=destination.name if destination else None,
    )
    journal = Journal(session.ledger, job, submission.hooks, until=submission.until)
    journal.beginning()
    creation = Creation(
        session,
        journal,
        submission.contract,
        deadline_at=submission.deadline_at,
        listener=submission.listener,
    )
    yield from creation.run()
    return journal


def _inspect_all(submission: Submission) -> Flow[list[LocalFile]]:
    """Look into every local file, and raise all problems of the request at once."""
    bound = submission.bound
    problems, files = list(bound.problems), []
    for slot in bound.slots:
        try:
            file = yield Run(lambda slot=slot: inspect(slot.source, slot.label, slot.kind))  # type: ignore[misc]
        except UnusableMedia as error:
            problems.append(problem_of(bound.adapter, slot.native, str(error)))
        else:
            files.append(file)
            problems += check_file(bound.adapter, slot, file)
    if submission.callback_url is not None and (wrong := address_problem(submission.callback_url)):
        problems.append(Problem("callback_url", wrong))
    if problems:
        raise InvalidRequest(in_order(bound.adapter, problems), model=submission.contract.id)
    return files
