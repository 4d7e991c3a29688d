"""Where the jobs of a batch come from: a manifest, or a program."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from kie_registry.adapter import Adapter
from kie_registry.batches.manifests.lines import BrokenLine, Line, lines_of
from kie_registry.batches.manifests.manifest import read_manifest

Jobs: TypeAlias = str | os.PathLike[str] | Iterable[Mapping[str, Any] | Adapter]
"""The path of a manifest; or mappings with the keys of its lines, and adapter instances."""


@frozen
class Source:
    """The jobs of a batch.

    Attributes:
        read: Reads them.
        base: Where relative paths in them begin.
        manifest: The file that they come from, or None.
    """

    read: Callable[[], Iterable[Line | BrokenLine]]
    base: Path
    manifest: Path | None = None

    @property
    def unit(self) -> str:
        """What one of them is called in messages."""
        return "job" if self.manifest is None else "line"

    @classmethod
    def of(cls, jobs: Jobs, defaults: Mapping[str, Any]) -> Source:
        """Return the source that `jobs` mean, with what holds where one of them says nothing else."""
        if isinstance(jobs, (str, os.PathLike)):
            path = Path(jobs).absolute()
            return cls(lambda: read_manifest(path, defaults), path.parent, path)
        return cls(lambda: lines_of(jobs, defaults), Path.cwd())
