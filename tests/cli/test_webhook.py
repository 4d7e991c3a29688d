"""`kie webhook listen`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kie_registry import Kie
from kie_registry.ledger import State
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import fast_sandbox
from tests.cli.conftest import KIE, Run

KEY = "the-webhook-key"
MODEL = "nano-banana-pro"


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A sandbox that signs its callbacks."""
    with fast_sandbox(latency=0.5, webhook_key=KEY) as sandbox:
        yield sandbox


@contextmanager
def listening(*options: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `kie webhook listen` in a process of its own; yield it and the address that it prints."""
    command = [*KIE, "webhook", "listen", "--port", "0", *options]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("file", [None, "jobs.sqlite3"])
def test_a_callback_to_another_process_wakes_a_wait(
    environment: None, open_kie: Callable[..., Kie], tmp_path: Path, file: str | None
) -> None:
    """The one who waits would not read again for an hour: it sees in the ledger that it should."""
    ledger = True if file is None else tmp_path / file
    options = [] if file is None else ["--ledger", str(ledger)]
    kie = open_kie(ledger=ledger, poll_interval=3600.0, deadline=3600.0)
    with listening("--path", "/hook", "--key", KEY, *options, KIE_LOG="debug") as (process, url):
        task = kie.submit(MODEL, "a cat", callback_url=url)
        assert kie.task(task.id).wait().urls
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (out, KEY in err) == (f"200 {task.id} success taken\n", False)
    assert kie.ledger is not None
    assert [job.state for job in kie.ledger.jobs()] == [State.SUCCEEDED]


def test_it_ends_quietly_when_interrupted(environment: None) -> None:
    with listening("--unsigned") as (process, url):
        assert url.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "Taking callbacks until interrupted (Ctrl-C).\n")


def test_a_key_is_needed(run: Run) -> None:
    done = run("webhook", "listen", KIE_WEBHOOK_KEY="")
    assert (done.returncode, "KIE_WEBHOOK_KEY" in done.stderr) == (2, True)


def test_a_port_that_is_taken_is_named(run: Run, box: Sandbox) -> None:
    done = run("webhook", "listen", "--unsigned", "--port", str(box.port))
    assert (done.returncode, str(box.port) in done.stderr) == (2, True)
