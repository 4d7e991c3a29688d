"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class _Directory(click.Path):
    """A directory to save in; no shell puts the user's own in the place of ``~`` in ``--out=~/x``."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            expanded = Path(value).expanduser()
        except RuntimeError as error:
            self.fail(f"{str(value)!r}: {error}", param, ctx)
        return super().convert(expanded, param, ctx)


DIRECTORY = _Directory()

specs_option = click.option(
    "--specs",
    type=click.Path(path_type=Path),
    default=Path("specs"),
    show_default=True,
    help="The vendored specs.",
)
sources_argument = click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
