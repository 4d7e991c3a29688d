"""Who works on a row of a shared file, and whether they still live.

Each process has an id, and holds an operating system's lock on a file of that name until it ends, however it ends.
Process ids would not do: they are given again.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kie_registry.errors import LedgerError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_ID = re.compile(r"[0-9a-f]{32}")

# Another process may hold our new file for a moment, to see whether we live.
_PATIENCE = 5.0

# By process and directory. What a child process inherits is of no use to it; filelock has closed it there.
_held: dict[tuple[int, Path], tuple[str, BaseFileLock]] = {}
_lock = threading.Lock()


class Owners:
    """The processes that share a directory, on one machine.

    Args:
        directory: Where each of them has a file; made on first use.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = Path(directory).absolute()

    def mine(self) -> str:
        """Return the id of this process: 32 hexadecimal digits, others in each child that it forks.

        Raises:
            LedgerError: The directory cannot be made, or no file in it be locked.
        """
        key = (os.getpid(), self._directory)
        if (held := _held.get(key)) is None:
            with _lock, self._explained():
                if (held := _held.get(key)) is None:
                    held = _held[key] = self._enter()
        return held[0]

    def alive(self, owner: str) -> bool:
        """Whether the process with that id lives; removes the file of one that does not.

        Two who ask at the same moment may both be told that a dead process lives, and not when they ask again.

        Raises:
            LedgerError: Its file cannot be opened.
        """
        held = _held.get((os.getpid(), self._directory))
        if held is not None and held[0] == owner:
            return True
        with self._explained():
            return bool(_ID.fullmatch(owner)) and self._locked(self._path(owner))

    def _enter(self) -> tuple[str, BaseFileLock]:
        self._directory.mkdir(parents=True, exist_ok=True)
        # Nobody asks after a process that left no row behind.
        for path in self._directory.glob("*.lock"):
            if _ID.fullmatch(path.stem):
                self._locked(path)
        owner = uuid.uuid4().hex
        lock = _file_lock(self._path(owner))
        lock.acquire(timeout=_PATIENCE, poll_interval=0.01)
        return owner, lock

    def _locked(self, path: Path) -> bool:
        from filelock import Timeout

        if not path.exists():
            return False
        lock = _file_lock(path)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return True
        # While it is locked, so that its process, should it be about to lock it, sees that it needs a new file.
        with contextlib.suppress(OSError):
            path.unlink()
        lock.release()
        return False

    def _path(self, owner: str) -> Path:
        return self._directory / f"{owner}.lock"

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerError(
                f"{self._directory}: no file can be locked there ({error}). The folder must be writable, and on a "
                "disk of this machine; KIE_HOME chooses another."
            ) from error


def _file_lock(path: Path) -> BaseFileLock:
    from filelock import FileLock

    # A lock that outlives its process, as where the file system has none of its own, would say nothing here.
    return FileLock(path, thread_local=False, fallback_to_soft=False)


def _renew_lock() -> None:
    """Let a child process not wait for a thread that it does not have."""
    global _lock  # noqa: PLW0603
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)
