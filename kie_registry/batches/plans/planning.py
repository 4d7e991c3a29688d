"""Check all the jobs of a batch before one of them is sent, and keep what is to be sent in a plan."""

from __future__ import annotations

import functools
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import evolve, frozen

from kie_registry.adapter import Adapter
from kie_registry.batches.manifests.lines import BrokenLine, Line
from kie_registry.batches.plans.identity import digest_of, key_of_content, key_of_id
from kie_registry.batches.plans.shelf import Shelf, Shelved
from kie_registry.binding import Bound, bind, file_problems, problem_of
from kie_registry.errors import ConfigurationError, InvalidRequest, PluginError, Problem, UnknownModel
from kie_registry.file_addresses import to_address
from kie_registry.flows.download import check_name
from kie_registry.ledger.job import Job
from kie_registry.media import LocalFile, UnusableMedia, inspect
from kie_registry.registry import Registry
from kie_registry.slots import MediaSlot
from kie_registry.wording import clip, writable

SHOWN = 100
"""The most problems that are told of one batch; of the others only how many they are."""

PORTION = 1000
"""The jobs that are written down at once."""

_MOST_NAME_BYTES = 120


@frozen
class Skipped:
    """What was left out of a plan because it is wrong.

    Attributes:
        lines: How many lines.
        problems: What is wrong with them, the first 100.
        more: How many more problems there are.
    """

    lines: int = 0
    problems: tuple[Problem, ...] = ()
    more: int = 0


class Plan:
    """The jobs of a batch, checked, in order, in a temporary file; a context manager that removes it.

    One thread at a time may use it.

    Attributes:
        skipped: What was left out.
    """

    def __init__(self, shelf: Shelf, length: int, skipped: Skipped) -> None:
        self.skipped = skipped
        self._shelf = shelf
        self._length = length

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._shelf.close()

    def __len__(self) -> int:
        """Return how many jobs there are."""
        return self._length

    def __iter__(self) -> Iterator[Shelved]:
        """Iterate over the jobs, in order."""
        return self._shelf.jobs()

    def find(self, key: str) -> Shelved | None:
        """Return the job with this key, or None."""
        return self._shelf.find(key)

    def portions(
        self, batch: str, *, account: str, directory: str | None, callback_url: str | None = None
    ) -> Iterator[list[Job]]:
        """Yield the jobs in order, in portions, as they are written down in a ledger.

        Args:
            batch: The id of the batch.
            account: Whose jobs they are; empty for those that any account may send.
            directory: Where their files are to go, or None.
            callback_url: Where kie.ai posts the record of each task that ends, or None.
        """
        jobs = iter(self)
        while portion := list(itertools.islice(jobs, PORTION)):
            yield [
                Job(
                    account=account,
                    model=job.model,
                    input=job.native_input,
                    callback_url=callback_url,
                    directory=directory,
                    name=job.name,
                    batch=batch,
                    key=job.key,
                )
                for job in portion
            ]


def check(
    lines: Iterable[Line | BrokenLine],
    registry: Registry,
    *,
    base: Path,
    skip_invalid: bool = False,
    unit: str = "line",
) -> Plan:
    """Check every line, look into every local file, and return the plan. Blocking.

    A local file stands in the plan as its address, ``file:///photos/cat.jpg#sha256=...``.

    Args:
        lines: The lines.
        registry: The models.
        base: Where relative paths begin: the folder of the manifest.
        skip_invalid: Whether wrong lines are left out, instead of keeping all from being sent.
        unit: What to call a line in messages.

    Raises:
        InvalidRequest: Something is wrong; all of it is told, with the line of each problem first.
        ConfigurationError: There is no room for the plan.
    """
    shelf = Shelf()
    try:
        checker = _Checker(registry, Path(os.path.abspath(base)), shelf, unit)  # noqa: PTH100  (keeps links)
        for line in lines:
            checker.check(line)
        skipped = checker.skipped()
        if skipped.lines and not skip_invalid:
            raise InvalidRequest(skipped.problems, more=skipped.more)
        return Plan(shelf, checker.planned, skipped)
    except BaseException:
        shelf.close()
        raise


class _Checker:
    """Checks lines one after the other, and keeps those that are right."""

    def __init__(self, registry: Registry, base: Path, shelf: Shelf, unit: str) -> None:
        self.planned = 0
        self._registry = registry
        self._base = base
        self._shelf = shelf
        self._unit = unit
        self._wrong_lines = self._count = 0
        self._problems: list[Problem] = []
        # A model that nobody knows is looked for among all names, which takes its time.
        self._model = functools.lru_cache(1000)(self._find)

    def check(self, line: Line | BrokenLine) -> None:
        problems = list(line.problems) if isinstance(line, BrokenLine) else self._plan(line)
        if not problems:
            self.planned += 1
            return
        self._wrong_lines += 1
        self._count += len(problems)
        room = SHOWN - len(self._problems)
        self._problems.extend(self._placed(problem, line.number) for problem in problems[:room])

    def skipped(self) -> Skipped:
        return Skipped(self._wrong_lines, tuple(self._problems), self._count - len(self._problems))

    def _placed(self, problem: Problem, number: int) -> Problem:
        where = f"{self._unit} {number}"
        return evolve(problem, parameter=f"{where}, {problem.parameter}" if problem.parameter else where)

    def _plan(self, line: Line) -> list[Problem]:
        """Keep a line in the plan, or return what is wrong with it."""
        problems = []
        if line.id is not None and (first := self._shelf.line_with(line.id, line.number)) is not None:
            problems.append(Problem("id", f"{clip(repr(line.id))} is the id of {self._unit} {first} too"))
        model = self._model(line.model)
        if isinstance(model, Problem):
            return [*problems, model]
        bound = bind(model, line.parameters)
        problems += bound.problems
        contents = self._look_into_files(bound, problems)
        if line.name is not None and (wrong := _no_file_name(line.name)):
            problems.append(Problem("name", wrong))
        return problems or self._keep(line, bound, contents)

    def _keep(self, line: Line, bound: Bound, contents: Iterable[tuple[MediaSlot, str, str]]) -> list[Problem]:
        model = bound.adapter.contract.id
        contents = list(contents)
        for slot, _, digest in contents:
            bound.put(slot, digest)
        # A default that another edition of the page changes makes no other job of a line that has not changed.
        digest = digest_of(model, {name: value for name, value in bound.input.items() if name not in bound.filled})
        for slot, address, _ in contents:
            bound.put(slot, address)
        name = self._name(line, digest)
        if isinstance(name, Problem):
            return [name]
        key = key_of_id(line.id) if line.id else key_of_content(digest, self._shelf.times(digest))
        text = json.dumps(bound.input, ensure_ascii=False)
        self._shelf.add(Shelved(key, line.number, model, name, text))
        return []

    def _name(self, line: Line, digest: str) -> str | Problem | None:
        """Return what the files of a line are called: equal lines of one name get numbers behind it."""
        # Two ids are two jobs, whatever they say.
        said = f"{digest} {line.id or ''}"
        if (name := line.name) is None:
            fits = line.id is not None and not _no_file_name(line.id)
            free = line.id is not None and fits and not self._shelf.take_name(line.id, said, line.number)[0]
            return line.id if free else None
        first, times = self._shelf.take_name(name, said, line.number)
        if not first and times > 1:
            name = f"{name}-{times}"
            first, _ = self._shelf.take_name(name, f"{said} {times}", line.number)
        return self._taken(name, first) if first else name

    def _taken(self, name: str, first: int) -> Problem:
        return Problem("name", f"{clip(repr(name))} is what the files of {self._unit} {first} are called too")

    def _find(self, name: str) -> type[Adapter] | Problem:
        try:
            return self._registry.get(name)
        except UnknownModel as error:
            return Problem("model", error.problems[0].message)
        except PluginError as error:
            return Problem("model", str(error))

    def _look_into_files(self, bound: Bound, problems: list[Problem]) -> list[tuple[MediaSlot, str, str]]:
        """Return each place of a local file with its address and what stands for its content."""
        contents = []
        for slot in bound.slots:
            try:
                file, path = self._file(slot)
            except UnusableMedia as error:
                problems.append(problem_of(bound.adapter, slot.native, str(error)))
                continue
            limits = bound.adapter.contract.media[slot.path]
            problems += [problem_of(bound.adapter, slot.native, wrong) for wrong in file_problems(limits, file)]
            contents.append((slot, to_address(path, file.digest), f"sha256:{file.digest}"))
        return contents

    def _file(self, slot: MediaSlot) -> tuple[LocalFile, Path]:
        if not isinstance(slot.source, (str, os.PathLike)):
            takes = "a batch takes paths and URLs, which can be read again when it goes on"
            raise UnusableMedia(f"{slot.label} is {type(slot.source).__name__}; {takes}")
        try:
            path = self._base / Path(slot.source).expanduser()
            os.fsencode(path)
        except (RuntimeError, TypeError, UnicodeError) as error:
            raise UnusableMedia(f"{clip(repr(slot.source))} cannot be read: {error}") from None
        kind, size, digest, wrong = self._shelf.file(str(path), lambda: _look(path))
        if wrong:
            raise UnusableMedia(wrong)
        return LocalFile(str(path), kind, size, digest, lambda: path.open("rb")), path


def _look(path: Path) -> tuple[str | None, int, str, str]:
    """Return a file's type, size and digest, and what is wrong with it."""
    try:
        file = inspect(path)
    except UnusableMedia as error:
        return None, 0, "", writable(str(error))
    return file.mime_type, file.size, file.digest, ""


def _no_file_name(name: str) -> str | None:
    """Say why a name is none that files can have; None where it is one."""
    try:
        check_name(name)
    except ConfigurationError as error:
        return f"{clip(repr(name))} {str(error).partition(', which ')[2]}"
    if len(name.encode()) > _MOST_NAME_BYTES:
        return f"has {len(name.encode())} bytes; at most {_MOST_NAME_BYTES} are allowed"
    return None
