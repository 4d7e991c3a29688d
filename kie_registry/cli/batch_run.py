"""`kie batch run FILE --out DIR`: generate all that a manifest names, on this machine."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import define

from kie_registry.cli import output
from kie_registry.cli.batch_ending import Ending
from kie_registry.cli.batch_options import check_manifest, defaults_of, manifest_options
from kie_registry.cli.batch_progress import BatchProgress, many
from kie_registry.cli.interrupting import Interruption
from kie_registry.cli.options import DIRECTORY, LEDGER_FILE, LEDGER_HELP
from kie_registry.errors import AuthenticationError, KieError, TransportError

if TYPE_CHECKING:
    from kie_registry.async_client import AsyncKie
    from kie_registry.batches.batch import AsyncBatch

_POSITIVE = click.FloatRange(min=0, min_open=True)


@output.with_json
@click.command("run", short_help="Run a manifest's jobs on this machine.")
@manifest_options
@click.option(
    "--out", "-o", "directory", type=DIRECTORY, required=True, help="The folder for the files and results.jsonl."
)
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="How many tasks run at once.",
)
@click.option(
    "--max-credits",
    type=_POSITIVE,
    metavar="N",
    help="The credits that the whole batch may cost, earlier runs included.  [default: any number]",
)
@click.option(
    "--deadline", type=_POSITIVE, metavar="SECONDS", help="How long to wait for each task.  [default: 900]"
)
@click.option("--callback-url", metavar="URL", help="Where kie.ai shall post the record at the end of each task.")
@click.option("--add", is_flag=True, help="Add the jobs to another batch that is in the folder already.")
@click.option("--ledger", type=LEDGER_FILE, metavar="FILE", help=LEDGER_HELP)
def run_batch(
    manifest: str,
    model: str | None,
    settings: tuple[str, ...],
    directory: Path,
    ledger: Path | str | None,
    *,
    as_json: bool,
    **options: Any,
) -> int:
    """Generate all that FILE names, and save the files and a results.jsonl in a folder.

    FILE is JSONL, CSV or YAML, by its suffix. Each line is a job: a `model`, its parameters, and if need be
    an `id`, and a `name` for its files. All lines are checked before the first is sent.

    \b
    {"model": "nano-banana-pro", "prompt": "a lighthouse at dawn", "name": "dawn"}
    {"model": "nano-banana-edit", "prompt": "make it night", "images": ["photo.jpg"]}

    Whatever interrupts it, the same command goes on where it stopped, and pays for nothing twice. Interrupting it
    once (Ctrl-C) sends nothing more and collects what runs; twice leaves at once.

    It exits with 0 where all jobs are done; 1 where some failed, or were not sent; 2 where FILE or an option is
    wrong, and nothing was sent; 3 where nobody knows of some whether they were accepted; 4 where tasks run on
    beyond the deadline; 130 where it was interrupted and something is left.
    """
    check_manifest(manifest)
    defaults = defaults_of(model, settings)
    ending = asyncio.run(_run(manifest, directory, ledger, defaults=defaults, **options))
    return ending.tell(as_json=as_json)


async def _run(manifest: str, directory: Path, ledger: Path | str | None, **options: Any) -> Ending:
    """Run the batch to its end, or until it is interrupted twice."""
    from kie_registry.async_client import AsyncKie

    shown = BatchProgress()
    async with AsyncKie(ledger=ledger or True) as kie:
        batch = kie.batch(manifest, directory, on_event=shown.hear, **options)
        ending = Ending(directory, ledger, batch.progress)
        balance = _Balance(kie, batch)
        batch.before_sending = balance.check
        with Interruption(lambda: _interrupt(batch, shown)) as interruption:
            try:
                async with (
                    shown.showing(batch),
                    contextlib.aclosing(aiter(batch)) as outcomes,
                ):
                    async for outcome in outcomes:
                        ending.note(outcome)
                        shown.ended(outcome, batch.progress)
            except KieError as error:
                if error is balance.error or not batch.progress.total:
                    raise
                ending.error = error
            except asyncio.CancelledError:
                if not interruption.heard:
                    raise
        ending.progress, ending.interruptions = batch.progress, interruption.heard
    return ending


@define(eq=False)
class _Balance:
    """Looks at the balance, which is free, before anything is sent that would be refused.

    Attributes:
        kie: The client.
        batch: The batch, which sends nothing where there are no credits, and collects what runs.
        error: Why nothing can be sent with the client's key, or None.
    """

    kie: AsyncKie
    batch: AsyncBatch
    error: KieError | None = None

    async def check(self) -> None:
        """Raise AuthenticationError where the key is refused, TransportError where nobody answers."""
        try:
            balance = await self.kie.credits()
        except (AuthenticationError, TransportError) as error:
            self.error = error
            raise
        except KieError:
            # Whether tasks can be created is another matter.
            return
        if balance <= 0:
            self.batch.stop(f"the balance of the account is {balance:g} credits")


def _interrupt(batch: AsyncBatch, shown: BatchProgress) -> bool:
    """Stop the batch, and return whether there is something to wait for."""
    progress = batch.progress
    if not progress.total:
        shown.say("Interrupted: leaving as soon as the jobs are checked. Interrupt again to leave at once.")
        return False
    batch.stop("it was interrupted")
    shown.say(
        f"Interrupted: nothing more is sent. What runs ({many(progress.running, 'job')}) is waited for and saved; "
        "interrupt again to leave at once."
    )
    return True
