"""How a job becomes a row of a database, and a row a job."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from attrs import fields

from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

COLUMNS = tuple(field.name for field in fields(Job) if field.name != "number")
"""The columns that are written; ``rowid``, the number of a job, is the database's own."""

SELECT = f"SELECT rowid AS number, {', '.join(COLUMNS)} FROM jobs"  # noqa: S608
"""Gives rows as `Rows.job` takes them, by their places alone."""

INSERT = (
    f"INSERT INTO jobs ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "  # noqa: S608
    "ON CONFLICT DO NOTHING"
)

_NAMES = ("number", *COLUMNS)
_ID, _STATE, _OWNER = (_NAMES.index(name) for name in ("id", "state", "owner"))
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NO_FILES = "[]"
_all = operator.attrgetter(*COLUMNS)
_encode = json.JSONEncoder(ensure_ascii=False).encode


def among(states: Collection[State]) -> str:
    """Return the condition that a job is in one of these states, always in the same words."""
    return f"state IN ({', '.join(repr(str(state)) for state in State if state in states)})"


class Rows:
    """Writes jobs as the columns of a row, and reads them; for SQLite, unless a method is overridden."""

    def text(self, value: str) -> Any:
        """Return text as the database keeps it.

        Names of files, and words of the server, may hold surrogates, of which SQLite makes no text.
        """
        return value if value.isascii() or not _SURROGATE.search(value) else value.encode("utf-8", "surrogatepass")

    def restored(self, row: Iterable[Any]) -> Iterable[Any]:
        """Return the columns of a row with all text as it was given."""
        return [value.decode("utf-8", "surrogatepass") if type(value) is bytes else value for value in row]

    def column(self, value: Any) -> Any:
        """Return one value of a job as a column; containers as JSON."""
        if value is None or isinstance(value, (int, float)):
            return value
        return self.text(value if isinstance(value, str) else _to_json(value))

    def columns(self, job: Job) -> list[Any]:
        """Return all columns of a new row."""
        column = self.column
        values = [value if value is None else column(value) for value in _all(job)]
        values[_STATE - 1] = job.state.value
        return values

    def planned(self, job: Job) -> list[Any]:
        """Return the columns of a job that is planned, and nobody's."""
        values = self.columns(job)
        values[_STATE - 1], values[_OWNER - 1] = State.PLANNED.value, None
        return values

    def job(self, row: Sequence[Any], **others: Any) -> Job:
        """Return the job that a row describes, with some fields set to something else.

        Raises:
            ValueError: The row is damaged; the message says which, and how.
        """
        try:
            values = dict(zip(_NAMES, self.restored(row), strict=True))
            values["state"] = State(values["state"])
            values["input"] = None if values["input"] is None else json.loads(values["input"])
            values["files"] = () if values["files"] == _NO_FILES else tuple(json.loads(values["files"]))
            values.update(others)
            return Job(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f"what it says of job {row[_ID]} cannot be read ({error})") from error


def _to_json(value: Any) -> str:
    return _NO_FILES if value == () else _encode(value)
