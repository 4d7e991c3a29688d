"""Running `kie` as a process, as its users do."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kie_registry.cli.run import run as run_in_process
from kie_registry.sandbox import Sandbox
from tests.cli.forking import Forks

KIE = [sys.executable, "-m", "kie_registry.cli"]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def environment(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the command line to the sandbox."""
    monkeypatch.setenv("KIE_API_KEY", box.key)
    monkeypatch.setenv("KIE_BASE_URL", box.url)
    monkeypatch.setenv("KIE_UPLOAD_URL", box.url)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """What runs `kie` in processes that need not import it anew."""
    forks = Forks.start()
    yield forks
    forks.stop()


@pytest.fixture(scope="session")
def streams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the streams of one process after another are kept."""
    return tmp_path_factory.mktemp("streams")


@pytest.fixture
def run(environment: None, forks: Forks, streams: Path, tmp_path: Path) -> Run:
    """Run `kie` with these arguments in a process of its own, in a directory of its own."""

    def run_kie(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **variables}
        # What Python itself reads, it reads when it starts.
        if any(name.startswith("PYTHON") for name in variables):
            return subprocess.run(
                [*KIE, *arguments],
                cwd=tmp_path,
                env=environment,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
        return forks.run(arguments, tmp_path, environment, stdin, streams)

    return run_kie


@pytest.fixture
def run_here(
    environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run `kie` in this process, which has imported the generator of code already."""

    def run_kie(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            status = run_in_process(arguments)
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(["kie", *arguments], status, out, err)

    return run_kie
