"""What becomes of the jobs that a batch has already when it is submitted again, as other lines perhaps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve

from kie_registry.batches.folders.beginning import PLAN_AGAIN
from kie_registry.batches.plans.planning import Plan
from kie_registry.batches.plans.shelf import Shelved
from kie_registry.errors import ConfigurationError, IllegalMove
from kie_registry.file_addresses import digest_in
from kie_registry.ledger.job import Job
from kie_registry.ledger.pages import jobs_of
from kie_registry.ledger.protocol import Ledger
from kie_registry.ledger.states import State
from kie_registry.registry import Registry
from kie_registry.slots import put, stored_files

_UNSENT = (State.PLANNED, State.REFUSED)


def find_changed(ledger: Ledger, plan: Plan, name: str, registry: Registry) -> Sequence[str]:
    """Return the ids of those jobs of a batch that its plan has under the same key, and that say something else.

    Raises:
        ConfigurationError: All of them do: it is another batch of the same name. Nothing was put in.
        LedgerError: The ledger cannot be read.
    """
    changed: list[str] = []
    same = 0
    for job in jobs_of(ledger, name):
        if (planned := plan.find(job.key or "")) is None:
            continue
        if _says(job, planned, registry):
            same += 1
        else:
            changed.append(job.id)
    if changed and not same:
        raise ConfigurationError(
            f"the database has another batch called {name!r} already: its jobs have the ids of these lines, and "
            "all of them say something else. Give this one a name of its own with --name. Nothing was put in."
        )
    return changed


def bring_up_to_date(ledger: Ledger, plan: Plan, job_ids: Sequence[str], copied: Callable[[Job], Job]) -> int:
    """Have jobs say what their lines say now where they were not sent yet; return how many of them do.

    Args:
        ledger: The ledger.
        plan: The lines.
        job_ids: The jobs.
        copied: Returns a job with the local files of its input where workers find them.

    Raises:
        LedgerError: The ledger cannot be read or written.
        KieError: A file cannot be copied.
    """
    done = 0
    for job_id in job_ids:
        job = ledger.get(job_id)
        planned = None if job is None else plan.find(job.key or "")
        if job is not None and planned is not None and job.state in _UNSENT:
            new = evolve(job, model=planned.model, input=planned.native_input, name=planned.name)
            done += _replace(ledger, job, copied(new))
    return done


def _replace(ledger: Ledger, job: Job, new: Job) -> bool:
    """Plan a job as it is to be by now; False where somebody has just taken it."""
    with contextlib.suppress(IllegalMove), ledger.together():
        if job.state == State.PLANNED:
            ledger.move(job.id, State.REFUSED, seen=job, reason=PLAN_AGAIN)
        ledger.move(job.id, State.PLANNED, reason="", model=new.model, input=new.input, name=new.name)
        ledger.release(job.id)
        return True
    return False


def _says(job: Job, planned: Shelved, registry: Registry) -> bool:
    """Whether a job of the ledger is as it would be planned now, wherever its files were copied to."""
    if job.model != planned.model or (job.state in _UNSENT and job.name != planned.name):
        return False
    return _content(registry, planned.model, job.input or {}) == _content(
        registry, planned.model, planned.native_input
    )


def _content(registry: Registry, model: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    content, slots = stored_files(registry.get(model).contract, given)
    for slot in slots:
        put(content, slot.place, digest_in(slot.source) or slot.source)
    return content
