"""Read manifests: files that name the jobs of a batch, one a line. Nothing of them is kept in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from kie_registry.batches.manifests.lines import BrokenLine, Line, flattened
from kie_registry.batches.manifests.reading_csv import read_csv
from kie_registry.batches.manifests.reading_jsonl import read_jsonl
from kie_registry.batches.manifests.reading_yaml import read_yaml
from kie_registry.errors import InvalidRequest

_Reader: TypeAlias = Callable[[BinaryIO, str, Mapping[str, Any]], Iterator[Line | BrokenLine]]

READERS: Mapping[str, _Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".csv": read_csv,
    ".yaml": read_yaml,
    ".yml": read_yaml,
}
"""The suffix of a manifest -> what reads it."""

_FORMS = "JSONL (.jsonl: one JSON object on each line), CSV (.csv) or YAML (.yaml)"


def read_manifest(
    path: str | os.PathLike[str], defaults: Mapping[str, Any] | None = None
) -> Iterator[Line | BrokenLine]:
    """Yield the lines of a manifest, as they are asked for, with what is wrong with those that are broken.

    A line has a ``model``, the parameters of that model (or all of them under ``parameters``), and if need be an
    ``id`` and a ``name``.

    Args:
        path: The file. Its suffix says what it is: JSONL and CSV of any size, or YAML of up to 16 MiB.
        defaults: What holds where a line says nothing else: ``model``, and parameters. They take the place of
            those in the file.

    Raises:
        InvalidRequest: It cannot be read, is none of the three, or holds no jobs. At once, or at any line.
    """
    name = os.fspath(path)
    if name == "-":
        raise InvalidRequest(
            "a manifest is read again whenever its batch goes on, which standard input cannot be; give a file"
        )
    reader = READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise InvalidRequest(f"{name}: a manifest is {_FORMS}, and its suffix must say which")
    return _read(name, reader, flattened(defaults or {}, "the defaults"))


def _read(name: str, reader: _Reader, defaults: Mapping[str, Any]) -> Iterator[Line | BrokenLine]:
    empty = True
    try:
        with _open(name) as file:
            for line in reader(file, name, defaults):
                empty = False
                yield line
    except OSError as error:
        raise InvalidRequest(f"{name}: cannot be read: {error.strerror or error}") from error
    if empty:
        raise InvalidRequest(f"{name}: holds no jobs; a manifest is {_FORMS}")


def _open(name: str) -> BinaryIO:
    try:
        return Path(name).open("rb")
    except ValueError as error:
        raise InvalidRequest(f"{name!r}: cannot be read: {error}") from error
