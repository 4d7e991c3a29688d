"""`kie collect`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import jobs, output
from kie_registry.cli.options import DIRECTORY, ledger_option
from kie_registry.errors import TaskTimeout
from kie_registry.ledger.opening import with_ledger
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.async_client import AsyncKie
    from kie_registry.batches.running.outcomes import Outcome

_FAILED, _STILL_RUNNING = 1, 4


@output.with_json
@click.command()
@click.option(
    "--out",
    "-o",
    type=DIRECTORY,
    help="The directory for all files.  [default: where each task was to save them]",
)
@click.option("--deadline", type=float, metavar="SECONDS", help="How long to wait.  [default: 900]")
@ledger_option
def collect_command(out: Path | None, deadline: float | None, ledger: Path | str | None, *, as_json: bool) -> int:
    """Wait for everything that was submitted and not collected, and save its files.

    Tasks that another process waits for are left to it. This may be run many times at once, and again after
    whatever has interrupted it. It exits with 4 where tasks still run, else with 1 where one failed or is lost.
    """
    again = with_ledger("kie collect", ledger)
    try:
        came = asyncio.run(_collect(out, deadline, ledger, as_json=as_json))
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted. Nothing is lost: `{again}` goes on with the rest.") from None
    if as_json:
        output.show_json([_as_dict(each) for each in came])
    still_running = sum(isinstance(each.error, TaskTimeout) for each in came)
    if still_running:
        output.note(f"{still_running} of {len(came)} tasks still run; `{again}` goes on with them.")
        return _STILL_RUNNING
    return _FAILED if any(each.error for each in came) else 0


async def _collect(
    out: Path | None, deadline: float | None, ledger: Path | str | None, *, as_json: bool
) -> list[Outcome]:
    from kie_registry.async_client import AsyncKie

    came = []
    async with AsyncKie(ledger=ledger or True) as kie:
        async for collected in kie.collect(out, deadline=deadline):
            came.append(collected)
            _show(collected, as_json=as_json)
        if not came:
            output.note("There is nothing to collect.")
        await _tell_of_the_rest(kie, with_ledger("kie task list --unknown", ledger))
    return came


def _show(collected: Outcome, *, as_json: bool) -> None:
    if collected.error is not None:
        output.note(f"Job {collected.job.id}: {collected.error}")
    elif not as_json:
        output.show_files(collected.paths, collected.result)


async def _tell_of_the_rest(kie: AsyncKie, unknown_ones: str) -> None:
    """Say what was not collected, and why; a command lists the `unknown_ones`."""
    ledger = kie.ledger
    if ledger is None:
        return
    left = await asyncio.to_thread(
        lambda: ledger.jobs(
            account=kie.account, states=[State.UNKNOWN, State.SENDING, State.RUNNING, State.SUCCEEDED]
        )
    )
    held = sum(job.owner is not None for job in left)
    unknown = sum(job.state == State.UNKNOWN for job in left)
    if held:
        output.note(f"{held} more {'is' if held == 1 else 'are'} seen to by other processes.")
    if unknown:
        output.note(f"Of {unknown} more it is not known whether they were accepted: `{unknown_ones}`.")


def _as_dict(collected: Outcome) -> dict[str, object]:
    return {
        **jobs.as_dict(collected.job),
        "paths": [str(path) for path in collected.paths],
        "urls": [] if collected.result is None else list(collected.result.urls),
        "data": None if collected.result is None else dict(collected.result.data),
        "error": None if collected.error is None else str(collected.error),
    }
