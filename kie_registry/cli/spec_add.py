"""`kie specs add`: add models to a checkout from their pages."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import click

from kie_registry.cli import output
from kie_registry.errors import SpecError
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

    A SOURCE is a documentation page, an OpenAPI file, or a folder of them.
    """
    from kie_registry.specs.scaffold import Project, add_model

    project = Project.checkout(root)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    failures: list[SpecError] = []
    for name, published in documents(sources, failures):
        try:
            added = add_model(published, project, source=name, today=today, replace=replace)
        except SpecError as error:
            failures.append(error)
            continue
        done = "written" if added.is_new else "left as it was"
        output.show(f"{added.id}: {added.adapter} {done}")
        for note in added.notes:
            output.note(f"  {note}")
    report(failures, context)


def documents(sources: tuple[str, ...], failures: list[SpecError]) -> Iterator[tuple[str, Published]]:
    """Yield every document in `sources` with the name of its file; what cannot be read goes into `failures`."""
    from kie_registry.specs.published import read_published

    for source in sources:
        path = Path(source)
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            try:
                found = read_published(file.read_bytes(), source=str(file))
            except OSError as error:
                failures.append(SpecError(f"{file}: cannot be read: {error.strerror}"))
            except SpecError as error:
                failures.append(error)
            else:
                yield from ((file.name, published) for published in found)


def report(failures: list[SpecError], context: click.Context) -> None:
    """Print what could not be added, and end with 1 if there is any."""
    for failure in failures:
        output.fail(str(failure))
    if failures:
        context.exit(1)
