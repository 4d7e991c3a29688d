"""`kie task`: what was submitted, from the ledger and from kie.ai."""

from __future__ import annotations

from pathlib import Path

import click

from kie_registry.cli import jobs, output
from kie_registry.cli.options import DIRECTORY, ledger_option
from kie_registry.cli.progress import Progress
from kie_registry.effects import drive
from kie_registry.flows.settle import settle_as_not_created
from kie_registry.ledger.job import Job
from kie_registry.ledger.opening import with_ledger
from kie_registry.ledger.states import PENDING, State
from kie_registry.status import TaskStatus


@click.group()
def task_command() -> None:
    """List, show, wait for or settle what was submitted."""


@output.with_json
@task_command.command("list")
@click.option("--pending", is_flag=True, help="Only what was submitted, or may have been, and is not collected.")
@click.option("--unknown", is_flag=True, help="Only what may have been submitted: nobody knows.")
@ledger_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the latest N.")
def list_tasks(
    *, pending: bool, unknown: bool, ledger: Path | str | None, limit: int | None, as_json: bool
) -> None:
    """List the jobs of the ledger, the latest first."""
    states = [State.UNKNOWN] if unknown else PENDING if pending else None
    with jobs.open_client(ledger) as kie:
        kept = jobs.ledger_of(kie)
        kept.recover()
        found = kept.jobs(account=kie.account, states=states, limit=limit)
    if as_json:
        output.show_json([jobs.as_dict(job) for job in found])
        return
    jobs.show_jobs(found)
    if any(job.state == State.UNKNOWN for job in found):
        output.note(
            "Unknown ones may have been billed. Look at https://kie.ai/logs, then: "
            f"{with_ledger('kie task settle JOB', ledger)} --task-id ID, or --not-created, or --retry to send it "
            "again."
        )


@output.with_json
@task_command.command("show")
@click.argument("task_id", metavar="TASK_ID|JOB_ID")
@ledger_option
def show_task(task_id: str, ledger: Path | str | None, *, as_json: bool) -> None:
    """Print the state of a task, as kie.ai tells it, or of a job that has no task, as the ledger knows it."""
    with jobs.open_client(ledger) as kie:
        job = jobs.ledger_of(kie).find(kie.account, task_id)
        if job is not None and job.task_id is None:
            _show_job(job, as_json=as_json)
            return
        status = kie.task(task_id if job is None or job.task_id is None else job.task_id).status()
    if as_json:
        output.show_json(_as_dict(status))
        return
    for name, value in _as_dict(status).items():
        if value is not None and name != "raw":
            output.show(f"{name.replace('_', ' ') + ':':15}{value}")


def _show_job(job: Job, *, as_json: bool) -> None:
    if as_json:
        output.show_json(jobs.as_dict(job))
    else:
        jobs.show_job(job)


@output.with_json
@task_command.command("wait")
@click.argument("task_id", metavar="TASK_ID|JOB_ID")
@click.option(
    "--out", "-o", type=DIRECTORY, help="Where to save.  [default: where it was to be saved, or the current one]"
)
@click.option("--name", metavar="NAME", help="The file name, without suffix.")
@click.option("--overwrite", is_flag=True, help="Replace files of the same name.")
@click.option("--deadline", type=float, metavar="SECONDS", help="How long to wait.  [default: 900]")
@ledger_option
def wait_for_task(
    task_id: str,
    out: Path | None,
    name: str | None,
    deadline: float | None,
    ledger: Path | str | None,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Wait until a task ends, and save its files."""
    with jobs.open_client(ledger) as kie, Progress(task_id, ledger=ledger) as progress:
        job = jobs.ledger_of(kie).find(kie.account, task_id)
        if job is not None:
            task_id, name = job.task_id or task_id, name or (job.name if out is None else None)
            out = out or (Path(job.directory) if job.directory else None)
        result = kie.task(task_id).wait(deadline, on_event=progress.show)
        paths = result.save(out or Path(), name=name, overwrite=overwrite)
    output.show_result(result, paths, as_json=as_json)


@output.with_json
@task_command.command("settle")
@click.argument("job_id", metavar="JOB_ID")
@click.option("--task-id", metavar="ID", help="This is its task: it was created after all.")
@click.option("--not-created", is_flag=True, help="No task came of it, and nothing was billed.")
@click.option("--retry", is_flag=True, help="Send it again. If a task came of it after all, both are paid.")
@ledger_option
def settle_task(
    job_id: str, task_id: str | None, ledger: Path | str | None, *, not_created: bool, retry: bool, as_json: bool
) -> None:
    """Say what came of a job of which nobody knows whether it was accepted.

    `kie task list --unknown` shows them; https://kie.ai/logs shows what kie.ai has accepted.
    """
    if (task_id is not None) + not_created + retry != 1:
        raise click.UsageError("give one of --task-id ID, --not-created and --retry")
    with jobs.open_client(ledger) as kie, Progress(ledger=ledger) as progress:
        kept, calls = jobs.ledger_of(kie), kie._calls
        kept.recover()
        job = jobs.find_job(kie, job_id)
        if task_id is not None:
            drive(calls.settle_as(kept, job, task_id), kie._http)
        elif retry:
            drive(calls.send_again(kept, job, calls.session.deadline_at(None), progress.show), kie._http)
        else:
            drive(settle_as_not_created(kept, job), kie._http)
        settled = kept.get(job.id) or job
    if as_json:
        output.show_json(jobs.as_dict(settled))
        return
    output.show(f"job {settled.id} is {settled.state}" + (f": task {settled.task_id}" if settled.task_id else ""))
    if settled.task_id:
        output.note(f"Collect it with: {with_ledger('kie collect', ledger)}")


def _as_dict(status: TaskStatus) -> dict[str, object]:
    return {
        "task_id": status.task_id,
        "model": status.model,
        "state": status.state,
        "progress": status.progress,
        "created_at": status.created_at,
        "completed_at": status.completed_at,
        "seconds": status.seconds,
        "credits": status.credits,
        "fail_code": status.fail_code,
        "fail_message": status.fail_message,
        "raw": dict(status.raw),
    }
