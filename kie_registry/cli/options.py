"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from kie_registry.ledger.postgres_address import is_address


class _OwnPath(click.Path):
    """A path that may begin with ``~``, for the user's own directory: no shell expands that in ``--out=~/x``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            expanded = Path(value).expanduser()
        except RuntimeError as error:
            self.fail(f"{str(value)!r}: {error}", param, ctx)
        return super().convert(expanded, param, ctx)


class _Ledger(_OwnPath):
    """The file of a ledger, or the address of a PostgreSQL database."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value if is_address(value) else super().convert(value, param, ctx)


DIRECTORY = _OwnPath(file_okay=False, path_type=Path)
INPUT_FILE = _OwnPath(dir_okay=False, path_type=Path)
LEDGER_FILE = _Ledger(dir_okay=False, path_type=Path)
LEDGER_HELP = "The ledger: a file, or postgresql://...  [default: KIE_LEDGER, or the one in KIE_HOME]"
# Whoever looks for what was submitted, and mistypes the name, must not be told that there is nothing.
ledger_option = click.option(
    "--ledger",
    type=_Ledger(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=LEDGER_HELP,
)

specs_option = click.option(
    "--specs",
    type=click.Path(path_type=Path),
    default=Path("specs"),
    show_default=True,
    help="The vendored specs.",
)
sources_argument = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
