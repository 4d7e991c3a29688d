"""Plugins made for tests: distributions on the path, and files in ``KIE_HOME``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def own_file(name: str, source: str) -> Path:
    """Put a plugin of the user's own into ``KIE_HOME``."""
    path = Path(os.environ["KIE_HOME"]) / "plugins" / f"{name}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(source, "utf-8")
    return path


class Site:
    """A directory on the path, into which distributions are put."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.modules: list[str] = []

    @classmethod
    @contextmanager
    def on_the_path(cls, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
        """Make the directory, and forget its modules at the end."""
        directory.mkdir()
        monkeypatch.syspath_prepend(directory)
        site = cls(directory)
        yield site
        for name in site.modules:
            sys.modules.pop(name, None)

    def add(self, distribution: str, source: str, *names: str, group: str = "models", target: str = "") -> None:
        """Install a distribution with one module, and entry points that lead to it."""
        name = f"plugin_of_{distribution}"
        (self.directory / f"{name}.py").write_text(source, "utf-8")
        self.modules.append(name)
        info = self.directory / f"{distribution}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: 1.0\n")
        lines = [f"{each} = {target or name}" for each in names]
        (info / "entry_points.txt").write_text("\n".join([f"[kie_registry.{group}]", *lines]))
