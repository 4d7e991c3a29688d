"""Where files of a batch go, and where its inputs lie: a folder of this machine, or any file system of fsspec."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from kie_registry.batches.running.file_systems import opened, reason_of
from kie_registry.batches.running.saving import Saver
from kie_registry.effects import Flow, Keep, Run
from kie_registry.errors import ConfigurationError, KieError, OutputExists
from kie_registry.file_addresses import is_local, path_of
from kie_registry.ledger.job import Job
from kie_registry.ledger.postgres_address import shown
from kie_registry.media import LocalFile
from kie_registry.results import BaseResult
from kie_registry.whole_files import writing_whole

_CHUNK = 1 << 20
_OF_THE_ID = 8

# What these are given is there whole or not at all. Everywhere else a file is moved to its place when it is whole.
_WHOLE = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"})


class Target(Saver, ABC):
    """A place for files, to which jobs save theirs.

    A file of another content is never replaced: what was to have its name gets another, made of the job's id, or
    of the model and the task.

    Attributes:
        address: What it is called in messages: a path, or a URL without a password.
    """

    address: str

    @staticmethod
    def of(text: str | os.PathLike[str]) -> Target:
        """Return the target that a path or a URL names, such as ``pictures`` or ``s3://bucket/pictures``.

        Nothing is made or asked for yet.

        Raises:
            ConfigurationError: It names none, or the package that knows such URLs is not installed.
        """
        given = os.fspath(text)
        if is_local(given):
            given = str(path_of(given))
        if "://" in given:
            return _Remote(given)
        if not given.strip() or "\0" in given:
            raise ConfigurationError(f"{given!r} is no place for files; name a folder, or a URL such as s3://...")
        return _Folder(given)

    @abstractmethod
    def check(self) -> None:
        """Write a small file there and remove it again, before anything is spent. Blocking.

        Raises:
            KieError: Nothing can be written there.
        """

    @abstractmethod
    def share(self, file: LocalFile) -> str:
        """Copy a file there under the digest of its content, once, and return its URL. Blocking.

        Raises:
            KieError: It cannot be read, or not be written there.
        """


class _Folder(Target):
    """A folder of this machine, or one that is mounted there.

    Args:
        path: Its path; the folder is made if need be.
    """

    def __init__(self, path: str) -> None:
        try:
            self._path = Path(path).expanduser().absolute()
        except RuntimeError as error:
            raise ConfigurationError(f"the folder {path!r}: {error}") from None
        super().__init__(self._path)
        self.address = str(self._path)

    def check(self) -> None:
        with self._explained():
            self._path.mkdir(parents=True, exist_ok=True)
            probe = self._path / _partial("check")
            probe.write_bytes(b"")
            probe.unlink()

    def share(self, file: LocalFile) -> str:
        with self._explained():
            path = self._path / (file.digest + file.suffix)
            if not (path.exists() and path.stat().st_size == file.size):
                self._path.mkdir(parents=True, exist_ok=True)
                with file.open() as source, writing_whole(path, fresh=False) as copy:
                    shutil.copyfileobj(source, copy, _CHUNK)
        return path.as_uri()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KieError(
                f"{self.address} cannot be written: {error.strerror or error}. Name a folder that you may write. "
                "Nothing was spent."
            ) from error


class _Remote(Target):
    """A folder of any file system that fsspec knows.

    Args:
        url: Its URL.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._files, self._root = opened(url.rstrip("/") if not url.endswith("://") else url)
        self.address = shown(url).rstrip("/") if not url.endswith("://") else url.rstrip("/") + "/"
        self._whole = url.partition("://")[0] in _WHOLE

    def check(self) -> None:
        with self._explained():
            probe = self._place(_partial("check"))
            self._make_folder()
            self._files.pipe_file(probe, b"-")
            self._files.rm_file(probe)

    def share(self, file: LocalFile) -> str:
        with self._explained(), tempfile.TemporaryDirectory(prefix="kie-") as folder:
            name = file.digest + file.suffix
            if not self._has(name, file.size):
                copy = Path(folder) / name
                with file.open() as source, copy.open("xb") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
                self._upload(copy)
        return self._address(name)

    def save(self, result: BaseResult, job: Job) -> Flow[list[Path]]:
        """Save the files of a job by way of this machine, on which none of them stays; the ledger has their URLs.

        To see that nothing has a name, and to take it, are two steps there, between which another job may take
        it. So a part of the job's id stands behind each name that was given.

        Raises:
            KieError: They cannot be fetched or saved; the task is paid, and its files stay at kie.ai.
        """
        try:
            yield from self._save(result, job.name and f"{job.name}-{job.id[:_OF_THE_ID]}")
        except OutputExists:
            if job.name is None:
                raise
            # An earlier task of the same job had that name.
            yield from self._save(result, None)
        return []

    def _save(self, result: BaseResult, name: str | None) -> Flow[None]:
        folder: Path = yield Run(lambda: self._passing_through(result))
        try:
            # Where a file is for the moment is nothing to be written down.
            paths: list[Path] = yield from result.unrecorded().saving(folder, name=name)
            addresses: list[str] = yield Keep(lambda: [self._put(path, result) for path in paths])
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        yield from result.recording(addresses)

    def _passing_through(self, result: BaseResult) -> Path:
        with self._explained(result):
            return Path(tempfile.mkdtemp(prefix="kie-"))

    def _put(self, path: Path, result: BaseResult) -> str:
        """Upload a file of a result, unless it is there already, and return its address."""
        with self._explained(result):
            if self._files.exists(self._place(path.name)):
                if not (self._has(path.name, path.stat().st_size) and self._same(path)):
                    raise OutputExists(
                        self._address(path.name), task_id=result.task_id, model=result.model, charged="yes"
                    )
            else:
                self._upload(path)
        return self._address(path.name)

    def _upload(self, path: Path) -> None:
        self._make_folder()
        if self._whole:
            self._files.put_file(str(path), self._place(path.name))
            return
        partial = self._place(_partial(path.name))
        try:
            self._files.put_file(str(path), partial)
            self._files.mv(partial, self._place(path.name))
        except BaseException:
            with contextlib.suppress(Exception):
                self._files.rm_file(partial)
            raise

    def _make_folder(self) -> None:
        # Where files are there whole there are no folders, and a bucket is nothing to be made in passing.
        if not self._whole:
            self._files.makedirs(self._root, exist_ok=True)

    def _has(self, name: str, size: int) -> bool:
        place = self._place(name)
        return bool(self._files.exists(place)) and self._files.size(place) == size

    def _same(self, path: Path) -> bool:
        with path.open("rb") as one, self._files.open(self._place(path.name), "rb") as other:
            while chunk := one.read(_CHUNK):
                if chunk != other.read(len(chunk)):
                    return False
            return not other.read(1)

    def _place(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _address(self, name: str) -> str:
        return f"{self.address.rstrip('/')}/{name}" if not self.address.endswith("://") else self.address + name

    @contextlib.contextmanager
    def _explained(self, result: BaseResult | None = None) -> Iterator[None]:
        """Say in words what such a file system finds wrong; they raise whatever their libraries raise."""
        try:
            yield
        except KieError:
            raise
        except Exception as error:
            message = f"{self.address} cannot be written: {reason_of(error)}."
            if result is None:
                raise KieError(f"{message} Nothing was spent.") from error
            raise KieError(
                f"{message} Task {result.task_id} is paid, and its files stay at kie.ai for some days: "
                f"`kie task wait {result.task_id} --out DIR` saves them elsewhere.",
                task_id=result.task_id,
                model=result.model,
                charged="yes",
            ) from error


def _partial(name: str) -> str:
    return f".{name}.{secrets.token_hex(8)}.tmp"
