"""Uploaded files, on disk for as long as the sandbox lives."""

from __future__ import annotations

import mimetypes
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from attrs import frozen

_TYPES = mimetypes.MimeTypes()
_TYPES.add_type("image/webp", ".webp")


def mime_type(name: str) -> str:
    """Return the content type that a file's name says."""
    return _TYPES.guess_type(name, strict=False)[0] or "application/octet-stream"


def suffix(content_type: str) -> str:
    """Return the suffix for a content type, with its dot; ``.bin`` for an unknown one."""
    common = {"image/jpeg": ".jpg", "audio/mpeg": ".mp3", "text/plain": ".txt"}
    return common.get(content_type) or _TYPES.guess_extension(content_type, strict=False) or ".bin"


@frozen
class StoredFile:
    """A file that is hosted here.

    Attributes:
        path: Where it lies on this machine's disk.
        mime_type: Its content type.
        size: In bytes.
    """

    path: Path
    mime_type: str
    size: int


def _remove_of(process: int, folder: Path) -> None:
    """Remove the folder of `process`, unless this is a fork of it."""
    if process == os.getpid():
        shutil.rmtree(folder, ignore_errors=True)


class FileStore:
    """A temporary folder of files under names of their own. It is removed at the latest when Python exits."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self.folder = Path(tempfile.mkdtemp(prefix="kie-sandbox-"))
        self._remove = weakref.finalize(self, _remove_of, os.getpid(), self.folder)

    def save(self, name: str, content: bytes | BinaryIO) -> StoredFile:
        """Write a file. One of the same name is replaced; who is reading the old one may go on."""
        path = self.folder / uuid4().hex
        # Somebody may have cleaned up the temporary folder of a sandbox that runs for days.
        self.folder.mkdir(exist_ok=True)
        with path.open("wb") as file:
            if isinstance(content, bytes):
                file.write(content)
            else:
                shutil.copyfileobj(content, file)
        stored = StoredFile(path, mime_type(name), path.stat().st_size)
        self._files[name] = stored
        return stored

    def get(self, name: str) -> StoredFile | None:
        """Return a file, or None if there is none of this name."""
        return self._files.get(name)

    def close(self) -> None:
        """Remove all files from the disk."""
        self._remove()
