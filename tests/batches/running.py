"""Runs of batches against a sandbox, and what stands in the ledger and at the server afterwards."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from kie_registry import AsyncKie, Outcome
from kie_registry.batches.batch import AsyncBatch
from kie_registry.ledger import Job, SqliteLedger, State
from kie_registry.sandbox import Sandbox
from kie_registry.testing.serving import client_options
from tests.batches.manifests import PRO, prompts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

DEFAULTS = {"model": PRO}


@frozen
class Runs:
    """Runs of one batch after the other, into one folder."""

    box: Sandbox
    home: Path
    ledger: SqliteLedger = field()
    client: Mapping[str, Any] = field(factory=dict)

    @property
    def out(self) -> Path:
        return self.home / "out"

    @asynccontextmanager
    async def batch(self, *texts: str | Mapping[str, Any], **options: Any) -> AsyncIterator[AsyncBatch]:
        """Open a client, and make a batch of jobs, of which a text is the prompt alone."""
        jobs: Any = [prompts(text)[0] if isinstance(text, str) else text for text in texts]
        options = {"directory": self.out, "defaults": DEFAULTS, "jobs": jobs, **options}
        client = {"ledger": self.ledger, **client_options(self.box), **self.client}
        async with AsyncKie(**{"api_key": self.box.key, **client}) as kie:
            yield kie.batch(options.pop("jobs"), **options)

    def run(self, *texts: str | Mapping[str, Any], **options: Any) -> list[Outcome]:
        """Run a batch to its end."""

        async def all_of_them() -> list[Outcome]:
            async with self.batch(*texts, **options) as batch:
                return [outcome async for outcome in batch]

        return asyncio.run(all_of_them())

    def sent(self) -> list[str]:
        """Return the prompts of the tasks that the server has accepted."""
        return [task.input["prompt"] for task in self.box.tasks]

    def creates(self) -> int:
        """Return how many requests for a task the server has had."""
        return sum(request.path.endswith("createTask") for request in self.box.requests)

    def jobs(self) -> list[Job]:
        return self.ledger.jobs()[::-1]

    def states(self) -> Counter[State]:
        return Counter(job.state for job in self.jobs())

    def by_prompt(self) -> dict[str, State]:
        return {(job.input or {})["prompt"]: job.state for job in self.jobs()}

    def held(self) -> list[Job]:
        """Return the jobs that somebody has not let go."""
        return [job for job in self.jobs() if job.owner is not None]

    def pictures(self) -> list[str]:
        return sorted(path.name for path in self.out.glob("*.png"))

    def results(self) -> list[dict[str, Any]]:
        """Return what stands in results.jsonl."""
        return [json.loads(line) for line in (self.out / "results.jsonl").read_text("utf-8").splitlines()]


def iterating(batch: AsyncBatch) -> aclosing[AsyncGenerator[Outcome]]:
    """Iterate over a batch so that leaving the context is leaving the iteration."""
    return aclosing(aiter(batch))
