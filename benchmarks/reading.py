"""Measure, against the sandbox and in real time, how late ends are seen and how often records are read.

It takes about twenty minutes. `polling.py` simulates the same in seconds.
"""

from __future__ import annotations

import asyncio
import math
import random
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from kie_registry import AsyncKie
from kie_registry.sandbox import Sandbox
from kie_registry.sandbox.recording import MAX_REQUESTS
from kie_registry.sandbox.tasks import Task

_MODEL = "nano-banana-pro"
_SPREAD = 0.2
"""The coefficient of variation of the tasks' durations."""


def serving(mean: float, number: int, **options: Any) -> Sandbox:
    """Return a sandbox whose next tasks take `mean` seconds on average."""
    box = Sandbox(**{"credits": 1e9, "image_scale": 0.05, **options})
    chance, sigma = random.Random(1), math.sqrt(math.log(1 + _SPREAD**2))
    for _ in range(number):
        box.end_next(latency=chance.lognormvariate(math.log(mean) - sigma**2 / 2, sigma))
    return box


def client(box: Sandbox, scratch: Path, **options: Any) -> AsyncKie:
    """Return a client with a ledger of its own."""
    return AsyncKie(box.key, base_url=box.url, upload_url=box.url, ledger=scratch / "ledger.sqlite3", **options)


def reads_of(box: Sandbox) -> tuple[Counter[str], int]:
    """Return how often the record of each task was read, and how many requests were answered 429."""
    requests = box.requests
    assert len(requests) < MAX_REQUESTS, "there were more requests than the sandbox remembers"
    reads = Counter(request.query for request in requests if request.path.endswith("/recordInfo"))
    return reads, sum(request.code == 429 for request in requests)


async def collected(number: int, mean: float, scratch: Path) -> dict[str, float]:
    """Submit, and collect all at once, with ten reads a second."""
    with serving(mean, number, rate_limit=None) as box:
        async with client(box, scratch, creates=None) as kie:
            for at in range(number):
                await kie.submit(_MODEL, f"job {at}")
            started = time.monotonic()
            saved = [each async for each in kie.collect(scratch, deadline=3600)]
        reads, refused = reads_of(box)
    return {
        "collected": sum(len(each.paths) for each in saved),
        "seconds": time.monotonic() - started,
        "reads of one task, on average": statistics.mean(reads.values()),
        "reads of one task, at most": max(reads.values()),
        "answers 429": refused,
    }


async def generated(number: int, mean: float, scratch: Path) -> dict[str, float]:
    """Generate and save, with kie.ai's limits: 20 creates in ten seconds, and ten reads a second."""
    with serving(mean, number) as box:

        async def one(at: int) -> tuple[str, float]:
            result = await kie.generate(_MODEL, f"job {at}")
            await result.save(scratch)
            return result.task_id, time.time()

        async with client(box, scratch) as kie:
            saved = dict(await asyncio.gather(*map(one, range(number))))
        tasks, (reads, refused) = box.tasks, reads_of(box)
    return how_late(tasks, saved, reads, refused)


async def batched(number: int, mean: float, scratch: Path) -> dict[str, float]:
    """Run a batch, and save its files, with kie.ai's limits."""
    with serving(mean, number) as box:
        jobs = [{"model": _MODEL, "prompt": f"job {at}"} for at in range(number)]
        async with client(box, scratch) as kie:
            saved = {
                outcome.job.task_id or "": time.time()
                async for outcome in kie.batch(jobs, scratch / "files")
                if outcome.paths
            }
        tasks, (reads, refused) = box.tasks, reads_of(box)
    return how_late(tasks, saved, reads, refused)


def how_late(tasks: list[Task], saved: dict[str, float], reads: Counter[str], refused: int) -> dict[str, float]:
    """Return how long after the ends of the tasks their files were there."""
    late = [saved[task.id] - task.ends for task in tasks]
    return {
        "running at once, at most": most_at_once(tasks),
        "seconds from end to file, median": statistics.median(late),
        "seconds from end to file, one in ten": statistics.quantiles(late, n=10)[-1],
        "reads of one task, on average": statistics.mean(reads.values()),
        "answers 429": refused,
    }


def most_at_once(tasks: list[Task]) -> int:
    """Return how many tasks ran at once, at most."""
    steps = sorted([(task.created, 1) for task in tasks] + [(task.ends, -1) for task in tasks])
    running, most = 0, 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most


def main() -> None:
    """Print the figures."""
    for mean in (60.0, 240.0):
        with tempfile.TemporaryDirectory() as scratch:
            print(f"1,000 pending tasks of {mean:g} s, collected at once")
            show(asyncio.run(collected(1000, mean, Path(scratch))))
    with tempfile.TemporaryDirectory() as scratch:
        print("300 tasks of 50 s, generated and saved")
        show(asyncio.run(generated(300, 50.0, Path(scratch))))
    with tempfile.TemporaryDirectory() as scratch:
        print("300 tasks of 50 s, in a batch, with their files")
        show(asyncio.run(batched(300, 50.0, Path(scratch))))


def show(figures: dict[str, float]) -> None:
    """Print some figures."""
    for what, value in figures.items():
        print(f"  {what}: {value:.1f}", flush=True)


if __name__ == "__main__":
    main()
