"""What came of one job, of a batch or of what is collected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from kie_registry.batches.plans.identity import id_in
from kie_registry.errors import KieError
from kie_registry.ledger.job import Job
from kie_registry.results import BaseResult


@frozen
class Outcome:
    """What came of one job.

    Attributes:
        job: The job, as it stands now.
        paths: Its files on this machine.
        result: Its result; None where there is none.
        error: Why there is none, or why it could not be saved; None where all is well.
    """

    job: Job
    paths: Sequence[Path] = ()
    result: BaseResult | None = field(default=None, repr=False)
    error: KieError | None = None

    @property
    def id(self) -> str | None:
        """The id that the job was given in its batch, or None."""
        return id_in(self.job.key)

    @property
    def name(self) -> str | None:
        """The name, without suffix, that its files were to have, or None."""
        return self.job.name

    @property
    def model(self) -> str | None:
        """The model id; None for a task that was made elsewhere."""
        return self.job.model

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of its files, for up to 14 days."""
        return () if self.result is None else self.result.urls

    @property
    def credits(self) -> float | None:
        """The credits that it consumed, or None where kie.ai does not say."""
        return self.job.credits

    @property
    def seconds(self) -> float | None:
        """How long its task took, by kie.ai's clock, or None."""
        return self.job.seconds
