"""`kie batch submit FILE --db URL`: put a manifest's jobs into a database, for workers on any machine."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
from attrs import asdict

from kie_registry.cli import output
from kie_registry.cli.batch_options import check_manifest, defaults_of, manifest_options
from kie_registry.cli.batch_progress import many
from kie_registry.cli.databases import database_of, database_option, with_database


@output.with_json
@click.command("submit", short_help="Put a manifest's jobs into a database, for workers.")
@manifest_options
@database_option
@click.option("--name", metavar="NAME", help="What the batch is called there.  [default: the name of FILE]")
@click.option(
    "--files",
    metavar="FOLDER|URL",
    help="Where the local files that FILE names are copied to, so that all workers find them.",
)
def submit_manifest(
    manifest: str,
    model: str | None,
    settings: tuple[str, ...],
    database: str | None,
    *,
    name: str | None,
    files: str | None,
    skip_invalid: bool,
    as_json: bool,
) -> None:
    """Put the jobs that FILE names into a database, where any number of `kie worker` take them.

    FILE is as `kie batch run` takes it, and is checked whole before anything is put in. To submit it again under
    the same name adds the jobs that are new, and those that were refused, and brings up to date what was not sent
    yet; nothing is done, or paid, twice.
    """
    check_manifest(manifest)
    defaults = defaults_of(model, settings)
    url = database_of(database)
    name = Path(manifest).stem if name is None else name
    from kie_registry.batches.manifests.jobs import Source
    from kie_registry.batches.plans.planning import check
    from kie_registry.batches.workers.databases import quiet
    from kie_registry.batches.workers.submitting import submit_batch
    from kie_registry.registry import default_registry

    source, registry = Source.of(manifest, defaults), default_registry()
    try:
        with (
            quiet(),
            check(source.read(), registry, base=source.base, skip_invalid=skip_invalid, unit=source.unit) as plan,
        ):
            submitted = submit_batch(url, plan, name, registry, files=files)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            "Interrupted. What was put in by now will be done; the same command adds the rest, and nothing twice."
        ) from None
    skipped = plan.skipped.lines
    if as_json:
        output.show_json({**asdict(submitted), "skipped": skipped})
        return
    known = submitted.jobs - submitted.new
    changed = f", {submitted.changed:,} changed before they were sent" if submitted.changed else ""
    again = f", {submitted.again:,} refused ones to be sent again" if submitted.again else ""
    output.show(
        f"{name}: {many(submitted.jobs, 'job')}, {submitted.new:,} new{changed}{again}"
        + (f"; {known:,} known already" if known else "")
    )
    if submitted.kept:
        output.note(
            f"What was sent under the id of {many(submitted.kept, 'line')} said something else, and is left as it "
            "is: give them other ids to have them made too, or submit them under another --name."
        )
    if skipped:
        output.note(f"{many(skipped, 'wrong line')} left out; without --skip-invalid, all that is wrong is told.")
    status = with_database(f"kie batch status {shlex.quote(name)}")
    output.note(f"Workers do them: {with_database('kie worker')} --out DIR. How far they are: {status}")
