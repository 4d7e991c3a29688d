"""`kie batch status`: how a batch stands, in a folder or in a database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import asdict, frozen

from kie_registry.cli import output
from kie_registry.cli.batch_places import folder_of, ledger_of, marked, names_of, no_such_batch, opened
from kie_registry.cli.batch_progress import many
from kie_registry.cli.databases import VARIABLE, database_of, database_option, with_database
from kie_registry.cli.options import ledger_option
from kie_registry.ledger.opening import with_ledger
from kie_registry.ledger.pages import jobs_of
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.batches.workers.status import BatchStatus, QueueStatus
    from kie_registry.ledger.protocol import Ledger

_OPEN = (State.PLANNED, State.SENDING, State.RUNNING, State.SUCCEEDED)
_FAILED = (State.FAILED, State.LOST, State.REFUSED)
# Not all of these are free, and kie.ai does not always say what they cost.
_MAYBE_PAID = (State.FAILED, State.LOST, State.UNKNOWN)


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
    with opened(place, marker) as ledger:
        stands = _stands(ledger, marker.batch)
    holder = folder.holder()
    if as_json:
        output.show_json({**asdict(marker), "ledger": str(place), "holder": holder, **stands.as_dict()})
        return
    source = marker.manifest or "jobs that a program named"
    output.show(f"{source}, begun {marker.created}; batch {marker.batch} of the ledger {place}")
    output.show(f"{holder} works on it" if holder else "nobody works on it now")
    stands.show()
    if (left := stands.left) and holder is None and marker.manifest:
        again = with_ledger(f"kie batch run {marker.manifest} --out {directory}", place)
        output.note(f"{many(left, 'job')} left: `{again}`, with the options of the first time, goes on with them.")
    _tell_of_unknown(stands.tally.get(State.UNKNOWN, (0, 0))[0], place)


@frozen
class _Stands:
    """How a batch stands in a ledger.

    Attributes:
        tally: How many of its jobs are in each state, without the withdrawn ones, and what they cost.
        withdrawn: How many its manifest names no longer, of those that were never sent.
        at_least: Whether some may have cost credits that nobody tells of.
    """

    tally: Mapping[State, tuple[int, float]]
    withdrawn: int
    at_least: bool

    @property
    def left(self) -> int:
        """How many jobs the command that ran them goes on with; what was refused is sent again."""
        return sum(self.tally.get(state, (0, 0))[0] for state in (*_OPEN, State.REFUSED))

    @property
    def states(self) -> Mapping[str, tuple[int, float]]:
        """The numbers and credits of the jobs in each state, and of those withdrawn."""
        found = {state.value: self.tally[state] for state in State if self.tally.get(state, (0, 0))[0]}
        return found | ({"withdrawn": (self.withdrawn, 0.0)} if self.withdrawn else {})

    def show(self) -> None:
        """Print a table."""
        rows = [(name, f"{number:,}", f"{spent:g}") for name, (number, spent) in self.states.items()]
        number, spent = (sum(each[at] for each in self.states.values()) for at in (0, 1))
        whole = f"{'at least ' if self.at_least else ''}{spent:g}"
        output.table(("state", "jobs", "credits"), [*rows, ("all", f"{number:,}", whole)])

    def as_dict(self) -> dict[str, Any]:
        """Return it for a JSON document."""
        return {
            "total": sum(number for number, _ in self.states.values()),
            "credits": sum(spent for _, spent in self.states.values()),
            "at_least": self.at_least,
            "states": {name: {"jobs": number, "credits": spent} for name, (number, spent) in self.states.items()},
        }


def _stands(ledger: Ledger, batch: str) -> _Stands:
    from kie_registry.batches.folders.beginning import WITHDRAWN

    ledger.recover()
    tally = dict(ledger.tally(batch))
    withdrawn = sum(job.reason == WITHDRAWN for job in jobs_of(ledger, batch, [State.REFUSED]))
    if State.REFUSED in tally:
        number, spent = tally[State.REFUSED]
        tally[State.REFUSED] = (number - withdrawn, spent)
    at_least = any(job.credits is None for job in jobs_of(ledger, batch, _MAYBE_PAID))
    return _Stands(tally, withdrawn, at_least)


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
        f"{'at least ' if batch.unpriced else ''}{batch.credits:g}",
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
                "unpriced": batch.unpriced,
                "rate": batch.rate,
                "oldest": batch.oldest,
                "unknown": [job.id for job in batch.unknown],
            }
            for batch in status.batches
        ],
        "workers": [asdict(worker) for worker in status.workers],
        "waiting": status.waiting,
    }
