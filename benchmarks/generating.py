"""Measure the CPU time of a generate beside that of plain clients that send the same requests.

It needs nothing but httpx, so that other clients can be measured with it in environments of their own.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from benchmarks.rows import QUICK, ROUNDS

INPUT: dict[str, Any] = {"prompt": "a lighthouse at dawn", "aspect_ratio": "16:9", "resolution": "2K"}
BODY = {"model": "nano-banana-pro", "input": INPUT}
CREATE, READ = "/api/v1/jobs/createTask", "/api/v1/jobs/recordInfo"
BEARER = {"Authorization": "Bearer key"}
_CALLS = 10 if QUICK else 150
_AT_ONCE = 10 if QUICK else 100
_CALLS_AT_ONCE = 3 * _AT_ONCE


def cpu_per_call(call: Callable[[], object]) -> float:
    """Return the CPU seconds that one call takes in this process."""
    started = time.process_time()
    for _ in range(_CALLS):
        call()
    return (time.process_time() - started) / _CALLS


def compare(ours: Callable[[], object], raw: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time of one call as a ratio to that of a raw one, and the raw one's in seconds."""
    for call in (ours, raw):
        call()
    return _medians([(cpu_per_call(ours), cpu_per_call(raw)) for _ in range(ROUNDS)])


def generate_ratio(address: str) -> tuple[float, float]:
    """Compare a generate with raw httpx."""
    from kie_registry import Kie

    options: dict[str, Any] = {"upload_url": address, "creates": None, "reads": None, "poll_interval": 0}
    with httpx.Client(base_url=address, headers=BEARER) as raw, Kie("key", base_url=address, **options) as kie:

        def with_httpx() -> None:
            created = raw.post(CREATE, json=BODY).json()
            raw.get(READ, params={"taskId": created["data"]["taskId"]}).json()

        return compare(lambda: kie.generate("nano-banana-pro", **INPUT), with_httpx)


async def cpu_at_once(call: Callable[[], Awaitable[object]]) -> float:
    """Return the CPU seconds that one call takes where a hundred are under way."""
    left = iter(range(_CALLS_AT_ONCE))

    async def go_on() -> None:
        for _ in left:
            await call()

    started = time.process_time()
    await asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
    return (time.process_time() - started) / _CALLS_AT_ONCE


async def generate_at_once_ratio(address: str) -> tuple[float, float]:
    """Compare an asynchronous generate with raw httpx, each a hundred at once."""
    from kie_registry import AsyncKie

    options: dict[str, Any] = {"upload_url": address, "creates": None, "reads": None, "poll_interval": 0}
    # Its own timeout is five seconds, which it needs for itself.
    plain = httpx.AsyncClient(base_url=address, headers=BEARER, timeout=60)
    async with plain as raw, AsyncKie("key", base_url=address, **options) as kie:

        async def with_httpx() -> None:
            created = (await raw.post(CREATE, json=BODY)).json()
            (await raw.get(READ, params={"taskId": created["data"]["taskId"]})).json()

        async def with_kie() -> None:
            await kie.generate("nano-banana-pro", **INPUT)

        for call in (with_httpx, with_kie):
            await cpu_at_once(call)
        return _medians([(await cpu_at_once(with_kie), await cpu_at_once(with_httpx)) for _ in range(ROUNDS)])


def _medians(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    ratios = [ours / theirs for ours, theirs in rounds]
    return statistics.median(ratios), statistics.median(theirs for _, theirs in rounds)
