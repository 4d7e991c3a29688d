"""`kie task show` and `kie task wait`."""

from __future__ import annotations

from pathlib import Path

import click

from kie_registry.cli import output
from kie_registry.cli.progress import Progress
from kie_registry.status import TaskStatus


@click.group()
def task_command() -> None:
    """Show a task, or wait for it and save its files."""


@output.with_json
@task_command.command("show")
@click.argument("task_id")
def show_task(task_id: str, *, as_json: bool) -> None:
    """Print the state of a task."""
    from kie_registry.client import Kie

    with Kie() as kie:
        status = kie.task(task_id).status()
    if as_json:
        output.show_json(_as_dict(status))
        return
    for name, value in _as_dict(status).items():
        if value is not None and name != "raw":
            output.show(f"{name.replace('_', ' ') + ':':15}{value}")


@output.with_json
@task_command.command("wait")
@click.argument("task_id")
@click.option(
    "--out", "-o", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where to save."
)
@click.option("--name", metavar="NAME", help="The file name, without suffix.")
@click.option("--overwrite", is_flag=True, help="Replace files of the same name.")
@click.option("--deadline", type=float, metavar="SECONDS", help="How long to wait.  [default: 900]")
def wait_for_task(
    task_id: str, out: Path, name: str | None, deadline: float | None, *, overwrite: bool, as_json: bool
) -> None:
    """Wait until a task ends, and save its files."""
    from kie_registry.client import Kie

    with Kie() as kie, Progress(task_id) as progress:
        result = kie.task(task_id).wait(deadline, on_event=progress.show)
        paths = result.save(out, name=name, overwrite=overwrite)
    output.show_result(result, paths, as_json=as_json)


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
