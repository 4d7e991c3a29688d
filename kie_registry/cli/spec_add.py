"""`kie specs add`: add models to a checkout from their pages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kie_registry.cli import output
from kie_registry.cli.options import sources_argument
from kie_registry.errors import KieError, NotAModel, SpecError

if TYPE_CHECKING:
    from kie_registry.specs.published import Published


@click.command("add")
@sources_argument
@click.option("--replace", is_flag=True, help="Write adapter files anew that are there already.")
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The checkout of kie-registry; default: the working directory.",
)
def add_specs(sources: tuple[str, ...], *, replace: bool, root: Path) -> int:
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
            reading.refuse(error)
            continue
        done = "written" if added.is_new else "left as it was"
        output.show(f"{added.id}: {added.adapter} {done}")
        for note in (*added.notes, *_clash(added.id)):
            output.note(f"  {note}")
    return 1 if reading.failed else 0


def _clash(model: str) -> list[str]:
    """Warn of a model of the same id in KIE_HOME: neither could be used beside the other."""
    from kie_registry.registry import default_registry

    if (own := default_registry().added(model)) is None or own.replaces:
        return []
    return [f"it was {own.origin} as well: `kie models remove {model}`, or neither can be used"]


class Reading:
    """Reads sources one after the other, and tells what cannot be used of them.

    Attributes:
        failed: Whether anything could not be used that was meant to be.
    """

    def __init__(self, sources: tuple[str, ...]) -> None:
        self.failed = False
        self._sources = sources
        self._in_a_folder = False

    def documents(self) -> Iterator[tuple[str, Published]]:
        """Yield each document with the name of the file or the address that it comes from."""
        from kie_registry.specs.reading import read_sources

        for outcome in read_sources(self._sources):
            self._in_a_folder = not outcome.named
            if outcome.error:
                self.refuse(outcome.error)
            path = Path(outcome.source)
            name = path.name if path.suffix and path.is_file() else outcome.source
            yield from ((name, published) for published in outcome.published)

    def refuse(self, error: KieError) -> None:
        """Tell what is wrong with the document that was yielded last; folders may hold other pages too."""
        if self._in_a_folder and isinstance(error, NotAModel):
            output.note(f"skipped: {error}")
        else:
            output.fail(str(error))
            self.failed = True
