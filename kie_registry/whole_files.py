"""Write files that are there whole or not at all, whatever happens in the middle."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes, *, fresh: bool) -> None:
    """Put `content` at `path` all at once; where it is `fresh`, in nobody's place.

    Raises:
        FileExistsError: `fresh` is true, and there is a file already.
        OSError: It cannot be written; nothing is changed then.
    """
    # A name for each thread, not only for each process; the file has the rights that every new file gets.
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if not (fresh and _link(partial, path)):
            partial.replace(path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _link(partial: Path, path: Path) -> bool:
    """Move `partial` to `path` unless another process was faster; return whether the file system can do that."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError):
        return False
    return True


def _sync_folder(place: Path) -> None:
    """Have the names in a folder on the disk too, where the system can do that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
