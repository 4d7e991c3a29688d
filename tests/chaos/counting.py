"""What came of a run: counted at the server, in the ledger, and on the disk."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Protocol

from attrs import frozen
from PIL import Image

from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.parts import sweep
from kie_registry.sandbox import Sandbox
from kie_registry.sandbox.recording import RecordedRequest
from kie_registry.sandbox.tasks import Task
from tests.chaos.plan import number_in

_LONG_AGO = 1_000_000_000.0


class Run(Protocol):
    """A run whose figures can be counted; see `tests.chaos.harness.Chaos`."""

    box: Sandbox
    ledger: SqliteLedger
    pictures: Path
    handed_out: set[int]
    kills: int
    mishaps: list[str]
    requests: list[RecordedRequest]


@frozen
class Report:
    """What came of a run.

    Attributes:
        figures: The figures, by what they count.
        problems: Everything that must not be.
    """

    figures: Mapping[str, int]
    problems: Sequence[str]

    def table(self) -> str:
        """Return the figures as a table in Markdown."""
        rows = [f"| {what} | {number:,} |" for what, number in self.figures.items()]
        return "\n".join(["| measure | number |", "|---|---|", *rows])


class Count:
    """The figures of a run that has ended.

    Args:
        chaos: The run.
    """

    def __init__(self, chaos: Run) -> None:
        self._chaos = chaos
        self._box = chaos.box
        with closing(chaos.ledger) as ledger:
            self._jobs = ledger.jobs()
        self._tasks = chaos.box.tasks
        self._by_task = {job.task_id: job for job in self._jobs if job.task_id is not None}
        self._unknown = {number_of(job) for job in self._jobs if job.state == State.UNKNOWN}

    def report(self) -> Report:
        """Return what came of the run."""
        return Report(self._figures(), list(self._problems()))

    def _figures(self) -> dict[str, int]:
        creates = self._creates()
        lost = sum(request.code is None or request.code == 500 for request in creates)
        return {
            "jobs handed out": len(self._chaos.handed_out),
            "processes killed": self._chaos.kills,
            "createTask requests": len(creates),
            "of them answered 429": sum(request.code == 429 for request in creates),
            "of them not answered, or not readably": lost,
            "tasks accepted": len(self._tasks),
            "jobs with two tasks": len(self._paid_twice()),
            "tasks that the ledger does not know": len(self._lost()),
            "jobs left `unknown`": len(self._unknown),
            "of them accepted, without a callback": sum(task.callback_url is None for task in self._hidden()),
            "of them accepted, with a callback": sum(task.callback_url is not None for task in self._hidden()),
            "successful tasks that the ledger knows": len(self._successful()),
            "files on the disk that are theirs, whole": sum(map(self._is_saved, self._successful())),
        }

    def _problems(self) -> Iterator[str]:
        yield from self._chaos.mishaps
        yield from (f"job {number} was paid twice" for number in self._paid_twice())
        yield from (f"task {task.id} (job {_number(task)}) is lost" for task in self._lost())
        yield from self._wrong_jobs()
        yield from self._wrong_rows()
        yield from self._wrong_files()
        yield from self._wrong_limits()
        yield from self._damaged_databases()
        yield from self._unsettled()

    def _paid_twice(self) -> list[int]:
        """Return the jobs of which the server has more than one task."""
        return [number for number, tasks in Counter(map(_number, self._tasks)).items() if tasks > 1]

    def _lost(self) -> list[Task]:
        """Return the tasks of which the ledger neither knows the id, nor that there may be one."""
        return [
            task for task in self._tasks if task.id not in self._by_task and _number(task) not in self._unknown
        ]

    def _hidden(self) -> list[Task]:
        """Return the tasks of which the ledger only knows that there may be one."""
        return [task for task in self._tasks if task.id not in self._by_task and _number(task) in self._unknown]

    def _successful(self) -> list[Task]:
        return [task for task in self._tasks if task.state == "success" and task.id in self._by_task]

    def _is_saved(self, task: Task) -> bool:
        """Whether the files that the ledger names are the task's one file, and it can be decoded."""
        hosted = self._box._service.hosting.open(f"results/{task.id}-1.png")
        files = self._by_task[task.id].files
        if hosted is None or len(files) != 1 or not is_whole(Path(files[0])):
            return False
        return Path(files[0]).read_bytes() == hosted.path.read_bytes()

    def _wrong_jobs(self) -> Iterator[str]:
        asked = Counter(map(number_of, self._jobs))
        yield from (
            f"job {number} stands {rows} times in the ledger" for number, rows in asked.items() if rows > 1
        )
        yield from (f"job {number} was never handed out" for number in asked.keys() - self._chaos.handed_out)

    def _wrong_rows(self) -> Iterator[str]:
        tasks = {task.id: task for task in self._tasks}
        for job in self._jobs:
            if job.owner is not None:
                yield f"{_name(job)} belongs to a process that has ended"
            task = None if job.task_id is None else tasks.get(job.task_id)
            if task is None:
                if job.task_id is not None or job.state not in (State.UNKNOWN, State.REFUSED):
                    yield f"{_name(job)} has no task at the server"
            elif _number(task) != number_of(job):
                yield f"{_name(job)} has the task of job {_number(task)}"
            elif job.state != (State.COLLECTED if task.state == "success" else State.FAILED):
                yield f"{_name(job)} has a task that ended with {task.state}"

    def _wrong_files(self) -> Iterator[str]:
        named = Counter(Path(path) for job in self._jobs for path in job.files)
        found = set(self._files())
        yield from (f"{path.name} is the file of {jobs} jobs" for path, jobs in named.items() if jobs > 1)
        yield from (f"{path.name} is missing" for path in named.keys() - found)
        yield from (f"{path.name} is no job's file" for path in found - named.keys())
        wrong = (task for task in self._successful() if not self._is_saved(task))
        yield from (f"the file of {task.id} (job {_number(task)}) is not what the server has" for task in wrong)
        yield from self._left_parts()

    def _left_parts(self) -> Iterator[str]:
        """Let ten minutes pass for what killed processes left, and have it swept."""
        for path in filter(self._is_left, self._chaos.pictures.iterdir()):
            os.utime(path, (_LONG_AGO, _LONG_AGO))
        sweep(self._chaos.pictures)
        yield from (f"{path.name} is left" for path in self._chaos.pictures.iterdir() if self._is_left(path))

    def _is_left(self, path: Path) -> bool:
        return path.name.startswith(".")

    def _wrong_limits(self) -> Iterator[str]:
        # Scripted refusals have their code as their status too.
        over = sum(request.status == 200 and request.code == 429 for request in self._creates())
        if over:
            yield f"the server had to refuse {over} createTasks over its limit"

    def _damaged_databases(self) -> Iterator[str]:
        for path in self._chaos.ledger.path.parent.glob("*.sqlite3*"):
            if path.is_file() and path.read_bytes()[:6] == b"SQLite":
                with closing(sqlite3.connect(path)) as connection:
                    (said,) = connection.execute("PRAGMA integrity_check").fetchone()
                if said != "ok":
                    yield f"{path.name}: {said}"

    def _unsettled(self) -> Iterator[str]:
        """Yield the jobs that are unknown, though the callback of their task was looked at."""
        answers = {callback.task_id: set(callback.statuses) for callback in self._box.callbacks}
        for task in self._hidden():
            if came := answers.get(task.id, set()) - {None, 503}:
                yield f"job {_number(task)} is unknown, although the callback of its task was answered {came}"

    def _creates(self) -> list[RecordedRequest]:
        return [request for request in self._chaos.requests if request.path.endswith("/createTask")]

    def _files(self) -> list[Path]:
        return [path for path in self._chaos.pictures.iterdir() if not path.name.startswith(".")]


def number_of(job: Job) -> int:
    """Return the number of a job of the ledger."""
    return number_in((job.input or {})["prompt"])


def is_whole(path: Path) -> bool:
    """Whether a file is a picture that can be decoded to its end."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError):
        return False
    return True


def _number(task: Task) -> int:
    return number_in(task.input["prompt"])


def _name(job: Job) -> str:
    return f"job {number_of(job)} ({job.state}, task {job.task_id})"
