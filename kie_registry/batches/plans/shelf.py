"""Where a plan is kept while it is made and used: a temporary file on disk, however many jobs there are."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from kie_registry.errors import ConfigurationError

_TABLES = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, line INTEGER, model TEXT, name TEXT, input TEXT
);
CREATE TABLE ids (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;
CREATE TABLE contents (digest TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID;
CREATE TABLE names (name TEXT PRIMARY KEY, said TEXT, line INTEGER, times INTEGER) WITHOUT ROWID;
CREATE TABLE files (path TEXT PRIMARY KEY, mime_type TEXT, size INTEGER, digest TEXT, wrong TEXT) WITHOUT ROWID;
"""
# Nothing of it is needed after a crash: it is all made anew from the manifest.
_QUICK = ("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -16384")


@frozen
class Shelved:
    """One job of a plan.

    Attributes:
        key: By what its batch knows it.
        line: The number of its line.
        model: The model id.
        name: What its files are called, or None.
        input: Its input by native names, as JSON.
    """

    key: str
    line: int
    model: str
    name: str | None
    input: str = field(repr=False)

    @property
    def native_input(self) -> Mapping[str, Any]:
        """Its input by native names."""
        made: Mapping[str, Any] = json.loads(self.input)
        return made


class Shelf:
    """The temporary file of one plan. One thread at a time may use it.

    Raises:
        ConfigurationError: It cannot be made, or written; nothing was sent.
    """

    def __init__(self) -> None:
        try:
            # Without a name, SQLite makes a file that is gone when the process is, however it ends. Where there is
            # an event loop, the plan is made in a thread of its own.
            self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            for pragma in _QUICK:
                self._base.execute(pragma)
            self._base.executescript(_TABLES)
            self._base.execute("BEGIN")
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error

    def close(self) -> None:
        """Remove the file."""
        self._base.close()

    def line_with(self, job_id: str, line: int) -> int | None:
        """Note the id of a line; return the line that has it already, or None."""
        if self._write("INSERT OR IGNORE INTO ids VALUES (?, ?)", job_id, line):
            return None
        (first,) = self._row("SELECT line FROM ids WHERE id = ?", job_id)
        return int(first)

    def times(self, digest: str) -> int:
        """Return how many lines of this content there are by now, the one that asks included."""
        self._write(
            "INSERT INTO contents VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET times = times + 1", digest
        )
        (times,) = self._row("SELECT times FROM contents WHERE digest = ?", digest)
        return int(times)

    def take_name(self, name: str, said: str, line: int) -> tuple[int, int]:
        """Note that a line takes a name.

        Returns:
            The line that has it already and says something else, or 0; and how many lines have it by now that say
            the same.
        """
        taken = (
            "INSERT INTO names VALUES (?, ?, ?, 1) "
            "ON CONFLICT (name) DO UPDATE SET times = times + (said = excluded.said)"
        )
        self._write(taken, _folded(name), said, line)
        other, first, times = self._row("SELECT said, line, times FROM names WHERE name = ?", _folded(name))
        return (0 if other == said else int(first)), int(times)

    def file(self, path: str, look: Callable[[], Sequence[Any]]) -> Sequence[Any]:
        """Return what is known of a file: type, size, digest, and what is wrong; `look` finds it out, once."""
        key = os.fsencode(path)
        known = self._row("SELECT * FROM files WHERE path = ?", key)
        if known is None:
            found = look()
            self._write("INSERT INTO files VALUES (?, ?, ?, ?, ?)", key, *found)
            return found
        return tuple(known[1:])

    def add(self, job: Shelved) -> None:
        """Keep a job, behind those that are there."""
        values = (job.key, job.line, job.model, job.name, job.input)
        self._write("INSERT INTO jobs (key, line, model, name, input) VALUES (?, ?, ?, ?, ?)", *values)

    def find(self, key: str) -> Shelved | None:
        """Return the job with this key."""
        row = self._row(f"{_SELECT} WHERE key = ?", key)
        return None if row is None else Shelved(*row)

    def jobs(self) -> Iterator[Shelved]:
        """Yield every job, in order."""
        try:
            for row in self._base.execute(f"{_SELECT} ORDER BY number"):
                yield Shelved(*row)
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error

    def _write(self, statement: str, *values: Any) -> int:
        try:
            return self._base.execute(statement, values).rowcount
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error

    def _row(self, query: str, *values: Any) -> Any:
        try:
            return self._base.execute(query, values).fetchone()
        except sqlite3.OperationalError as error:
            raise _no_room(error) from error


def _no_room(error: sqlite3.OperationalError) -> ConfigurationError:
    return ConfigurationError(
        f"the plan of the batch cannot be kept in the folder for temporary files: {error}. Make room there, or "
        "name another folder with TMPDIR. Nothing was sent, nothing was spent."
    )


_SELECT = "SELECT key, line, model, name, input FROM jobs"


def _folded(name: str) -> str:
    """Return a name as the least exacting disks tell it from others."""
    return name.casefold()
