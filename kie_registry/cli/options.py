"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

specs_option = click.option(
    "--specs",
    type=click.Path(path_type=Path),
    default=Path("specs"),
    show_default=True,
    help="The vendored specs.",
)
sources_argument = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
