"""Put a batch into a database, for workers on any machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from kie_registry.batches.plans.planning import Plan
from kie_registry.batches.running.targets import Target
from kie_registry.batches.workers.queue import Queue, is_submitted
from kie_registry.batches.workers.resubmitting import bring_up_to_date, find_changed
from kie_registry.errors import ConfigurationError, KieError
from kie_registry.file_addresses import digest_in, is_local, path_of
from kie_registry.ledger.job import Job
from kie_registry.media import UnusableMedia, inspect
from kie_registry.registry import Registry
from kie_registry.slots import put, stored_files

_LONGEST_NAME = 200


@frozen
class Submitted:
    """What came of a submission.

    Attributes:
        name: The name of the batch.
        jobs: How many jobs there are in the plan.
        new: How many of them the batch did not have.
        again: How many of its jobs had been refused, and are to be sent again.
        files: How many local files the workers read where they were copied to.
        changed: How many jobs were not sent yet, and are brought up to date with their lines.
        kept: How many were sent, or are just being sent, and said something else; they are left as they are.
    """

    name: str
    jobs: int
    new: int
    again: int
    files: int
    changed: int
    kept: int


def submit_batch(
    database: str,
    plan: Plan,
    name: str,
    registry: Registry,
    *,
    files: str | os.PathLike[str] | None = None,
) -> Submitted:
    """Put the jobs of a plan into a database, each of which any worker may do then. Blocking.

    What the batch of this name has sent already is left as it is, and all else is brought up to date. Should this
    end in the middle, the jobs so far are done, and to do it again adds the others.

    Args:
        database: The database: ``postgresql://user:password@host/name``.
        plan: The jobs.
        name: The name of the batch.
        registry: The models.
        files: Where local files are copied to, so that the workers find them: a folder that all of them have under
            the same path, or a URL such as ``s3://bucket/folder``. Needed where the plan has local files.

    Raises:
        ConfigurationError: An argument is wrong, `files` is missing, or it is another batch that has this name;
            nothing was put in.
        LedgerError: The database cannot be reached or not be used.
        KieError: A file cannot be copied.
    """
    from kie_registry.ledger.postgres import PostgresLedger

    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ConfigurationError(
            f"the batch's name is {name!r}; it takes up to {_LONGEST_NAME} letters. Nothing was put in."
        )
    if not is_submitted(name):
        raise ConfigurationError(
            f"the batch's name is {name}, which looks like the id of a batch that one machine runs; name it "
            "otherwise with --name. Nothing was put in."
        )
    copies = _Copies(registry, files)
    copies.check(plan)
    ledger = PostgresLedger(database)
    try:
        with Queue(database) as queue:
            known = find_changed(ledger, plan, name, registry)
            changed = bring_up_to_date(ledger, plan, known, copies.of)
            again, new = ledger.replan(name), 0
            for portion in plan.portions(name, account="", directory=None):
                jobs = [copies.of(job) for job in portion]
                planned = ledger.plan(jobs)
                new += planned
                if planned:
                    # Those that are known already have another id in the ledger, and these ids are passed over.
                    queue.defer([job.id for job in jobs], of=len(plan))
    finally:
        ledger.close()
    return Submitted(name, len(plan), new, again, copies.number, changed, len(known) - changed)


class _Copies:
    """Copies local files to where the workers find them, each once.

    Args:
        registry: Knows the places of files in an input.
        place: Where they are copied to, if there is such a place.
    """

    def __init__(self, registry: Registry, place: str | os.PathLike[str] | None) -> None:
        self._registry = registry
        self._place = place
        self._target = Target.of(place or ".")
        self._known: dict[str, str] = {}

    @property
    def number(self) -> int:
        """How many files there are."""
        return len(self._known)

    def check(self, plan: Plan) -> None:
        """See that there is a place for the files, if the plan has any.

        Raises:
            ConfigurationError: There is none.
            KieError: It cannot be written.
        """
        job = next(
            (job for job in plan if "file://" in job.input and self._local(job.model, job.native_input)), None
        )
        if job is None:
            return
        if self._place is None:
            path = path_of(self._local(job.model, job.native_input)[0].source)
            raise ConfigurationError(
                f"line {job.line} names {path}, which other machines do not have. Name a place that all workers "
                "can read: --files s3://bucket/folder, or a folder that is mounted everywhere. Nothing was put in."
            )
        self._target.check()

    def of(self, job: Job) -> Job:
        """Return a job that names copies in place of files of this machine."""
        if not (local := self._local(job.model or "", job.input or {})):
            return job
        resolved, _ = stored_files(self._registry.get(job.model or "").contract, job.input or {})
        for slot in local:
            put(resolved, slot.place, self._copy(slot.source))
        return evolve(job, input=resolved)

    def _local(self, model: str, given: Mapping[str, Any]) -> list[Any]:
        _, slots = stored_files(self._registry.get(model).contract, given)
        return [slot for slot in slots if is_local(slot.source)]

    def _copy(self, address: str) -> str:
        if (copy := self._known.get(address)) is None:
            try:
                file = inspect(path_of(address))
            except UnusableMedia as error:
                raise KieError(
                    f"{error}. What was put in so far is done; submit it again when it is there."
                ) from None
            if digest_in(address) not in (None, file.digest):
                raise KieError(
                    f"{file.label} was changed just now. Submit the batch again; nothing is done twice."
                )
            copy = self._known[address] = f"{self._target.share(file)}#sha256={file.digest}"
        return copy
