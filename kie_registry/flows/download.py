"""Save results: streamed to a part beside its place, checked, and put in place under a name made by us."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import field, frozen

from kie_registry.addresses import FileSources
from kie_registry.effects import Flow, Keep
from kie_registry.errors import ConfigurationError, KieError, OutputExists, SpecError
from kie_registry.flows.fetch import Download, Renew, url_suffix
from kie_registry.mime import sniff, suffix_of
from kie_registry.parts import Part, sweep
from kie_registry.slugs import choose_slug
from kie_registry.whole_files import place

MAX_BYTES = 2 << 30
"""The most bytes that one file may have, where a caller says nothing else."""

# A model, a task, a number and a suffix have room in the 143 bytes that the strictest file systems take.
_MOST_NAME_BYTES = 60


@frozen
class Saving:
    """Where the files of one task go.

    Attributes:
        urls: The files.
        directory: The directory, made if need be.
        name: The name without suffix, or None for one made of the model and the task.
        overwrite: Whether a file of the same name may be replaced.
        task_id: The id of the task.
        model: The model id, or None where it is not known.
        sources: Where files may be fetched from.
        renew: Makes a new link in place of one that has expired; None where there is no key to do it with.
        max_bytes: The most bytes that one file may have.
        resume: Whether a file of the same name that has the same content is as good as saved.
        saved: The files that an earlier attempt, which failed later, has saved.
    """

    urls: Sequence[str]
    directory: Path
    name: str | None
    overwrite: bool
    task_id: str
    model: str | None
    sources: FileSources = field(factory=FileSources, kw_only=True)
    renew: Renew | None = field(default=None, kw_only=True)
    max_bytes: int = field(default=MAX_BYTES, kw_only=True)
    resume: bool = field(default=False, kw_only=True)
    saved: dict[Any, Any] = field(factory=dict, kw_only=True)

    def target(self, stem: str, suffix: str) -> Path:
        """Return the path for a file; a suffix that its name has already is not doubled."""
        return self.directory / (stem.removesuffix(suffix) + suffix)

    def stem(self, number: int) -> str:
        """Return the name, without suffix, of the file with this number, counted from 1."""
        if self.name is None:
            return f"{_short(self.model or 'kie')}-{_distinct(self.task_id)}-{number}"
        return self.name if len(self.urls) == 1 else f"{self.name}-{number}"

    def kept(self, number: int) -> Path | None:
        """Return a file that was saved before and is as it was then."""
        path, trace = self.saved.get(self._place(number), (None, None))
        return path if path is not None and _trace(path) == trace else None

    def keep(self, number: int, path: Path) -> None:
        """Note that a file is saved."""
        self.saved[self._place(number)] = (path, _trace(path))

    def forget(self) -> None:
        """Forget what was saved: all is, and the next time is another one."""
        for number in range(1, len(self.urls) + 1):
            self.saved.pop(self._place(number), None)

    def _place(self, number: int) -> tuple[Path, str | None, int]:
        return self.directory, self.name, number


def save(saving: Saving) -> Flow[list[Path]]:
    """Save every file and return the paths, in the order of the URLs.

    Raises:
        ConfigurationError: The name or the size is none.
        OutputExists: A file is there already, and may not be replaced.
        ApiError: The server refuses a file, or kie.ai no longer has it.
        TransportError: A download broke off or came damaged, four times, or leads to where it may not.
        KieError: The directory cannot be written, or a file is too large.
    """
    _check(saving)
    paths: list[Path] = []
    for number, url in enumerate(saving.urls, start=1):
        paths.append(saving.kept(number) or (yield from _save_one(saving, number, url)))
        saving.keep(number, paths[-1])
    saving.forget()
    return paths


def check_name(name: str, **fields: Any) -> None:
    """Raise ConfigurationError, with `fields`, where `name` is no file name."""
    wrong = sorted({character for character in name if _safe(f"a{character}a") != f"a{character}a"})
    if wrong or _safe(name) != name:
        found = f", not {' '.join(map(repr, wrong))}" if wrong else ""
        raise ConfigurationError(
            f"name is {name!r}, which is no file name: it takes letters, digits, spaces, dots, dashes and "
            f"underscores{found}",
            **fields,
        )


def _check(saving: Saving) -> None:
    fields: dict[str, Any] = {"task_id": saving.task_id, "model": saving.model, "charged": "yes"}
    if saving.name is not None:
        check_name(saving.name, **fields)
    if isinstance(saving.max_bytes, bool) or not isinstance(saving.max_bytes, int) or saving.max_bytes < 1:
        raise ConfigurationError(f"max_bytes is {saving.max_bytes!r}; it takes a positive integer", **fields)


def _save_one(saving: Saving, number: int, url: str) -> Flow[Path]:
    stem = saving.stem(number)
    try:
        with Part(saving.directory, saving.max_bytes) as part:
            yield Keep(lambda: _open(part, saving.target(stem, url_suffix(url)), saving))
            yield from Download(url, part, saving.sources, saving.renew).run()
            path: Path = yield Keep(lambda: _move_into_place(part, stem, url, saving))
    except KieError as error:
        error.task_id, error.model, error.charged = saving.task_id, saving.model, "yes"
        raise
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise KieError(
            f"{saving.directory} cannot be written: {reason}. The files stay at kie.ai for some days: "
            f"`kie task wait {saving.task_id} --out DIR` saves them elsewhere, and kie.task({saving.task_id!r})"
            ".wait() gives them again.",
            task_id=saving.task_id,
            model=saving.model,
            charged="yes",
        ) from error
    return path


def _open(part: Part, expected: Path, saving: Saving) -> None:
    saving.directory.mkdir(parents=True, exist_ok=True)
    sweep(saving.directory.absolute())
    # Where the suffix will be another one than the URL's, or the file is empty, placing the file finds out.
    if _has_content(expected) and not (saving.overwrite or saving.resume):
        raise OutputExists(str(expected))
    part.open()


def _move_into_place(part: Part, stem: str, url: str, saving: Saving) -> Path:
    suffix = suffix_of(sniff(part.flush())) or url_suffix(url) or suffix_of(part.content_type) or ".bin"
    path = saving.target(stem, suffix)
    part.close()
    try:
        place(part.path, path, fresh=not saving.overwrite)
    except FileExistsError:
        if saving.resume and part.same_as(path):
            return path
        raise OutputExists(str(path)) from None
    return path


def _has_content(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _trace(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _short(model: str) -> str:
    try:
        return _cut(choose_slug(model))
    except SpecError:
        return _cut(_safe(model))


def _distinct(task_id: str) -> str:
    """Return a task id as a part of a file name, which no other task id becomes."""
    safe = _safe(task_id)
    if safe == task_id == _cut(safe):
        return safe
    return f"{_cut(safe)}-{hashlib.sha256(task_id.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


def _cut(name: str) -> str:
    return name.encode()[:_MOST_NAME_BYTES].decode(errors="ignore")


def _safe(name: str) -> str:
    return re.sub(r"[^\w. -]+", "-", name).strip(". ") or "file"
