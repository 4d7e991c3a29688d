"""Send a planned job: upload the local files that it names, looked into long before, and create its task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from attrs import evolve

from kie_registry.binding import file_problems
from kie_registry.contract import Contract
from kie_registry.effects import Flow, Keep, Run
from kie_registry.errors import InvalidRequest, KieError, Problem
from kie_registry.events import Listener
from kie_registry.file_addresses import digest_in, is_local, path_of
from kie_registry.flows.create import Creation
from kie_registry.flows.journal import Journal, Until
from kie_registry.flows.upload import upload_file
from kie_registry.ledger.job import Job
from kie_registry.ledger.protocol import Ledger
from kie_registry.media import LocalFile, UnusableMedia, inspect
from kie_registry.observing import Hooks
from kie_registry.session import Session
from kie_registry.slots import MediaSlot, put, stored_files

OpenAddress: TypeAlias = Callable[[str], LocalFile]
"""Fetches a file from an address of any file system, blocking; raises UnusableMedia."""


def send_planned(
    session: Session,
    ledger: Ledger,
    job: Job,
    contract: Contract,
    hooks: Hooks,
    *,
    deadline_at: float,
    listener: Listener | None,
    until: Until = "collected",
    open_address: OpenAddress | None = None,
) -> Flow[Journal]:
    """Send a planned job that this process has claimed, for the session's account; return its journal.

    What is wrong with its files by now, or keeps them from being uploaded, makes it ``refused``, with the reason.
    Its row keeps the input as it was planned: what is uploaded expires.

    Args:
        session: The session of the account that sends it.
        ledger: Where it is planned.
        job: The job.
        contract: The contract of its model.
        hooks: The plugins that are told of it.
        deadline_at: The moment until which sending may take, by the session's clock.
        listener: Who is told of each step.
        until: How far this process sees to it.
        open_address: Fetches its files that lie on other file systems.

    Raises:
        InvalidRequest: A file is gone, or another one by now; nothing was spent.
        PluginError: A plugin vetoes it; nothing was spent.
        ApiError: kie.ai refused it, or one of its files; nothing was spent.
        TransportError: There was no connection; nothing was spent.
        IllegalMove: Somebody else has sent it, or settled it.
        SubmitOutcomeUnknown: The request was sent, and what came of it is not known.
        LedgerError: The ledger cannot be written; the message says what was spent.
    """
    ours = evolve(job, account=session.account)
    journal = Journal(ledger, ours, hooks, until=until, written=True, patient=True)
    try:
        resolved = yield from _uploaded(session, job, contract, listener, open_address)
        journal.job = evolve(ours, input=resolved)
        journal.beginning()
    except GeneratorExit:
        raise
    except KieError as error:
        error.job_id = job.id
        yield from journal.refused(_reason(error))
        raise
    except BaseException:
        yield Keep(lambda: ledger.release(job.id))
        raise
    yield from Creation(session, journal, contract, deadline_at=deadline_at, listener=listener).run()
    return journal


def _uploaded(
    session: Session, job: Job, contract: Contract, listener: Listener | None, open_address: OpenAddress | None
) -> Flow[dict[str, Any]]:
    """Return the input as it is sent, with addresses of uploaded files in the places of local ones."""
    resolved, slots = stored_files(contract, job.input or {})
    # Nothing is uploaded for a job one of whose files cannot be used.
    files = []
    for slot in slots:
        file = yield Run(lambda slot=slot: _look_into(slot, contract, open_address))  # type: ignore[misc]
        files.append(file)
    for slot, file in zip(slots, files, strict=True):
        put(resolved, slot.place, (yield from upload_file(session, file, listener)))
    return resolved


def _look_into(slot: MediaSlot, contract: Contract, open_address: OpenAddress | None) -> LocalFile:
    """Return a file that can be sent; it may have changed since its job was planned. Blocking."""
    address: str = slot.source
    try:
        if is_local(address):
            file = inspect(path_of(address))
        elif open_address is not None:
            file = open_address(address)
        else:
            raise UnusableMedia(f"{address} is on a file system that cannot be read from here")
    except UnusableMedia as error:
        raise _refusal(slot, contract, str(error)) from None
    if digest_in(address) not in (None, file.digest):
        raise _refusal(slot, contract, f"{file.label} has changed since the job was planned; plan it anew")
    for wrong in file_problems(contract.media[slot.path], file):
        raise _refusal(slot, contract, wrong)
    return file


def _refusal(slot: MediaSlot, contract: Contract, wrong: str) -> InvalidRequest:
    return InvalidRequest([Problem(slot.native, wrong)], model=contract.id)


def _reason(error: KieError) -> str:
    if isinstance(error, InvalidRequest):
        return "; ".join(map(str, error.problems))
    return str(error)
