"""Measure, in ratios within one run: CPU time, because the wall clock of a busy machine tells nothing.

Where what is compared takes turns in several rounds, each figure is the median of these. It takes some minutes;
with ``KIE_BENCH_ROUNDS=1`` it takes seconds, and tells no more than that all of it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks import batches, machines, polling, starting
from benchmarks.generating import generate_at_once_ratio, generate_ratio
from benchmarks.ledger import cpu_per_job
from benchmarks.rows import QUICK, ROUNDS, Row
from benchmarks.serving import minimal_server


def generating() -> Iterator[Row]:
    """Measure single calls."""
    with minimal_server() as address:
        for measure, aim, raw, (ratio, seconds) in (
            (
                "CPU of one `generate()` / raw httpx doing the same two requests",
                "1.15",
                "raw httpx",
                generate_ratio(address),
            ),
            (
                "CPU of one asynchronous `generate()`, 100 at once / raw `httpx.AsyncClient` doing the same",
                "0.4",
                "raw `httpx.AsyncClient`",
                asyncio.run(generate_at_once_ratio(address)),
            ),
        ):
            yield Row(measure, f"{ratio:.2f}", aim, f"{raw}: {seconds * 1e3:.1f} ms")


def one_machine() -> Iterator[Row]:
    """Measure batches in one process, beside bare aiohttp sending the same requests."""
    number = 50 if QUICK else 3000
    ours, bare = _in_turns(min(ROUNDS, 3), number=number, at_once=100, reads=1)
    yield Row(
        f"a batch of {number:,} jobs, 100 at once, no limits, no download, ledger at `synchronous=FULL`",
        f"{ours['jobs a second']:.0f} jobs/s, {ours['ms']:.2f} ms of CPU each",
        "400 jobs/s, 2 ms",
        f"{ours['ms'] / bare['ms']:.1f} times bare aiohttp ({bare['jobs a second']:.0f}/s, {bare['ms']:.2f} ms)",
    )
    number = 50 if QUICK else 10_000
    ours, bare = _in_turns(1, number=number, at_once=number, reads=1 if QUICK else 7)
    yield Row(
        f"{number:,} tasks in flight in one process, 7 reads each",
        f"{ours['MB']:.0f} MB, {ours['ms']:.2f} ms of CPU each",
        "120 MB, 2.5 ms",
        f"{ours['ms'] / bare['ms']:.1f} times bare aiohttp ({bare['MB']:.0f} MB, {bare['ms']:.2f} ms)",
    )


def reading() -> Iterator[Row]:
    """Simulate how soon ends are seen."""
    number = 150 if QUICK else 600

    def median(mean: float, *, learning: bool) -> float:
        return polling.simulate(polling.lognormal(mean, number, seed=1), at_once=100, learning=learning).median

    ours, advised = (
        [f"{median(mean, learning=learning):.2f} s" for mean in (15, 60, 240)] for learning in (True, False)
    )
    yield Row(
        "from a task's end to its result, median; 10 reads/s, 100 running, of 15, 60 and 240 s ± 20 % (simulated)",
        ", ".join(ours),
        "2 s",
        f"reads as kie.ai advises: {', '.join(advised)}",
    )


def many_machines() -> Iterator[Row]:
    """Measure batches in several processes over one database, beside procrastinate alone."""
    number = 20 if QUICK else 3000
    # A limit of seconds needs no minute to be kept.
    creates, seconds, limited = (10, 0.5, 20) if QUICK else (20, 10.0, 140)
    workers = "two workers" if machines.WORKERS == 2 else "one worker"
    batch = f"a batch of {number:,} jobs, {workers}, PostgreSQL, no limits, no download"
    limit = f"{creates} creates in {seconds:g} s, enforced by the server, {workers}"
    aims = ("150 jobs/s, 5 ms", "0 refused, 95 % of the limit used")
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(machines.database_server())
        except ImportError as missing:
            without = f"not measured: there is no {missing.name}"
            yield from (Row(batch, without, aims[0]), Row(limit, without, aims[1]))
            return
        ours, alone = machines.with_kie(server, number), machines.with_procrastinate(server, number)
        kept = machines.keep_limit(server, limited, creates, seconds)
    yield Row(
        batch,
        f"{ours.rate:.0f} jobs/s, {ours.ms:.2f} ms of CPU each",
        aims[0],
        f"{ours.ms / alone.ms:.1f} times procrastinate with empty tasks ({alone.rate:.0f}/s, {alone.ms:.2f} ms)",
    )
    yield Row(
        limit,
        f"{kept.refused} refused, {kept.used:.1%} of the limit used".replace("%", " %"),
        aims[1],
        f"at most {kept.most} in any {seconds:g} s",
    )


def _in_turns(rounds: int, **given: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the medians of what a batch and bare aiohttp need."""
    taken: dict[str, list[dict[str, Any]]] = {"kie": [], "aiohttp": []}
    for _ in range(rounds):
        for run, figures in taken.items():
            figures.append(batches.measure(run, **given))
    ours, bare = (
        {name: statistics.median(each[name] for each in figures) for name in figures[0]}
        for figures in taken.values()
    )
    return ours, bare


def ledger() -> Iterator[Row]:
    """Measure the ledger alone."""
    yield Row("CPU that the ledger adds to a job", f"{cpu_per_job() * 1e3:.2f} ms", "1 ms")


def main() -> None:
    """Print the table, line by line."""
    print("| measure | here | aim | beside, in the same run |\n|---|---|---|---|")
    for rows in (generating, one_machine, reading, many_machines, starting.rows, ledger):
        for row in rows():
            print(row, flush=True)


if __name__ == "__main__":
    main()
