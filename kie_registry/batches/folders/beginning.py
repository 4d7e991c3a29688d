"""Begin a batch in its folder, or go on with it: what is in the ledger is not planned twice, nor paid twice."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from attrs import evolve, frozen

from kie_registry.batches.folders.folder import MARKER, RESULTS, BatchFolder, Marker, now
from kie_registry.batches.plans.identity import id_in
from kie_registry.batches.plans.planning import Plan
from kie_registry.batches.plans.shelf import Shelved
from kie_registry.errors import ConfigurationError, IllegalMove
from kie_registry.ledger.job import Job, new_id
from kie_registry.ledger.pages import jobs_of, pages_of
from kie_registry.ledger.postgres_address import is_address
from kie_registry.ledger.protocol import Ledger
from kie_registry.ledger.states import State

WITHDRAWN = "no longer in the manifest; nothing was sent"
"""Why a job is refused that was planned once and is wanted no more."""

PLAN_AGAIN = "planned anew: its line has changed"
"""Why a job is refused for a moment that is planned as its line says now."""

_SENT = tuple(state for state in State if state not in (State.PLANNED, State.REFUSED))
_UNDER_WAY = (State.SENDING, State.RUNNING, State.SUCCEEDED)


@frozen
class Begun:
    """A batch that stands in the ledger.

    Attributes:
        batch: Its id.
        new: How many jobs are new.
        withdrawn: How many jobs are not to be sent any more, because the manifest names them no longer.
        kept: How many jobs were sent before and say something else by now under the same id; they are left as they
            are.
    """

    batch: str
    new: int
    withdrawn: int = 0
    kept: int = 0


def begin(
    folder: BatchFolder,
    plan: Plan,
    ledger: Ledger,
    *,
    account: str,
    manifest: Path | None,
    callback_url: str | None = None,
    add: bool = False,
) -> Begun:
    """Write those jobs of a plan into the ledger that are not there yet, and note in the folder that they are.

    What was refused before is planned again. A job that was not sent yet is brought up to date with its line, or
    withdrawn where there is no such line any more.

    Args:
        folder: The folder, which this process holds.
        plan: The jobs.
        ledger: The ledger.
        account: Whose jobs they are; empty for those that any account may send.
        manifest: The manifest; None where a program names the jobs.
        callback_url: Where kie.ai posts the record of each task that ends, or None.
        add: Whether these jobs are added to those of another manifest.

    Raises:
        ConfigurationError: The folder holds another batch, or one that the ledger does not know, or that another
            account has sent. Nothing was sent.
        LedgerError: The ledger cannot be read or written.
    """
    source = None if manifest is None else os.path.realpath(manifest)
    found = folder.marker()
    marker = (
        _new(folder, ledger, source) if found is None else _checked(folder, found, plan, ledger, source, add=add)
    )
    if found is not None:
        # What a process left behind that has ended is nobody's again.
        ledger.recover()
        _check_account(folder, marker, ledger, account)
    marker = evolve(marker, account=account)
    if not marker.planned:
        folder.write_marker(marker)
    directory = str(folder.path)
    portions = plan.portions(marker.batch, account=account, directory=directory, callback_url=callback_url)
    begun = Begun(marker.batch, sum(ledger.plan(portion) for portion in portions))
    if found is not None:
        _plan_again(ledger, plan, marker.batch)
        begun = _bring_up_to_date(ledger, plan, begun, add=add)
    folder.write_marker(evolve(marker, ledger=_path_of(ledger), planned=True))
    return begun


def _new(folder: BatchFolder, ledger: Ledger, source: str | None) -> Marker:
    if (folder.path / RESULTS).exists():
        raise ConfigurationError(
            f"{folder.path} holds a {RESULTS}, and no {MARKER} that says of which batch. Move it away, or "
            "name another folder with --out. Nothing was sent."
        )
    return Marker(batch=new_id(), ledger=_path_of(ledger), manifest=source, created=now(), planned=False)


def _checked(
    folder: BatchFolder, found: Marker, plan: Plan, ledger: Ledger, source: str | None, *, add: bool
) -> Marker:
    """Return what the folder says of its batch, if these jobs may be a part of that."""
    if not found.planned:
        # A process was interrupted before it could send anything.
        return evolve(found, ledger=_path_of(ledger), manifest=source)
    if not ledger.batch(found.batch, limit=1):
        raise _unknown(folder, found, ledger)
    same = source is not None and source == found.manifest
    if not (same or add or _shares_jobs(ledger, found.batch, plan)):
        raise _another(folder, found)
    return found


def _check_account(folder: BatchFolder, found: Marker, ledger: Ledger, account: str) -> None:
    """Refuse what another account has sent: what that made is not this one's, nor can this one read its tasks."""
    if not account:
        return
    another = found.account not in ("", account) and any(ledger.batch(found.batch, states=_SENT, limit=1))
    under_way = jobs_of(ledger, found.batch, _UNDER_WAY)
    if another or any(job.account != account for job in under_way):
        raise ConfigurationError(
            f"{folder.path} holds a batch, begun {found.created}, whose jobs were sent with another key, or to "
            "another address (KIE_API_KEY, KIE_BASE_URL). What is done stays done. Run it with those of the first "
            "time, or name another folder with --out, where all is made, and paid, anew. Nothing was sent."
        )


def _shares_jobs(ledger: Ledger, batch: str, plan: Plan) -> bool:
    return any(plan.find(job.key or "") for job in jobs_of(ledger, batch))


def _bring_up_to_date(ledger: Ledger, plan: Plan, begun: Begun, *, add: bool) -> Begun:
    """Bring what was planned before, and not sent, in line with the plan."""
    absent = changed = kept = 0
    for page in pages_of(ledger, begun.batch):
        with ledger.together():
            for job in page:
                planned = plan.find(job.key or "")
                if planned is None:
                    absent += job.state == State.PLANNED
                elif not _says(job, planned):
                    if job.state == State.PLANNED:
                        changed += _refuse(ledger, job, planned)
                    else:
                        # Of two lines with the same key and no id only the place of a file can differ.
                        kept += id_in(job.key) is not None
    if changed:
        _plan_again(ledger, plan, begun.batch)
    withdrawn = 0
    if absent and not add:
        withdrawn = _withdraw(ledger, plan, begun.batch)
    return evolve(begun, withdrawn=withdrawn, kept=kept)


def _plan_again(ledger: Ledger, plan: Plan, batch: str) -> None:
    """Plan anew what was refused, but for what was withdrawn before and is still not wanted."""
    withdrawn = [
        job.id
        for job in jobs_of(ledger, batch, (State.REFUSED,))
        if job.reason == WITHDRAWN and plan.find(job.key or "") is None
    ]
    with ledger.together():
        ledger.replan(batch)
        for job_id in withdrawn:
            ledger.move(job_id, State.REFUSED, reason=WITHDRAWN)


def _withdraw(ledger: Ledger, plan: Plan, batch: str) -> int:
    withdrawn = 0
    for page in pages_of(ledger, batch, (State.PLANNED,)):
        with ledger.together():
            withdrawn += sum(_refuse(ledger, job) for job in page if plan.find(job.key or "") is None)
    return withdrawn


def _refuse(ledger: Ledger, job: Job, planned: Shelved | None = None) -> bool:
    """Let a job not be sent as it stands; with what it is to be planned as then. Return whether that was done."""
    changes = {"reason": WITHDRAWN} if planned is None else {"reason": PLAN_AGAIN, **_said(planned)}
    with contextlib.suppress(IllegalMove):
        ledger.move(job.id, State.REFUSED, seen=job, **changes)
        return True
    return False


def _said(planned: Shelved) -> dict[str, object]:
    return {"model": planned.model, "input": planned.native_input, "name": planned.name}


def _says(job: Job, planned: Shelved) -> bool:
    """Whether a job of the ledger is as it would be planned now."""
    sent = job.state != State.PLANNED
    same_name = sent or job.name == planned.name
    return job.model == planned.model and same_name and job.input == planned.native_input


def _path_of(ledger: Ledger) -> str | None:
    path = getattr(ledger, "path", None)
    return path if path is None or is_address(path) else os.path.realpath(path)


def _unknown(folder: BatchFolder, marker: Marker, ledger: Ledger) -> ConfigurationError:
    other = marker.ledger is not None and marker.ledger != _path_of(ledger)
    if other:
        why = f"was run with the ledger {marker.ledger}, and {_path_of(ledger) or 'this one'} does not know it"
        way = f"Run it with --ledger {marker.ledger}"
    else:
        why = f"is not in the ledger {marker.ledger or ''} any more, which was moved away or replaced".replace(
            "  ", " "
        )
        way = "Restore that file"
    return ConfigurationError(
        f"{folder.path} holds batch {marker.batch}, which {why}: nobody knows what is paid already. {way}, or "
        "name another folder with --out, where all is made, and paid, anew. Nothing was sent."
    )


def _another(folder: BatchFolder, marker: Marker) -> ConfigurationError:
    manifest = "whose jobs a program named" if marker.manifest is None else f"of {marker.manifest}"
    return ConfigurationError(
        f"{folder.path} holds another batch already, {manifest}, begun {marker.created}, and none of these jobs "
        "is in it. Name another folder with --out, or add them to it with --add (add=True). Nothing was sent."
    )
