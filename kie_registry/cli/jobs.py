"""The ledger on the command line: which job is meant, and how jobs are shown."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from kie_registry.cli import output
from kie_registry.errors import ConfigurationError
from kie_registry.ledger.job import Job
from kie_registry.wording import clip

if TYPE_CHECKING:
    from kie_registry.client import Kie
    from kie_registry.ledger.protocol import Ledger

_SHORT = 12


def open_client(ledger: Path | str | None) -> Kie:
    """Return a client that keeps this ledger, or the default one, as every command does that may cost money."""
    from kie_registry.client import Kie

    return Kie(ledger=ledger or True)


def ledger_of(kie: Kie) -> Ledger:
    """Return the ledger of a client that `open_client` made."""
    if kie.ledger is None:
        raise ConfigurationError("this client keeps no ledger")
    return kie.ledger


def find_job(kie: Kie, name: str) -> Job:
    """Return the job with this id, the beginning of it, or this task id; ends the command where there is none."""
    ledger = ledger_of(kie)
    job = ledger.find(kie.account, name)
    if job is None:
        raise click.UsageError(
            f"The ledger {getattr(ledger, 'path', '')} has no job {name!r} of this account, or several that begin "
            "like that. `kie task list` shows them; --ledger FILE looks into another ledger."
        )
    return job


def as_dict(job: Job) -> dict[str, Any]:
    """Return a job for JSON."""
    data = asdict(job, filter=lambda attribute, _: attribute.name not in ("account", "owner"))
    for moment in ("created_at", "changed_at", "sent_at"):
        data[moment] = None if data[moment] is None else _time(data[moment]).isoformat(timespec="seconds")
    return data


def show_jobs(jobs: Sequence[Job]) -> None:
    """Print jobs as a table, the newest first."""
    rows = [
        (
            job.id[:_SHORT],
            job.state.value,
            _time(job.created_at).strftime("%Y-%m-%d %H:%M"),
            job.model or "",
            job.task_id or "",
            "" if job.credits is None else f"{job.credits:g}",
            clip(_prompt(job.input), 40),
            clip(job.reason, 60),
        )
        for job in jobs
    ]
    output.table(("job", "state", "created", "model", "task", "credits", "prompt", "reason"), rows)


def show_job(job: Job) -> None:
    """Print everything that the ledger knows of a job."""
    for name, value in as_dict(job).items():
        if value not in (None, "", [], ()):
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, (Mapping, list, tuple)) else value
            output.show(f"{name.replace('_', ' ') + ':':15}{text}")


def _prompt(given: Mapping[str, Any] | None) -> str:
    prompt = (given or {}).get("prompt")
    return " ".join(prompt.split()) if isinstance(prompt, str) else ""


def _time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds).astimezone()
