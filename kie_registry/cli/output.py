"""What commands print: results on stdout, all else on stderr; plain when piped, one document with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kie_registry.errors import ApiError, InvalidRequest, KieError
from kie_registry.wording import CONTROLS

if TYPE_CHECKING:
    from kie_registry.results import BaseResult, Result


class _Mode:
    """Whether the running command prints JSON; one process runs one command."""

    as_json = False


def _set_json(_context: click.Context, _parameter: click.Parameter, value: bool) -> bool:  # noqa: FBT001
    _Mode.as_json = value
    return value


def json_flag() -> click.Option:
    """Return the option that every command with a result has."""
    return click.Option(
        ["--json", "as_json"],
        is_flag=True,
        is_eager=True,
        callback=_set_json,
        help="Print one JSON document, and nothing else, on stdout.",
    )


Command = TypeVar("Command", bound=click.Command)


def with_json(command: Command) -> Command:
    """Give a command the option ``--json``; the function behind it takes ``as_json``."""
    command.params.append(json_flag())
    return command


def visible(text: str) -> str:
    """Return `text` with a terminal's control characters written out, as in JSON; lines and tabs stay."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def as_text(value: Any) -> str:
    """Return a value of a parameter as it is written on the command line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def show(text: str, *, start: str = "", colour: str | None = None, bold: bool | None = None) -> None:
    """Print a result, after a `start` that is coloured or bold on a terminal."""
    click.echo(click.style(visible(start), fg=colour, bold=bold) + visible(text) if start else visible(text))


def show_json(data: Any) -> None:
    """Print the one JSON document."""
    # json leaves some of the controls; where it does, they stand in strings, and are written as it writes others.
    show(json.dumps(data, ensure_ascii=False, indent=2, default=str))


def note(text: str) -> None:
    """Print a diagnostic."""
    click.echo(visible(text), err=True)


def fail(text: str) -> None:
    """Print an error."""
    click.echo(click.style("Error: ", fg="red", bold=True) + visible(text), err=True)


def print_error_as_json(error: KieError) -> None:
    """Print `error` as the one JSON document, where the command was asked for one."""
    if not _Mode.as_json:
        return
    data: dict[str, Any] = {
        "type": type(error).__name__,
        "message": str(error),
        "model": error.model,
        "task_id": error.task_id,
        "job_id": error.job_id,
        "code": error.code,
        "retryable": error.retryable,
        "charged": error.charged,
    }
    if isinstance(error, InvalidRequest):
        data["problems"] = [
            {"parameter": problem.parameter, "native": problem.native, "message": problem.message}
            for problem in error.problems
        ]
    if isinstance(error, ApiError):
        data |= {"status": error.status, "server_message": error.server_message}
    show_json({"error": data})


def show_result(result: Result, paths: Sequence[Path], *, as_json: bool) -> None:
    """Print what a task gave: the paths of its files, or its data where it gave none."""
    if as_json:
        show_json(
            {
                "task_id": result.task_id,
                "model": result.model,
                "paths": [str(path) for path in paths],
                "urls": list(result.urls),
                "data": dict(result.data),
                "credits": result.credits,
                "seconds": result.seconds,
            }
        )
        return
    show_files(paths, result)


def show_files(paths: Sequence[Path], result: BaseResult | None) -> None:
    """Print the paths of a task's files, or its data where it gave none."""
    for path in paths:
        show(str(path))
    if not paths and result is not None:
        show(json.dumps(dict(result.data), ensure_ascii=False, indent=2))


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, in plain aligned columns when piped; a row is a line."""
    rows = [[_in_a_line(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _drawn_table(headings, rows)
        return
    widths = [max(len(cell) for cell in column) for column in zip(*([headings, *rows]), strict=True)]
    for row in [headings, *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        show("  ".join(cells).rstrip())


def _in_a_line(cell: str) -> str:
    return visible(cell).replace("\n", "\\n").replace("\t", "\\t")


def _drawn_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(*headings, box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for row in rows:
        drawn.add_row(*row)
    # Brackets and colons in a cell are its own, and no markup.
    Console(markup=False, emoji=False).print(drawn)
