"""Jobs for tests, and another process that adds some."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kie_registry.ledger import Job, Ledger, State

ACCOUNT = "0123456789abcdef"


def job(**fields: Any) -> Job:
    """Make a job that is just being sent."""
    given: dict[str, Any] = {"account": ACCOUNT, "model": "maker/model", "input": {"prompt": "a cat"}}
    return Job(**{**given, "state": State.SENDING, "attempt": 1, **fields})


def added(ledger: Ledger, **fields: Any) -> Job:
    """Add such a job to a ledger."""
    new = job(**fields)
    ledger.add(new)
    return ledger.get(new.id) or new


def planned(ledger: Ledger, *keys: str, batch: str = "b", **fields: Any) -> list[Job]:
    """Plan jobs of a batch with these keys, and return them."""
    ledger.plan([job(account="", state=State.PLANNED, attempt=0, batch=batch, key=key, **fields) for key in keys])
    return [each for each in ledger.batch(batch) if each.key in keys]


_OTHER = """
import sys
from pathlib import Path
from kie_registry.ledger import SqliteLedger, State
from tests.ledger.jobs import job
ledger = SqliteLedger(Path(sys.argv[1]))
for number, state in enumerate(sys.argv[2:]):
    task_id = f"task_{number}" if state in ("running", "succeeded") else None
    begun = State.PLANNED if state == "planned" else State.RUNNING if task_id else State.SENDING
    new = job(id=f"{number:032x}", state=begun, task_id=task_id, owner=ledger.owner)
    ledger.add(new)
    if state == "succeeded":
        ledger.move(new.id, State.SUCCEEDED)
print(ledger.owner, flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process(path: Path, *states: str) -> Iterator[subprocess.Popen[str]]:
    """Run another process that has added jobs of its own in these states, with the ids 0, 1, ... in order."""
    command = [sys.executable, "-c", _OTHER, str(path), *states]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()
