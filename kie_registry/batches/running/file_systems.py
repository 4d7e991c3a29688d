"""File systems of fsspec: how they are found, what lies there, and what they find wrong, in plain words."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import weakref
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import evolve

from kie_registry.errors import ConfigurationError
from kie_registry.file_addresses import is_local, path_of
from kie_registry.ledger.postgres_address import shown
from kie_registry.media import LocalFile, UnusableMedia, inspect

_CHUNK = 1 << 20


def open_address(url: str) -> LocalFile:
    """Fetch an input that lies at a ``file://`` address, or on another file system, to be uploaded. Blocking.

    What stands behind a ``#`` says what the content was, and is no part of the address. A copy of what does not
    lie on this machine is kept until the returned object is no more.

    Raises:
        UnusableMedia: It is not there, or cannot be read.
        ConfigurationError: The package that knows such URLs is not installed.
    """
    if is_local(url):
        return inspect(path_of(url))
    url = url.partition("#")[0]
    files, path = opened(url)
    # Of some files only the name tells what they are.
    copy = ""
    try:
        descriptor, copy = tempfile.mkstemp(PurePosixPath(path).suffix, prefix="kie-")
        with os.fdopen(descriptor, "wb") as target, files.open(path, "rb") as source:
            shutil.copyfileobj(source, target, _CHUNK)
        file = evolve(inspect(copy), label=shown(url))
    except BaseException as error:
        _remove(copy)
        if not isinstance(error, Exception):
            raise
        raise UnusableMedia(f"{shown(url)} cannot be read: {reason_of(error)}") from error
    weakref.finalize(file, _remove, copy)
    return file


def opened(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    except ImportError:
        raise ConfigurationError(
            f"{shown(url)}: writing there needs the package fsspec: pip install 'kie-registry[batch]'"
        ) from None
    try:
        files, path = url_to_fs(url)
    except ImportError as error:
        raise ConfigurationError(f"{shown(url)}: {str(error).rstrip('.')}. Nothing was spent.") from None
    except Exception as error:
        known = "a folder, or a URL that fsspec knows, such as s3://bucket/folder"
        raise ConfigurationError(f"{shown(url)}: {reason_of(error)}. Name {known}. Nothing was spent.") from None
    return files, str(path)


def reason_of(error: Exception) -> str:
    """Say what is wrong, and what can be done about it where that is plain."""
    words = str(getattr(error, "strerror", None) or error).rstrip(".") or type(error).__name__
    if isinstance(error, FileNotFoundError):
        return f"there is no such bucket or folder ({words})"
    if isinstance(error, PermissionError):
        return f"the credentials of this machine give no right to it ({words})"
    if "credentials" in words.lower():
        return f"this machine has no credentials for it ({words})"
    return words


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        Path(path).unlink()
