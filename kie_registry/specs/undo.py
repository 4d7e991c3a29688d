"""Put files back as they were when something fails half way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def undone_on_failure(*places: Path) -> Iterator[None]:
    """Where the block raises, put all files in `places` back: what is new goes, what changed is restored.

    Places are files and directories, whether there are any yet or not.
    """
    before = {path: path.read_bytes() for path in _files(places)}
    directories = _directories(places)
    try:
        yield
    except BaseException:
        # What is new goes first: the disk may be full.
        for path in _files(places):
            if path not in before:
                with contextlib.suppress(OSError):
                    path.unlink()
        for directory in sorted(_directories(places) - directories, reverse=True):
            with contextlib.suppress(OSError):
                directory.rmdir()
        for path, content in before.items():
            if not path.exists() or path.read_bytes() != content:
                path.parent.mkdir(parents=True, exist_ok=True)
                fresh = path.with_name(f"{path.name}.restored")
                fresh.write_bytes(content)
                fresh.replace(path)
        raise


def _files(places: tuple[Path, ...]) -> list[Path]:
    found = [path for place in places for path in ([place] if place.is_file() else place.rglob("*"))]
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def _directories(places: tuple[Path, ...]) -> set[Path]:
    return {path for place in places for path in place.rglob("*") if path.is_dir()}
