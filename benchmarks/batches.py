"""Measure batches on one machine: jobs a second, CPU and memory, against the minimal server.

Each run is a process of its own. What bare aiohttp needs for the same requests is measured beside it.

    python benchmarks/batches.py
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.serving import CHECKOUT, minimal_server

_MODEL = "nano-banana-pro"
_INPUT: dict[str, Any] = {"aspect_ratio": "16:9", "resolution": "2K"}
# Long enough that all tasks are created before the first one is done.
_SECONDS_BETWEEN_READS = 12.0


def jobs(number: int) -> Iterator[dict[str, Any]]:
    """Yield as many different jobs."""
    for at in range(number):
        yield {"model": _MODEL, "prompt": f"a lighthouse at dawn, {at}", **_INPUT}


async def with_kie(address: str, number: int, at_once: int, reads: int) -> None:
    """Run a batch, with a ledger, without limits and downloads."""
    from kie_registry import AsyncKie

    pause = 0.0 if reads == 1 else _SECONDS_BETWEEN_READS
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Path(scratch) / "ledger.sqlite3"
        kie = AsyncKie(
            "key",
            base_url=address,
            upload_url=address,
            ledger=ledger,
            creates=None,
            reads=None,
            poll_interval=pause,
            deadline=3600,
        )
        async with kie:
            ended = [outcome.error async for outcome in kie.batch(jobs(number), concurrency=at_once)]
    assert ended == [None] * number, next(filter(None, ended), len(ended))


async def with_aiohttp(address: str, number: int, at_once: int, reads: int) -> None:
    """Send the same requests with bare aiohttp, and write nothing down."""
    import aiohttp

    gate = asyncio.Semaphore(at_once)
    async with aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=32)) as session:

        async def one(job: dict[str, Any]) -> None:
            body = {"model": job.pop("model"), "input": job}
            async with gate:
                async with session.post("/api/v1/jobs/createTask", json=body) as answer:
                    task_id = (await answer.json())["data"]["taskId"]
                for _ in range(reads):
                    async with session.get("/api/v1/jobs/recordInfo", params={"taskId": task_id}) as answer:
                        await answer.json()

        await asyncio.gather(*map(one, jobs(number)))


def measure(run: str, *, number: int, at_once: int, reads: int) -> dict[str, float]:
    """Run `with_kie` or `with_aiohttp` in a process of its own, and return what it needed."""
    with minimal_server("server", reads) as address:
        arguments = [sys.executable, "-m", "benchmarks.batches", run, address, *map(str, (number, at_once, reads))]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=CHECKOUT)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _be_measured(run: str, address: str, number: int, at_once: int, reads: int) -> None:
    """Run one of the two, and print what it needed, without the imports of the first call."""
    runs = {"kie": with_kie, "aiohttp": with_aiohttp}
    before, began = time.process_time(), time.monotonic()
    asyncio.run(runs[run](address, number, at_once, reads))
    figures = {
        "ms": (time.process_time() - before) / number * 1e3,
        "jobs a second": number / (time.monotonic() - began),
        "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }
    print(json.dumps(figures))


def main() -> None:
    """Print the figures."""
    for what, given in {
        "3,000 jobs, 100 at once": {"number": 3000, "at_once": 100, "reads": 1},
        "10,000 tasks in flight, 7 reads each": {"number": 10_000, "at_once": 10_000, "reads": 7},
    }.items():
        ours, bare = measure("kie", **given), measure("aiohttp", **given)
        print(
            f"{what}: {ours['jobs a second']:.0f} jobs/s, {ours['ms']:.2f} ms of CPU each "
            f"({ours['ms'] / bare['ms']:.2f} of bare aiohttp's {bare['ms']:.2f} ms), {ours['MB']:.0f} MB"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _be_measured(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
    else:
        main()
