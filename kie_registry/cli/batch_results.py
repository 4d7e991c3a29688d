"""`kie batch results`: what came of each job of a batch, from the ledger, as in results.jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import output
from kie_registry.cli.batch_places import folder_of, ledger_of, marked, names_of, no_such_batch, opened
from kie_registry.cli.databases import database_of, database_option
from kie_registry.cli.options import INPUT_FILE, ledger_option

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger


@click.command("results", short_help="Print what came of each job of a batch.")
@click.argument("target", metavar="DIR|NAME")
@database_option
@ledger_option
@click.option("--out", "-o", "file", type=INPUT_FILE, metavar="FILE", help="Write it to a file, anew.")
def show_results(target: str, database: str | None, ledger: Path | str | None, file: Path | None) -> None:
    """Print what came of each job of a batch that was sent, one JSON object on each line, as in results.jsonl.

    DIR is the folder of a batch that `kie batch run` runs; its results.jsonl is written anew. With a database,
    NAME is a batch that was submitted there, and its results are printed.
    """
    if (directory := folder_of(target, database)) is not None:
        _of_folder(directory, ledger, file)
    else:
        _of_database(database_of(database), target, file)


def _of_folder(directory: Path, given: Path | str | None, file: Path | None) -> None:
    from kie_registry.batches.folders.results_file import ResultsFile

    folder, marker = marked(directory)
    with opened(ledger_of(marker, given), marker) as ledger:
        if file is not None:
            _write(ledger, marker.batch, file)
            return
        with folder.held():
            ResultsFile(folder.path).renew(ledger, marker.batch)


def _of_database(database: str, name: str, file: Path | None) -> None:
    from kie_registry.batches.folders.results_file import ResultsFile

    with opened(database) as ledger:
        batch = next((each for each in names_of(name) if ledger.batch(each, limit=1)), None)
        if batch is None:
            raise no_such_batch(database, name)
        if file is not None:
            _write(ledger, batch, file)
            return
        for line in ResultsFile(Path()).lines(ledger, batch):
            output.show(line)


def _write(ledger: Ledger, batch: str, file: Path) -> None:
    from kie_registry.batches.folders.results_file import ResultsFile

    file = file.absolute()
    ResultsFile(file.parent, name=file.name).renew(ledger, batch)
