"""One client, many users: threads, a forked process, and event loops one after the other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kie_registry import AsyncKie, Kie
from kie_registry.ledger.sqlite import SqliteLedger
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options, fast_sandbox
from tests.descriptors import none_left_open

THREADS = 32


def together(kie: Kie) -> dict[str, str]:
    """Generate from many threads that begin at the same moment; return the prompt of each task."""
    barrier = threading.Barrier(THREADS)

    def generate(number: int) -> tuple[str, str]:
        barrier.wait()
        prompt = f"lighthouse {number}"
        return kie.generate("nano-banana-pro", prompt, deadline=60).task_id, prompt

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(pool.map(generate, range(THREADS)))


def prompts(box: Sandbox) -> dict[str, str]:
    """Return the prompt of each task that the sandbox has."""
    return {task.id: task.input["prompt"] for task in box.tasks}


def test_every_thread_gets_the_result_of_its_own_prompt() -> None:
    with none_left_open(), fast_sandbox() as box, Kie(box.key, **client_options(box)) as kie:
        found = together(kie)
        assert found == prompts(box)
        assert len(found) == THREADS


def test_threads_that_share_a_ledger(tmp_path: Path) -> None:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    # What a process holds to show that it lives, it holds to its end.
    assert ledger.owner
    with none_left_open(), fast_sandbox() as box:
        with Kie(box.key, ledger=ledger, **{**client_options(box), "creates": (THREADS, 60)}) as kie:
            found = together(kie)
        written = {job.task_id: (job.input or {})["prompt"] for job in ledger.jobs()}
        assert found == written == prompts(box)
        # The files of a ledger are closed with it, and with the last client that has it.
        ledger.close()
        del kie


def test_event_loops_one_after_the_other() -> None:
    async def generate(box: Sandbox, prompt: str) -> str:
        async with AsyncKie(box.key, **client_options(box)) as kie:
            return (await kie.generate("nano-banana-pro", prompt)).task_id

    with none_left_open(), fast_sandbox() as box:
        found = {asyncio.run(generate(box, prompt)): prompt for prompt in ("one", "two", "three")}
        assert found == prompts(box)


FORKING = """
import os, sys
from kie_registry import Kie

connected = 0

def count(event, arguments):
    global connected
    connected += event == "socket.connect"

sys.addaudithook(count)
key, url, ledger = sys.argv[1:]
options = {"base_url": url, "poll_interval": 0.01, "creates": (20, 60), "ledger": ledger or None}
with Kie(key, **options) as kie:
    kie.generate("nano-banana-pro", "before")
    before = connected
    child = os.fork()
    who = "parent" if child else "child"
    tasks = [kie.generate("nano-banana-pro", f"{who} {number}").task_id for number in range(5)]
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        # The child has ended, and closed what it had: this connection is still the parent's own.
        tasks.append(kie.generate("nano-banana-pro", "parent 5").task_id)
    print(who, connected - before, *tasks, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("kept", [False, True], ids=["no-ledger", "ledger"])
def test_a_fork_with_an_open_client(box: Sandbox, tmp_path: Path, kept: bool) -> None:
    ledger = tmp_path / "ledger.sqlite3"
    arguments = [box.key, box.url, str(ledger) if kept else ""]
    command = [sys.executable, "-W", "error", "-c", FORKING, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    said = {who: (int(connections), tasks) for who, connections, *tasks in map(str.split, ran.stdout.splitlines())}
    assert {who: connections for who, (connections, _) in said.items()} == {"parent": 0, "child": 1}
    asked = {task: prompt.split()[0] for task, prompt in prompts(box).items()}
    assert {task: who for who, (_, tasks) in said.items() for task in tasks}.items() <= asked.items()
    assert len(asked) == 12
    if kept:
        assert {job.task_id for job in SqliteLedger(ledger).jobs()} == set(asked)
