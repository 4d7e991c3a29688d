"""`kie batch status`: how a batch stands, in a folder or in a database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict

from kie_registry.cli import output
from kie_registry.cli.batch_places import folder_of, ledger_of, marked, names_of, no_such_batch, opened
from kie_registry.cli.batch_progress import many
from kie_registry.cli.databases import VARIABLE, database_of, database_option, with_database
from kie_registry.cli.options import ledger_option
from kie_registry.ledger.opening import with_ledger
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.batches.folders.folder import Marker
    from kie_registry.batches.workers.status import BatchStatus, QueueStatus

_Tally = Mapping[State, tuple[int, float]]
_OPEN = (State.PLANNED, State.SENDING, State.RUNNING, State.SUCCEEDED)
_FAILED = (State.FAILED, State.LOST, State.REFUSED)


@output.with_json
@click.command("status", short_help="Show how a batch stands.")
@click.argument("target", metavar="[DIR|NAME]", required=False)
@database_option
@ledger_option
def show_status(target: str | None, database: str | None, ledger: Path | str | None, *, as_json: bool) -> None:
    """Show how many jobs of a batch stand in each state, what they cost, and who works on them.

    DIR is the folder of a batch that `kie batch run` runs. With a database, NAME is a batch that was submitted
    there; without one all are shown.
    """
    if target is not None and (directory := folder_of(target, database)) is not None:
        _show_folder(directory, ledger, as_json=as_json)
    elif database or os.environ.get(VARIABLE):
        _show_database(database_of(database), target, as_json=as_json)
    else:
        raise click.UsageError(f"name the folder of a batch, or a database: --db URL, or {VARIABLE}")


def _show_folder(directory: Path, given: Path | str | None, *, as_json: bool) -> None:
    folder, marker = marked(directory)
    place = ledger_of(marker, given)
    tally = _tally(place, marker)
    holder = folder.holder()
    if as_json:
        output.show_json({**asdict(marker), "ledger": str(place), "holder": holder, **_as_dict(tally)})
        return
    source = marker.manifest or "jobs that a program named"
    output.show(f"{source}, begun {marker.created}; batch {marker.batch} of the ledger {place}")
    output.show(f"{holder} works on it" if holder else "nobody works on it now")
    _show_tally(tally)
    left = sum(tally.get(state, (0, 0))[0] for state in _OPEN)
    if left and holder is None and marker.manifest:
        again = with_ledger(f"kie batch run {marker.manifest} --out {directory}", place)
        output.note(f"{many(left, 'job')} left: `{again}`, with the options of the first time, goes on with them.")
    _tell_of_unknown(tally.get(State.UNKNOWN, (0, 0))[0], place)


def _tally(place: Path | str, marker: Marker) -> _Tally:
    with opened(place, marker) as ledger:
        ledger.recover()
        return ledger.tally(marker.batch)


def _show_tally(tally: _Tally) -> None:
    rows = [(state.value, f"{n:,}", f"{credits_:g}") for state in State for n, credits_ in _found(tally, state)]
    number, spent = (sum(each[at] for each in tally.values()) for at in (0, 1))
    output.table(("state", "jobs", "credits"), [*rows, ("all", f"{number:,}", f"{spent:g}")])


def _found(tally: _Tally, state: State) -> list[tuple[int, float]]:
    return [tally[state]] if state in tally else []


def _as_dict(tally: _Tally) -> dict[str, Any]:
    return {
        "total": sum(number for number, _ in tally.values()),
        "credits": sum(spent for _, spent in tally.values()),
        "states": {state.value: {"jobs": number, "credits": spent} for state, (number, spent) in tally.items()},
    }


def _tell_of_unknown(number: int, place: Path | str) -> None:
    if number:
        command = with_ledger("kie task list --unknown", place)
        output.note(f"Of {many(number, 'job')} nobody knows whether kie.ai accepted them: `{command}`.")


def _show_database(database: str, name: str | None, *, as_json: bool) -> None:
    from kie_registry.batches.workers.databases import quiet

    with quiet():
        status = _read(database, name)
    if as_json:
        output.show_json(_queue_as_dict(status))
        return
    _show_batches(status)
    for worker in status.workers:
        seen = f"last heard of {worker.seen:.0f} s ago"
        output.show(f"process {worker.pid} on {worker.host} has {many(worker.jobs, 'job')} in hand, {seen}")
    if not status.workers and any(batch.left for batch in status.batches):
        output.note(f"Nobody works on them now: `{with_database('kie worker')} --out DIR` does.")
    _tell_of_unknown(sum(batch.counts.get(State.UNKNOWN, 0) for batch in status.batches), database)


def _read(database: str, name: str | None) -> QueueStatus:
    from kie_registry.batches.workers.status import read_status

    if name is None:
        return read_status(database)
    for each in names_of(name):
        if (status := read_status(database, each)).batches:
            return status
    raise no_such_batch(database, name)


def _show_batches(status: QueueStatus) -> None:
    if not status.batches:
        submit = with_database("kie batch submit FILE")
        output.note(f"There are no batches in this database: `{submit}` puts one in.")
        return
    headings = ("batch", "jobs", "done", "failed", "unknown", "unsaved", "left", "credits", "a minute", "oldest")
    output.table(headings, [_row(batch) for batch in status.batches])


def _row(batch: BatchStatus) -> tuple[str, ...]:
    def of(*states: State) -> str:
        return f"{sum(batch.counts.get(state, 0) for state in states):,}"

    return (
        batch.name,
        f"{batch.total:,}",
        of(State.COLLECTED),
        of(*_FAILED),
        of(State.UNKNOWN),
        of(State.SUCCEEDED),
        of(State.PLANNED, State.SENDING, State.RUNNING),
        f"{batch.credits:g}",
        f"{60 * batch.rate:.0f}",
        "" if batch.oldest is None else f"{batch.oldest:.0f} s",
    )


def _queue_as_dict(status: QueueStatus) -> dict[str, Any]:
    return {
        "batches": [
            {
                "name": batch.name,
                "total": batch.total,
                "left": batch.left,
                "states": {state.value: number for state, number in batch.counts.items()},
                "credits": batch.credits,
                "rate": batch.rate,
                "oldest": batch.oldest,
                "unknown": [job.id for job in batch.unknown],
            }
            for batch in status.batches
        ],
        "workers": [asdict(worker) for worker in status.workers],
        "waiting": status.waiting,
    }
