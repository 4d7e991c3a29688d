"""Prism, a server for any OpenAPI document, which nobody here wrote: from npm, into the user's cache."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from attrs import define, field

VERSION = "5.14.2"
# What it depends on is of that day too.
_BEFORE = "2026-10-01"
_LISTENING = "Prism is listening on "


def install() -> Path:
    """Return Prism's program; the first time on a machine it is installed, which takes some 15 s."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Prism needs npm and node, which are not here")
    folder = platformdirs.user_cache_path("kie-registry-tests") / f"prism-{VERSION}"
    program = folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    if not program.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_name(f"{folder.name}-{os.getpid()}")
        command = [npm, "install", f"@stoplight/prism-cli@{VERSION}", f"--before={_BEFORE}", f"--prefix={fresh}"]
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        fresh.mkdir(exist_ok=True)
        try:
            done = subprocess.run([*command, *options], cwd=fresh, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Prism cannot be installed: {done.stderr.strip()}")
            # Another process may have been quicker.
            with contextlib.suppress(OSError):
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return program


@define(eq=False)
class Prism:
    """A running Prism.

    Attributes:
        url: Where it listens.
    """

    _process: subprocess.Popen[str]
    url: str = ""
    _lines: list[str] = field(factory=list)
    _ready: threading.Event = field(factory=threading.Event)

    def follow(self) -> None:
        """Read what it prints, to its end."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if _LISTENING in line:
                self.url = line.partition(_LISTENING)[2].strip()
                self._ready.set()
        self._ready.set()

    def wait(self) -> None:
        """Wait until it listens."""
        self._ready.wait()
        assert self.url, "".join(self._lines)


@contextlib.contextmanager
def prism(document: dict[str, Any], folder: Path, *command: str) -> Iterator[Prism]:
    """Run Prism with a document; it answers 422 to requests, and 500 to answers, that are against it.

    Args:
        document: An OpenAPI document.
        folder: Where it may be written.
        command: ``mock``, or ``proxy`` and the server to pass requests on to.
    """
    program = install()
    path = folder / "kie.json"
    path.write_text(json.dumps(document), "utf-8")
    name, *upstream = command
    arguments = ["node", str(program), name, str(path), *upstream, "--errors", "--host=127.0.0.1", "--port=0"]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        server = Prism(process)
        reader = threading.Thread(target=server.follow)
        reader.start()
        try:
            server.wait()
            yield server
        finally:
            process.terminate()
            reader.join()
