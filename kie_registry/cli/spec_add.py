"""`kie specs add`: add models to a checkout from their pages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import output
from kie_registry.errors import KieError, SpecError

if TYPE_CHECKING:
    from kie_registry.specs.published import Published


@click.command("add")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--replace", is_flag=True, help="Write adapter files anew that are there already.")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The checkout of kie-registry; default: the working directory.",
)
@click.pass_context
def add_specs(context: click.Context, sources: tuple[str, ...], *, replace: bool, root: Path) -> None:
    """Add the models of SOURCES to this repository: spec, client, entry points and an adapter file.

    A SOURCE is a documentation page, an OpenAPI file, a folder of them, an address, a model id, or - for
    standard input.
    """
    from kie_registry.specs.scaffold import Project, add_model

    project = Project.checkout(root)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    reading = Reading(sources)
    for name, published in reading.documents():
        try:
            added = add_model(published, project, source=name, today=today, replace=replace)
        except SpecError as error:
            reading.failures.append(error)
            continue
        done = "written" if added.is_new else "left as it was"
        output.show(f"{added.id}: {added.adapter} {done}")
        for note in added.notes:
            output.note(f"  {note}")
    report(reading.failures, context)


class Reading:
    """Reads sources one after the other, and keeps what is wrong with any of them."""

    def __init__(self, sources: tuple[str, ...]) -> None:
        self._sources = sources
        self.failures: list[KieError] = []

    def documents(self) -> Iterator[tuple[str, Published]]:
        """Yield each document with the name of the file or the address that it comes from."""
        from kie_registry.specs.reading import read_sources

        for outcome in read_sources(self._sources):
            if outcome.skipped:
                output.note(f"passed over: {outcome.error}")
            elif outcome.error:
                self.failures.append(outcome.error)
            for published in outcome.published:
                path = Path(outcome.source)
                yield (path.name if path.is_file() else outcome.source), published


def report(failures: list[KieError], context: click.Context) -> None:
    """Print what could not be added, and end with 1 if there is any."""
    for failure in failures:
        output.fail(str(failure))
    if failures:
        context.exit(1)
