"""`kie worker`: see to the jobs in a database, beside any number of others that do."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import output
from kie_registry.cli.batch_progress import many
from kie_registry.cli.databases import database_of, database_option
from kie_registry.cli.options import INPUT_FILE
from kie_registry.errors import ConfigurationError
from kie_registry.ledger.postgres_address import shown
from kie_registry.ledger.states import State
from kie_registry.secret import Secret

if TYPE_CHECKING:
    from kie_registry.batches.running.outcomes import Outcome

_FAILED, _UNKNOWN = 1, 3
_VARIABLES = ("KIE_API_KEYS", "KIE_API_KEY")


@output.with_json
@click.command("worker")
@database_option
@click.option(
    "--out",
    "-o",
    metavar="FOLDER|URL",
    help="Where the files go: a folder, or a URL such as s3://bucket/folder.  [default: they stay at kie.ai]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many tasks of each key run at once here.",
)
@click.option("--drain", is_flag=True, help="End when no job is left that these keys could see to.")
@click.option(
    "--keys-from", type=INPUT_FILE, metavar="FILE", help="The API keys, with white space or commas between."
)
def worker_command(
    database: str | None, out: str | None, concurrency: int, keys_from: Path | None, *, drain: bool, as_json: bool
) -> int:
    """See to the jobs that `kie batch submit` puts into a database, until interrupted.

    Any number of workers may run, on any machines; a job whose worker dies goes on elsewhere, and nothing is paid
    twice. The keys come from --keys-from, from KIE_API_KEYS (several, with white space or commas between) or from
    KIE_API_KEY; each has limits of its own. The paths of saved files are printed on stdout.

    Interrupting it once takes no more jobs and ends with those in hand; twice leaves at once. With --drain it
    exits with 3 where nobody knows of some jobs whether they were accepted, else with 1 where some failed.
    """
    url, keys = database_of(database), _keys(keys_from)
    from kie_registry.batches.workers.worker import Worker

    ended = _Ended(as_json=as_json)

    class Announcing(Worker):
        announced = False

        def stop(self) -> None:
            if not self.announced:
                self.announced = True
                output.note(
                    "Interrupted: no more jobs are taken; interrupt again to leave those in hand to others."
                )
            super().stop()

    worker = Announcing(url, keys, out, concurrency=concurrency, until_idle=drain, finished=ended.hear)
    output.note(f"Working for {shown(url)} with {many(len(keys), 'key')}, until interrupted (Ctrl-C).")
    try:
        worker.serve()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Interrupted. {ended} Nothing is lost: workers go on with the rest.") from None
    if as_json:
        output.show_json(ended.as_dict())
    output.note(f"{ended}")
    return ended.status() if drain else 0


class _Ended:
    """What came of the jobs of this worker.

    Args:
        as_json: Whether stdout is for one document alone.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._counts: Counter[str] = Counter()
        self._credits = 0.0

    def hear(self, outcome: Outcome) -> None:
        """Count a job that has ended, and say what came of it."""
        job = outcome.job
        self._credits += job.credits or 0.0
        if outcome.error is None:
            self._counts["done"] += 1
            if not self._as_json:
                output.show_files(outcome.paths, outcome.result)
            return
        unknown = job.state == State.UNKNOWN
        self._counts["unknown" if unknown else "failed"] += 1
        name = outcome.id or outcome.name or f"job {job.id}"
        output.note(f"{'Unknown' if unknown else 'Failed'}: {job.batch or ''} {name}: {outcome.error}")

    def as_dict(self) -> dict[str, float]:
        """Return the counts and the credits."""
        return {**{name: self._counts[name] for name in ("done", "failed", "unknown")}, "credits": self._credits}

    def status(self) -> int:
        """Return the exit status."""
        return _UNKNOWN if self._counts["unknown"] else _FAILED if self._counts["failed"] else 0

    def __str__(self) -> str:
        """Return them in words."""
        counts = ", ".join(f"{self._counts[name]:,} {name}" for name in ("done", "failed", "unknown"))
        return f"{counts}; {many(round(self._credits, 2), 'credit')}."


def _keys(file: Path | None) -> list[Secret]:
    """Return the API keys, each once, from a file or the environment."""
    source, text = str(file), None
    if file is None:
        source = next((name for name in _VARIABLES if os.environ.get(name)), " or ".join(_VARIABLES))
        text = os.environ.get(source, "")
    else:
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"--keys-from {file}: cannot be read: {type(error).__name__}") from None
    keys = [key for key in dict.fromkeys(re.split(r"[\s,]+", text)) if key]
    if not keys:
        raise ConfigurationError(
            f"a worker needs an API key, and {source} has none. Get one at https://kie.ai/api-key"
        )
    return [Secret(key) for key in keys]
