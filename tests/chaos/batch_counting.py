"""What came of a batch: as of any run, and what results.jsonl and the command itself say of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kie_registry.batches.folders.folder import RESULTS
from kie_registry.ledger import Job, State
from tests.chaos.batch_harness import BatchChaos
from tests.chaos.counting import Count, number_of

_SUCCEEDED = State.COLLECTED


class BatchCount(Count):
    """The figures of a batch that has ended.

    Args:
        batch: The run.
    """

    def __init__(self, batch: BatchChaos) -> None:
        super().__init__(batch)
        self._batch = batch

    def _figures(self) -> dict[str, int]:
        return {
            **super()._figures(),
            "runs of the command": self._batch.rounds,
            "lines of results.jsonl": len(self._lines()),
        }

    def _problems(self) -> Iterator[str]:
        yield from super()._problems()
        yield from self._wrong_results()
        unknown, told = len(self._unknown), self._batch.told.get("unknown")
        if unknown != told or (unknown > 0) != (self._batch.status == 3):
            yield f"{unknown} jobs are unknown, and the command said {told}, and ended with {self._batch.status}"

    def _wrong_results(self) -> Iterator[str]:
        """Yield what is wrong with results.jsonl, which has a line for each job, in their order."""
        jobs = sorted(self._jobs, key=number_of)
        lines = self._lines()
        if [line["job_id"] for line in lines] != [job.id for job in jobs]:
            yield f"results.jsonl has {len(lines)} lines, which are not those of the {len(jobs)} jobs"
        for line, job in zip(lines, jobs, strict=False):
            if self._expected(job) != {name: line[name] for name in self._expected(job)}:
                yield f"results.jsonl says of job {number_of(job)}: {line}"
            elif job.state == _SUCCEEDED and not (line["urls"] and line["error"] is None):
                yield f"results.jsonl says of job {number_of(job)}, which is done: {line}"
            elif job.state != _SUCCEEDED and not line["error"]:
                yield f"results.jsonl does not say why job {number_of(job)} is {job.state}"

    def _expected(self, job: Job) -> dict[str, Any]:
        return {
            "line": number_of(job) + 1,
            "state": str(job.state),
            "task_id": job.task_id,
            "paths": [Path(file).name for file in job.files],
            "credits": job.credits,
        }

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self._batch.pictures / RESULTS).read_text("utf-8").splitlines()]

    def _files(self) -> list[Path]:
        return [path for path in super()._files() if path.name != RESULTS]

    def _is_left(self, path: Path) -> bool:
        return super()._is_left(path) and not path.name.startswith(".kie-batch")
