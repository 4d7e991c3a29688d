"""Results: what a finished task gave, and saving it. Nothing is downloaded unless asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from attrs import define, evolve, field, fields as attrs_fields

from kie_registry.addresses import FileSources
from kie_registry.effects import Flow, drive, drive_async
from kie_registry.errors import Charged, ConfigurationError, ResultUnreadable, TaskFailed
from kie_registry.events import logger
from kie_registry.flows.download import MAX_BYTES, Saving, save
from kie_registry.flows.fetch import Renew
from kie_registry.flows.journal import Journal
from kie_registry.http import AsyncHttp, Http
from kie_registry.media import address_problem
from kie_registry.status import FAIL, TaskStatus

# What a pickle leaves behind with the process.
_OWN = frozenset({"_http", "_renew", "_journal", "_saved"})


@define(frozen=True, eq=False)
class BaseResult:
    """What `Result` and `AsyncResult` have in common."""

    task_id: str
    model: str | None
    urls: tuple[str, ...]
    data: Mapping[str, Any] = field(repr=False)
    credits: float | None
    seconds: float | None
    _http: Any = field(repr=False)
    _sources: FileSources = field(repr=False)
    _renew: Renew | None = field(repr=False)
    _journal: Journal | None = field(repr=False)
    _saved: dict[Any, Any] = field(factory=dict, repr=False, init=False)

    @classmethod
    def of(cls, status: TaskStatus, http: Any, renew: Renew | None = None, journal: Journal | None = None) -> Self:
        """Make the result of a task that ended.

        Args:
            status: Its last status.
            http: The client's connections.
            renew: Makes a new link to a file whose own has expired.
            journal: Writes down where the files are, once they are saved.

        Raises:
            TaskFailed: It failed.
            ResultUnreadable: It succeeded, but the result cannot be read.
        """
        if status.state == FAIL:
            raise _failure(status)
        data = _read_result(status)
        urls = _urls(status.task_id, data)
        if not urls and "resultObject" not in data:
            raise _unreadable(status, "its result holds no file and no object")
        return cls(
            status.task_id,
            status.model,
            urls,
            data,
            status.credits,
            status.seconds,
            http,
            http.sources,
            renew,
            journal if journal is not None and journal.kept else None,
        )

    @classmethod
    def like(cls, other: BaseResult, http: Any) -> Self:
        """Return the same result as another one, which is saved through other connections."""
        values = (other.task_id, other.model, other.urls, other.data, other.credits, other.seconds)
        return cls(*values, http, http.sources, other._renew, other._journal)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the result without the connections of its client, and without its key."""
        return {
            field.name: getattr(self, field.name) for field in attrs_fields(type(self)) if field.name not in _OWN
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a result; what it downloads needs no key."""
        for name, value in {**state, **dict.fromkeys(_OWN), "_saved": {}}.items():
            object.__setattr__(self, name, value)

    def saving(
        self,
        directory: str | os.PathLike[str],
        *,
        name: str | None = None,
        overwrite: bool = False,
        max_bytes: int = MAX_BYTES,
        resume: bool = False,
    ) -> Flow[list[Path]]:
        """Save the files, as a flow; as `Result.save`.

        Args:
            directory: Made if need be.
            name: The file name without suffix.
            overwrite: Whether a file of the same name may be replaced.
            max_bytes: The most bytes that one file may have.
            resume: Whether a file of the same name that has the same content is as good as saved.
        """
        where = Saving(
            self.urls,
            _expanded(directory),
            name,
            overwrite,
            self.task_id,
            self.model,
            sources=self._sources,
            renew=self._renew,
            max_bytes=max_bytes,
            # A job of the ledger may have been collected by somebody else meanwhile.
            resume=resume or self._journal is not None,
            saved=self._saved,
        )
        paths = yield from save(where)
        yield from self.recording(paths)
        return paths

    def recording(self, places: Sequence[Path | str]) -> Flow[None]:
        """Write down where the files are, as a flow; `saving` does that by itself."""
        if self._journal is not None:
            yield from self._journal.collected(places)

    def unrecorded(self) -> Self:
        """Return the same result, of which nobody writes down where it is saved."""
        return evolve(self, journal=None)


class Result(BaseResult):
    """What a finished task gave.

    Attributes:
        task_id: The id of the task.
        model: The model id, or None where kie.ai's record does not say.
        urls: Where the files are, for up to 14 days; empty for results that are no files.
        data: The whole result, with all that the model gives besides ``resultUrls``.
        credits: The credits consumed, or None where kie.ai does not say.
        seconds: From creation to completion, by kie.ai's clock, or None.
    """

    def save(
        self,
        directory: str | os.PathLike[str] = ".",
        *,
        name: str | None = None,
        overwrite: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> list[Path]:
        """Download the files into `directory` and return their paths.

        Each is whole or not there at all. What broke off is resumed, what came damaged is fetched again,
        and links that have expired are renewed. After an error the call may be repeated: files that were
        saved by then are not in its way.

        Args:
            directory: Made if need be.
            name: The file name without suffix; several files get ``-1``, ``-2``. By default it is made of
                the model and the task.
            overwrite: Whether a file of the same name may be replaced.
            max_bytes: The most bytes that one file may have; by default 2 GiB.

        Raises:
            OutputExists: A file is there already; nothing is replaced unless told.
            ApiError: The server refuses a file, or kie.ai no longer has it.
            TransportError: A download broke off or came damaged, four times, or its address is not public.
            KieError: The directory cannot be written, or a file is too large.
        """
        flow = self.saving(directory, name=name, overwrite=overwrite, max_bytes=max_bytes)
        return drive(flow, self._http or Http.detached())


class AsyncResult(BaseResult):
    """What a finished task gave, for `AsyncKie`: as `Result`, with `save` to be awaited."""

    async def save(
        self,
        directory: str | os.PathLike[str] = ".",
        *,
        name: str | None = None,
        overwrite: bool = False,
        max_bytes: int = MAX_BYTES,
    ) -> list[Path]:
        """Download the files into `directory` and return their paths; as `Result.save`."""
        flow = self.saving(directory, name=name, overwrite=overwrite, max_bytes=max_bytes)
        return await drive_async(flow, self._http or AsyncHttp.detached())


def _expanded(directory: str | os.PathLike[str]) -> Path:
    try:
        return Path(directory).expanduser()
    except RuntimeError as error:
        raise ConfigurationError(f"the directory {os.fspath(directory)!r}: {error}") from None


def _read_result(status: TaskStatus) -> Mapping[str, Any]:
    if status.result_json is None:
        raise _unreadable(status, "its record holds no result")
    try:
        data = json.loads(status.result_json)
    except (ValueError, RecursionError):
        raise _unreadable(status, "its result is no JSON") from None
    if not isinstance(data, dict):
        raise _unreadable(status, "its result is no JSON object")
    return data


def _urls(task_id: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    found = data.get("resultUrls")
    listed = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    usable = tuple(url for url in listed if isinstance(url, str) and address_problem(url) is None)
    if len(usable) < len(listed):
        logger.warning("task %s: %d of %d result URLs are none", task_id, len(listed) - len(usable), len(listed))
    return usable


def _unreadable(status: TaskStatus, reason: str) -> ResultUnreadable:
    return ResultUnreadable(
        f"Task {status.task_id} succeeded, but {reason}. What came stands in the error's `raw`.",
        raw=status.result_json,
        task_id=status.task_id,
        model=status.model,
        charged="no" if status.credits == 0 else "yes",
    )


def _failure(status: TaskStatus) -> TaskFailed:
    charged: Charged = "maybe" if status.credits is None else "yes" if status.credits > 0 else "no"
    said = {
        "no": "No credits were spent.",
        "yes": f"{status.credits:g} credits were spent." if status.credits is not None else "",
        "maybe": "kie.ai does not say whether credits were spent.",
    }[charged]
    return TaskFailed(
        f"Task {status.task_id} failed (code {status.fail_code or 'none'}): "
        f"{(status.fail_message or 'no reason given').rstrip('.')}. {said}",
        fail_code=status.fail_code,
        fail_message=status.fail_message,
        code=status.fail_code,
        task_id=status.task_id,
        model=status.model,
        charged=charged,
    )
