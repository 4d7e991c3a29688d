"""Files on their way to the disk: streamed into parts beside their places, and resumed there."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from kie_registry.errors import KieError, TransportError
from kie_registry.transfers import Head

_PREFIX, _SUFFIX = ".kie-", ".part"
_STALE_AFTER = 600.0


class Part:
    """A part file, of which nobody but this process knows; a context manager, which removes it at the end.

    Args:
        directory: The directory of the file to be.
        max_bytes: The most bytes that it may get.

    Attributes:
        path: Where it lies.
        size: The bytes that it has.
        content_type: The content type that its server gave; empty for none.
        encoding: How its server had compressed it; empty for not at all.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.path = directory / f"{_PREFIX}{uuid.uuid4().hex}{_SUFFIX}"
        self.size = 0
        self.content_type = ""
        self.encoding = ""
        self._max_bytes = max_bytes
        self._whole: int | None = None
        self._validator: str | None = None
        self._opened: IO[bytes] | None = None

    def open(self) -> None:
        """Make the file; raises OSError where that cannot be done."""
        self._opened = self.path.open("xb")
        _lock(self._opened)

    @property
    def _file(self) -> IO[bytes]:
        if self._opened is None:
            raise ValueError("the part was not opened")
        return self._opened

    def __enter__(self) -> Self:
        """Return the part itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Remove the part, unless it was put in place."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def headers(self) -> Mapping[str, str]:
        """Return the headers of the next request: for the rest, where the server can tell that it is the same."""
        if not self.size or self._validator is None:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def accept(self, head: Head) -> bool:
        """Make ready for the body of an answer; return whether it is wanted.

        Raises:
            TransportError: It is another part of the file than was asked for.
            KieError: It is too large, or compressed more than once.
        """
        if head.status == 200:
            self.restart()
            self._whole = head.length
            self._validator = head.validator
            self.content_type = head.content_type
            self.encoding = head.encoding
        elif head.status == 206:
            self._check_continuation(head)
        else:
            return False
        if "," in head.encoding:
            # Each layer may unpack to a thousand times its size.
            raise KieError(f"the file came compressed more than once ({head.encoding}), which is not unpacked")
        if self._whole is not None and self._whole > self._max_bytes:
            raise self._too_large(f"{self._whole:,}")
        return True

    def write(self, chunk: bytes) -> None:
        """Append a piece of the body; raises KieError where that is too much."""
        if self.size + len(chunk) > self._max_bytes:
            raise self._too_large(f"more than {self._max_bytes:,}")
        self._file.write(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        """Forget what has come."""
        self._file.seek(0)
        self._file.truncate()
        self.size, self._whole, self._validator = 0, None, None

    def check_length(self) -> None:
        """Raise TransportError where less has come than was announced, or more, or nothing."""
        if self._whole is not None and self.size != self._whole:
            raise TransportError(f"{self.size:,} of {self._whole:,} bytes came", sent=True, retryable=True)
        if not self.size:
            raise TransportError("the file is empty", sent=True, retryable=True)

    def flush(self) -> bytes:
        """Have it on the disk, and return its first bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        with self.path.open("rb") as file:
            return file.read(64)

    def same_as(self, path: Path) -> bool:
        """Whether there is a file at `path` that has the same content."""
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as theirs, self.path.open("rb") as ours:
                pairs = zip(_chunks(theirs), _chunks(ours), strict=False)
                return all(their == our for their, our in pairs)
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Close the file, as Windows wants it before it is moved."""
        if self._opened is not None:
            self._opened.close()

    def _check_continuation(self, head: Head) -> None:
        if head.encoding or head.start != self.size or head.whole not in (None, self._whole):
            self.restart()
            raise TransportError("another part of the file came than was asked for", sent=True, retryable=True)

    def _too_large(self, size: str) -> KieError:
        return KieError(f"the file has {size} bytes, and max_bytes is {self._max_bytes:,}")


@functools.lru_cache(maxsize=1024)
def sweep(directory: Path) -> None:
    """Remove the parts that killed processes left in `directory`; looks once in a process."""
    with os.scandir(directory) as entries:
        left = [Path(entry.path) for entry in entries if _is_part(entry.name)]
    for path in left:
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _STALE_AFTER and _is_free(path):
                path.unlink()


def _is_part(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    return iter(functools.partial(file.read, 1 << 20), b"")


if sys.platform == "win32":

    def _lock(file: IO[bytes]) -> None:
        """Do nothing: what is open cannot be removed."""

    def _is_free(path: Path) -> bool:  # noqa: ARG001
        return True

else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        """Show others that the part is being written, however long that takes."""
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _is_free(path: Path) -> bool:
        """Whether nobody writes it; raises OSError where somebody does."""
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
