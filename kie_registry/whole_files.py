"""Put files in their places whole or not at all, whatever happens in the middle."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: bytes, *, fresh: bool) -> None:
    """Put `content` at `path` all at once; where it is `fresh`, in nobody's place.

    Raises:
        FileExistsError: `fresh` is true, and there is a file already.
        OSError: It cannot be written; nothing is changed then.
    """
    with writing_whole(path, fresh=fresh) as file:
        file.write(content)


@contextlib.contextmanager
def writing_whole(path: Path, *, fresh: bool) -> Iterator[BinaryIO]:
    """Give a file to write to, which is put at `path` all at once when the context ends well; as `write_whole`."""
    # A name for each thread, not only for each process; the file has the rights that every new file gets.
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        place(partial, path, fresh=fresh)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def place(partial: Path, path: Path, *, fresh: bool) -> None:
    """Move the whole file `partial`, of the same folder, to `path`; where it is `fresh`, in nobody's place.

    Where the file system has no hard links, an empty file counts as nobody's.

    Raises:
        FileExistsError: `fresh` is true, and there is a file already, which may have come this very moment.
        OSError: It cannot be moved.
    """
    if not fresh:
        partial.replace(path)
    elif not _link(partial, path):
        _take(path)
        partial.replace(path)
    sync_folder(path.parent)


def _link(partial: Path, path: Path) -> bool:
    """Give `partial` the second name `path`, unless that is taken; return whether the file system can do that."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError):
        return False
    with contextlib.suppress(OSError):
        partial.unlink()
    return True


def _take(path: Path) -> None:
    """Take a name with an empty file, which is ours to be replaced then.

    An empty file that is there is what a process left that was killed before it replaced its own, and counts as
    free. Of two that save under one name at the very same moment, that lets the later one win.
    """
    try:
        with path.open("xb"):
            pass
    except FileExistsError:
        if path.lstat().st_size or not path.is_file():
            raise


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk too, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
