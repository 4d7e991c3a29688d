"""`kie specs`: vendor documentation pages, and generate the low-level clients; for a checkout of the project."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from kie_registry.cli import output
from kie_registry.cli.options import specs_option
from kie_registry.cli.spec_add import add_specs
from kie_registry.cli.spec_changes import check_specs, diff_pages


@click.group()
def specs_command() -> None:
    """Vendor specs and generate their low-level clients."""


specs_command.add_command(add_specs)
specs_command.add_command(diff_pages)
specs_command.add_command(check_specs)


@specs_command.command("vendor")
@click.argument("pages", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PAGE...")
@specs_option
def vendor_pages(pages: tuple[Path, ...], specs: Path) -> None:
    """Vendor the OpenAPI documents in PAGES, byte for byte, with their provenance."""
    from kie_registry.specs.vendor import vendor

    for page in pages:
        for slug in vendor(page, specs, today=datetime.datetime.now(tz=datetime.UTC).date()):
            output.show(str(specs / f"{slug}.yaml"))


@specs_command.command("generate")
@specs_option
@click.option(
    "--package",
    type=click.Path(path_type=Path),
    default=Path("generated/kie_generated"),
    show_default=True,
    help="The package to write.",
)
@click.option("--all", "everything", is_flag=True, help="Generate unchanged specs as well.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if anything is out of step.")
def generate_clients(specs: Path, package: Path, *, everything: bool, only_check: bool) -> None:
    """Generate the low-level clients of all vendored specs that changed."""
    from kie_registry.specs import codegen

    if only_check:
        if different := codegen.check(specs, package):
            names = "\n  ".join(different)
            raise click.ClickException(
                f"{package} is out of step with {specs}; `make generate` mends it:\n  {names}"
            )
        output.show(f"{package} is in step with {specs}")
        return
    written = codegen.generate(specs, package, everything=everything)
    output.show(f"generated: {', '.join(written)}" if written else "nothing changed")
