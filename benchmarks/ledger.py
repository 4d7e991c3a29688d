"""Measure the CPU time that a ledger adds to a job: its four writes, each on the disk before the next begins."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.rows import QUICK, ROUNDS
from kie_registry.ledger import Job, SqliteLedger, State

_JOBS = 30 if QUICK else 300
_INPUT = {"prompt": "a lighthouse at dawn", "aspect_ratio": "16:9", "resolution": "2K"}
_RESULT = '{"resultUrls": ["https://files.example/1.png"]}'


def write_a_job(ledger: SqliteLedger, owner: str, number: int) -> None:
    """Bring a job from being sent to being collected."""
    job = Job(account="a" * 32, model="nano-banana-pro", input=_INPUT, state=State.SENDING, attempt=1, owner=owner)
    ledger.add(job)
    ledger.move(job.id, State.RUNNING, task_id=f"task_{number}", reason="")
    ledger.move(job.id, State.SUCCEEDED, credits=4.0, seconds=30.0, result=_RESULT, reason="")
    ledger.move(job.id, State.COLLECTED, files=("/pictures/1.png",))


def cpu_per_job() -> float:
    """Return the CPU seconds of one job; the median of several rounds."""
    rounds: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        ledger = SqliteLedger(Path(scratch) / "ledger.sqlite3")
        owner = ledger.owner
        for _ in range(ROUNDS):
            started = time.process_time()
            for number in range(len(rounds) * _JOBS, (len(rounds) + 1) * _JOBS):
                write_a_job(ledger, owner, number)
            rounds.append((time.process_time() - started) / _JOBS)
        ledger.close()
    return statistics.median(rounds)


if __name__ == "__main__":
    print(f"{cpu_per_job() * 1e3:.2f} ms of CPU for each job")
