"""Interrupting `kie batch run` with real signals, and what it shows on a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kie_registry.cli.run import run as run_here
from kie_registry.ledger import SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.settings import home
from tests.cli.conftest import KIE

LINES = [{"model": "nano-banana-pro", "prompt": f"a cat {number}", "id": f"cat-{number}"} for number in (1, 2)]
COMMAND = ["batch", "run", "jobs.jsonl", "--out", "out", "--concurrency", "1"]


@pytest.fixture
def manifest(environment: None, tmp_path: Path) -> Path:
    path = tmp_path / "jobs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), "utf-8")
    return path


@contextlib.contextmanager
def running(directory: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*KIE, *COMMAND, *options], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    for _ in range(1000):
        if happened():
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise AssertionError(process.communicate())


def read_to(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process says on stderr, up to the line with these words."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_once_collects_what_runs(box: Sandbox, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box.end_next(latency=1.0)
    with running(manifest.parent) as process:
        wait_until(lambda: bool(box.tasks), process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "nothing more is sent. What runs (1 job) is waited for" in err
    assert err.endswith("Interrupted: 1 job not sent. Nothing is lost: the same command goes on.\n")
    assert out == "1 done, 0 failed, 0 unknown, 1 left; 4 credits; results in out/results.jsonl\n"
    monkeypatch.chdir(manifest.parent)
    assert run_here(COMMAND) == 0
    results = Path("out/results.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["state"] for line in results] == ["collected", "collected"]
    assert len(box.tasks) == 2


def test_twice_leaves_at_once(box: Sandbox, manifest: Path) -> None:
    box.end_next(latency=math.inf)
    with running(manifest.parent, "--json") as process:
        wait_until(lambda: bool(box.tasks), process)
        process.send_signal(signal.SIGTERM)
        read_to(process, "interrupt again to leave at once")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    said = json.loads(out)
    assert (process.returncode, said["running"], said["left"]) == (130, 1, 1)
    assert err == "Interrupted: 1 job not sent and 1 job running. Nothing is lost: the same command goes on.\n"
    jobs = SqliteLedger(home() / "ledger.sqlite3").jobs()
    assert sorted((job.state, job.owner) for job in jobs) == [(State.PLANNED, None), (State.RUNNING, None)]


def test_while_the_jobs_are_checked(box: Sandbox, manifest: Path) -> None:
    lines = manifest.read_text("utf-8")
    manifest.unlink()
    os.mkfifo(manifest)
    with running(manifest.parent) as process:
        # This waits until it is read.
        with manifest.open("w") as writing:
            process.send_signal(signal.SIGINT)
            read_to(process, "leaving as soon as the jobs are checked")
            writing.write(lines)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err, box.requests) == (130, "Interrupted. Nothing was sent.\n", [])


def test_on_a_terminal_a_bar_is_drawn(box: Sandbox, manifest: Path) -> None:
    box.end_next(fail_code="501", fail_message="too many whiskers", latency=0.5)
    here, there = pty.openpty()
    done = subprocess.run(
        [*KIE, *COMMAND], cwd=manifest.parent, stdout=subprocess.PIPE, stderr=there, stdin=there, check=False
    )
    os.close(there)
    drawn = os.read(here, 65536).decode()
    os.close(here)
    assert "0 of 2 done, 1 running" in drawn
    assert "━" in drawn
    assert drawn.count("Failed: cat-1: ") == 1
    assert done.stdout.decode().startswith("1 done, 1 failed, 0 unknown; ")
