"""Batches in a database, and workers in other processes, for tests."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from kie_registry.batches.manifests.lines import Line
from kie_registry.batches.plans.planning import Plan, check
from kie_registry.batches.workers.queue import prepare
from kie_registry.batches.workers.submitting import Submitted, submit_batch
from kie_registry.registry import default_registry
from kie_registry.sandbox import Sandbox
from tests.ledger.postgres import World

MODEL = "nano-banana-pro"
QUICK = {"beat": 0.2, "dead_after": 1.5, "sweep": 0.3, "look": 0.1, "rest": 0.2}
"""Times at which a test does not wait."""

_WORKER = """
import json, sys
from kie_registry.batches.workers.timings import Timings
from kie_registry.batches.workers.worker import Worker
given = json.loads(sys.argv[1])
timings = Timings(**given.pop("timings"))
database, keys, out = given.pop("database"), given.pop("keys"), given.pop("out")
Worker(database, keys, out, timings=timings, **given).serve()
"""


def emptied(postgres: World) -> str:
    """Return the address of a database with an empty queue beside its empty ledger."""
    prepare(postgres.url)
    run(postgres.url, "TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")
    return postgres.url


def plan_of(number: int, base: Path, first: int = 0, **parameters: Any) -> Plan:
    """Return a plan of so many different jobs."""
    lines = [
        Line(place + 1, MODEL, {"prompt": f"picture {place}", **parameters}, id=f"job-{place}")
        for place in range(first, first + number)
    ]
    return check(lines, default_registry(), base=base)


def submitted(
    database: str, number: int, base: Path, name: str = "batch", *, files: Path | None = None, **parameters: Any
) -> Submitted:
    """Submit a batch of so many different jobs."""
    with plan_of(number, base, **parameters) as plan:
        return submit_batch(database, plan, name, default_registry(), files=files)


def options_for(box: Sandbox, **given: Any) -> dict[str, Any]:
    """Return the arguments of a worker that sees to jobs at a sandbox as quickly as it can."""
    quick = {
        "keys": [box.key],
        "base_url": box.url,
        "upload_url": box.url,
        "poll_interval": 0.05,
        "creates": None,
        "reads": None,
        "until_idle": True,
    }
    return {**quick, **given}


@contextmanager
def worker(database: str, box: Sandbox, out: Path | str | None, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a worker in another process; it is killed at the end."""
    place = None if out is None else str(out)
    given = {"database": database, "out": place, "timings": QUICK, **options_for(box, **options)}
    command = [sys.executable, "-c", _WORKER, json.dumps(given)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait until a process has ended; return its exit status, and what it said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def run(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement in the schemas of the queue and of the ledger."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET search_path = kie_queue, kie_registry")
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []
