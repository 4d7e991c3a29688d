"""Read a manifest that is a table: a row with names, and then a job in each row.

An empty cell says nothing. A cell that is a JSON list or object means that, but where text is meant; all else is
text, which the model's adapter puts in the form that the model asks for. Several images stand in one cell, with
`` | `` between them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from attrs import define

from kie_registry.batches.manifests import json_text
from kie_registry.batches.manifests.lines import BrokenLine, Line, line_of
from kie_registry.batches.manifests.source import TextLines, UnusableLine
from kie_registry.errors import InvalidRequest, Problem
from kie_registry.wording import clip

_TEXTS = frozenset({"id", "name", "model", "prompt"})
_SEVERAL = frozenset({"image", "images"})
_BETWEEN = " | "
_SEPARATORS = ",;\t"


def read_csv(file: BinaryIO, name: str, defaults: Mapping[str, Any]) -> Iterator[Line | BrokenLine]:
    """Yield the rows of a CSV file, as they are asked for; a row has the number of the line in which it begins.

    Raises:
        InvalidRequest: Its first row does not name the columns.
    """
    rows = _Rows(TextLines(file, name))
    first = rows.next()
    if first is None:
        return
    columns = _columns(name, first)
    while (row := rows.next()) is not None:
        if row.error:
            yield BrokenLine.because(row.number, row.error)
        elif any(row.cells):
            yield _line(row, columns, defaults)


@define
class _Row:
    number: int
    cells: Sequence[str]
    error: str = ""


class _Rows:
    """The rows of a table, numbered."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self._reader: Any = None

    def next(self) -> _Row | None:
        """Return the next row; None behind the last one."""
        self._lines.size = 0
        number = self._lines.number + 1
        try:
            cells = next(self._reader or self._begin())
        except StopIteration:
            return None
        except UnusableLine as error:
            where = "" if self._lines.number == number else f"line {self._lines.number} of this row "
            missing = "" if self._lines.number == number else "; is a quotation mark missing?"
            return _Row(number, (), f"{where}{error}{missing}")
        except csv.Error as error:
            return _Row(number, (), f"is no row of CSV: {error}; is a quotation mark missing, or one too many?")
        return _Row(number, cells)

    def _begin(self) -> Any:
        """Look at the first line, which tells what separates cells: programs in many countries take semicolons."""
        first = next(self._lines)
        separator = max(_SEPARATORS, key=first.count)
        self._reader = csv.reader(_Again(first, self._lines), delimiter=separator, strict=True)
        return self._reader


class _Again:
    """The lines, the first of which was read already."""

    def __init__(self, first: str, lines: TextLines) -> None:
        self._first: str | None = first
        self._lines = lines

    def __iter__(self) -> _Again:
        return self

    def __next__(self) -> str:
        first, self._first = self._first, None
        return next(self._lines) if first is None else first


def _columns(name: str, first: _Row) -> list[str]:
    columns = [column.strip() for column in first.cells]
    twice = sorted({column for column in columns if column and columns.count(column) > 1})
    if first.error:
        wrong = first.error
    elif twice:
        wrong = f"the column {clip(repr(twice[0]))} is there twice"
    elif not any(columns):
        wrong = "the first row must name the columns: model, prompt and what else the model takes"
    else:
        return columns
    raise InvalidRequest([Problem(f"{name}, line {first.number}", wrong)])


def _line(row: _Row, columns: Sequence[str], defaults: Mapping[str, Any]) -> Line | BrokenLine:
    if len(row.cells) != len(columns):
        cells = f"has {len(row.cells)} cells, and the first row names {len(columns)} columns"
        return BrokenLine.because(row.number, f"{cells}; is a quotation mark missing?")
    given: dict[str, Any] = {}
    problems = []
    for column, cell in zip(columns, row.cells, strict=True):
        if not cell:
            continue
        if not column:
            problems.append(Problem("", f"{clip(repr(cell))} stands in a column without a name"))
        try:
            given[column] = _value(column, cell)
        except json_text.DuplicateKey as error:
            problems.append(Problem(column, str(error)))
    return BrokenLine(row.number, tuple(problems)) if problems else line_of(row.number, given, defaults)


def _value(column: str, cell: str) -> Any:
    if column not in _TEXTS and cell.lstrip()[:1] in ("[", "{"):
        try:
            return json_text.parse(cell)
        except json_text.DuplicateKey:
            raise
        except ValueError:
            # Lyrics begin like this, too.
            return cell
    if column in _SEVERAL and _BETWEEN in cell:
        return [part.strip() for part in cell.split(_BETWEEN) if part.strip()]
    return cell
