"""Running `kie` as a process, as its users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kie_registry.sandbox import Sandbox

KIE = [sys.executable, "-m", "kie_registry.cli"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the command line to the sandbox."""
    monkeypatch.setenv("KIE_API_KEY", box.key)
    monkeypatch.setenv("KIE_BASE_URL", box.url)
    monkeypatch.setenv("KIE_UPLOAD_URL", box.url)


@pytest.fixture
def run(environment: None, tmp_path: Path) -> Run:
    """Run `kie` with these arguments, in a directory of its own."""

    def run_kie(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*KIE, *arguments],
            cwd=tmp_path,
            env={**os.environ, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_kie
