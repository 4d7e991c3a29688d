"""``results.jsonl``: what came of each job of a batch, one JSON object on each line.

While a batch runs, a line is added for each job that ends; of two lines of one job the later one counts. When it
ends, the file is written anew, in the order of the manifest. All of it comes from the ledger, so nothing is lost
with the file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kie_registry.batches.folders.beginning import WITHDRAWN
from kie_registry.batches.folders.folder import RESULTS, BatchFolder
from kie_registry.batches.plans.identity import id_in
from kie_registry.errors import KieError
from kie_registry.events import logger
from kie_registry.ledger.job import Job
from kie_registry.ledger.pages import pages_of
from kie_registry.ledger.states import State
from kie_registry.whole_files import writing_whole

if TYPE_CHECKING:
    from kie_registry.batches.plans.planning import Plan
    from kie_registry.batches.running.outcomes import Outcome
    from kie_registry.ledger.protocol import Ledger

_OVER = (State.COLLECTED, State.FAILED, State.LOST, State.UNKNOWN)
_SENT = tuple(state for state in State if state != State.PLANNED)
_WITH_REASON = frozenset({State.FAILED, State.LOST, State.UNKNOWN, State.REFUSED})


class ResultsFile:
    """The results of a batch, in its folder.

    Args:
        directory: The folder.
        plan: The plan, which knows the lines; None where there is none.
        name: The name of the file.
    """

    def __init__(self, directory: Path, plan: Plan | None = None, name: str = RESULTS) -> None:
        self._folder = BatchFolder(directory)
        self._directory = directory
        self._path = directory / name
        self._plan = plan
        # Without a plan, by their keys, the lines that the file has named.
        self._numbers: dict[str, int] = {}
        self._file: int | None = None
        self._torn = False
        # Of jobs that are paid and could not be saved, the ledger does not know why.
        self._errors: dict[str, str] = {}

    def begin(self, ledger: Ledger, batch: str) -> None:
        """Write what came of the jobs that have ended before, and let others be added. Blocking.

        Raises:
            KieError: It cannot be written.
            LedgerError: The ledger cannot be read.
        """
        self._write(ledger, batch, _OVER)
        with self._explained():
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))

    def append(self, outcome: Outcome) -> None:
        """Add what came of a job. Where that fails it is logged; `finish` writes it all the same."""
        job = outcome.job
        if outcome.error is not None and job.state not in _WITH_REASON:
            self._errors[job.id] = str(outcome.error)
        line = self._line(job, outcome.paths)
        # The beginning of a line that did not fit, or was cut off, is a line of its own.
        content = b"\n" + line if self._torn else line
        try:
            if self._file is not None:
                self._torn = True
                self._torn = os.write(self._file, content) < len(content)
        except OSError as error:
            logger.warning("%s: job %s could not be added: %s", self._path, job.id, error.strerror)

    def finish(self, ledger: Ledger, batch: str) -> None:
        """Write what came of all jobs, in the order of the manifest. Blocking; raises as `begin`."""
        self.close()
        self._write(ledger, batch, _SENT)

    def renew(self, ledger: Ledger, batch: str) -> None:
        """Write what came of all jobs where there is no plan; what the file alone knows stays. Blocking.

        That is the line of a job, and why a result that is paid could not be saved.

        Raises:
            KieError: It cannot be written.
            LedgerError: The ledger cannot be read.
        """
        self._read()
        self._write(ledger, batch, _SENT)

    def lines(self, ledger: Ledger, batch: str) -> Iterator[str]:
        """Yield the lines that the file would have, in the order of the manifest. Blocking; raises LedgerError."""
        for content in self._in_order(ledger, batch, _SENT):
            yield content.decode().removesuffix("\n")

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _write(self, ledger: Ledger, batch: str, states: Collection[State]) -> None:
        with self._explained(), writing_whole(self._path, fresh=False) as file:
            file.writelines(self._in_order(ledger, batch, states))

    def _in_order(self, ledger: Ledger, batch: str, states: Collection[State]) -> Iterator[bytes]:
        """Yield the lines in the order of the manifest, which may be another than that of the ledger."""
        with contextlib.closing(sqlite3.connect("")) as base:
            base.execute("CREATE TABLE lines (line INTEGER, number INTEGER, content BLOB)")
            for page in pages_of(ledger, batch, states):
                wanted = [job for job in page if job.reason != WITHDRAWN]
                rows = [(self._number(job), job.number, self._line(job)) for job in wanted]
                base.executemany("INSERT INTO lines VALUES (?, ?, ?)", rows)
            for (content,) in base.execute("SELECT content FROM lines ORDER BY line IS NULL, line, number"):
                yield content

    def _read(self) -> None:
        """Keep what stands in the file, as far as it can be made out, and the ledger does not know."""
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            for content in file:
                with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
                    said = json.loads(content)
                    if isinstance(said["line"], int):
                        self._numbers[said["key"]] = said["line"]
                    if isinstance(said["error"], str):
                        self._errors[said["job_id"]] = said["error"]

    def _line(self, job: Job, paths: Sequence[str | os.PathLike[str]] | None = None) -> bytes:
        reason = job.reason if job.state in _WITH_REASON else self._errors.get(job.id)
        if job.state == State.COLLECTED:
            reason = ""
        said = {
            "id": id_in(job.key),
            "key": job.key,
            "line": self._number(job),
            "name": job.name,
            "model": job.model,
            "state": str(job.state),
            "task_id": job.task_id,
            "job_id": job.id,
            "urls": _urls(job.result),
            "paths": [self._relative(os.fspath(path)) for path in paths or job.files],
            "credits": job.credits,
            "seconds": job.seconds,
            "error": reason or None,
        }
        # Paths may hold what is no text, for which JSON has the same escape.
        return (json.dumps(said, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")

    def _number(self, job: Job) -> int | None:
        if self._plan is None:
            return self._numbers.get(job.key or "")
        found = self._plan.find(job.key or "")
        return None if found is None else found.line

    def _relative(self, path: str) -> str:
        if "://" in path:
            return path
        path = self._folder.where(path)
        with contextlib.suppress(ValueError):
            return Path(path).relative_to(self._directory).as_posix()
        return path

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.OperationalError) as error:
            reason = getattr(error, "strerror", None) or error
            raise KieError(
                f"{self._path} cannot be written: {reason}. What came of each job stands in the ledger all the "
                "same; the file is written when the batch is run again, which pays for nothing twice."
            ) from error


def _urls(result: str | None) -> list[str]:
    """Return the addresses of the files in a task's result, whatever else it may be."""
    try:
        data: Any = json.loads(result or "{}")
    except (ValueError, RecursionError):
        return []
    found = data.get("resultUrls") if isinstance(data, dict) else None
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return [url for url in listed if isinstance(url, str)]
