"""What a run of a batch came to: said at the end, or as JSON, and as an exit status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field

from kie_registry.batches.folders.folder import RESULTS
from kie_registry.cli import output
from kie_registry.cli.batch_progress import credits_of, many
from kie_registry.ledger.opening import with_ledger

if TYPE_CHECKING:
    from kie_registry.batches.running.outcomes import Outcome
    from kie_registry.batches.running.progress import Progress
    from kie_registry.errors import KieError

_FAILED, _WRONG, _UNKNOWN, _STILL_RUNNING, _INTERRUPTED = 1, 2, 3, 4, 130
_MOST_ERRORS = 100

# Words of the reason for which a batch was stopped, and when it can go on.
_WAYS_ON = (
    ("credits are spent", "With a higher --max-credits"),
    ("limit on credits", "Without --max-credits"),
    ("balance", "Once the account has credits again"),
    ("requests in a row", "Once kie.ai answers again"),
)


@define(eq=False)
class Ending:
    """What a run of a batch came to.

    Attributes:
        directory: The folder of its files.
        ledger: The file of the ledger, unless it is the default one.
        progress: How far it came.
        interruptions: How often it was interrupted.
        error: What ended it when it had begun; None where nothing did.
    """

    directory: Path
    ledger: Path | str | None
    progress: Progress
    interruptions: int = 0
    error: KieError | None = None
    _errors: list[dict[str, Any]] = field(factory=list, init=False)
    _began: float = field(factory=time.monotonic, init=False)

    def note(self, outcome: Outcome) -> None:
        """Note why a job failed; of very many, only the first."""
        error = outcome.error
        if error is not None and len(self._errors) < _MOST_ERRORS:
            self._errors.append(
                {
                    "id": outcome.id,
                    "name": outcome.name,
                    "model": outcome.model,
                    "state": str(outcome.job.state),
                    "job_id": outcome.job.id,
                    "task_id": outcome.job.task_id,
                    "type": type(error).__name__,
                    "message": str(error),
                    "charged": error.charged,
                }
            )

    def tell(self, *, as_json: bool) -> int:
        """Say it, and return the exit status."""
        if as_json:
            output.show_json(self._as_dict())
        elif self.progress.total:
            output.show(self._in_a_line())
        for text in self._what_next():
            output.note(text)
        if self.error is not None:
            output.fail(str(self.error))
        return self._status()

    @property
    def _open(self) -> int:
        """How many jobs have not ended."""
        return self.progress.left + self.progress.running

    def _status(self) -> int:
        progress = self.progress
        if self.interruptions and (self._open or not progress.total):
            return _INTERRUPTED
        if not progress.total:
            return _WRONG
        if progress.unknown:
            return _UNKNOWN
        if progress.late:
            return _STILL_RUNNING
        return _FAILED if progress.failed or self._open or self.error else 0

    def _in_a_line(self) -> str:
        progress = self.progress
        results = f"results in {self.directory / RESULTS}"
        if progress.done == progress.earlier == progress.total:
            which = f"all {progress.total:,} were" if progress.total > 1 else "the only job was"
            return f"{which} done before; nothing was sent; {results}"
        left = f", {self._open:,} left" if self._open else ""
        ended = f"{progress.done:,} done, {progress.failed:,} failed, {progress.unknown:,} unknown{left}"
        before = ", all before; nothing was sent" if progress.earlier == progress.total else ""
        return f"{ended}{before}; {credits_of(progress)}; {results}"

    def _what_next(self) -> list[str]:
        """Return what is to be known, and done, about all that is not well."""
        return [*self._of_the_lines(), *self._of_what_is_open(), *self._of_failures()]

    def _of_the_lines(self) -> Iterator[str]:
        progress = self.progress
        if progress.skipped:
            lines = many(progress.skipped, "wrong line")
            yield f"{lines} left out; without --skip-invalid, all that is wrong is told, and nothing is sent."
        if progress.kept:
            yield (
                f"What was sent under the id of {many(progress.kept, 'line')} said something else, and is left as "
                "it was. Give a line another id to have it made, and paid, anew."
            )
        if progress.withdrawn:
            yield f"{many(progress.withdrawn, 'job')} that the file names no longer will not be sent."

    def _of_what_is_open(self) -> Iterator[str]:
        progress = self.progress
        if self.interruptions and not progress.total:
            yield "Interrupted. Nothing was sent."
        elif self.interruptions and self._open:
            yield f"Interrupted: {self._of_the_rest()} Nothing is lost: the same command goes on."
        elif self._open:
            if progress.stopped:
                yield f"Stopped: {progress.stopped}"
            yield f"{self._of_the_rest()} {self._way_on()}, the same command goes on."

    def _of_failures(self) -> Iterator[str]:
        progress = self.progress
        if progress.unknown:
            unknown = with_ledger("kie task list --unknown", self.ledger)
            yield f"Of {many(progress.unknown, 'job')} nobody knows whether kie.ai accepted them: `{unknown}`."
        if progress.late:
            yield (
                f"The tasks of {many(progress.late, 'job')} run on beyond the deadline, and are paid: the same "
                "command waits for them again."
            )
        if progress.failed > progress.late:
            yield (
                "What was refused or could not be saved is tried again by the same command. A task that failed at "
                "kie.ai is not; give its line another id to have it made, and paid, anew."
            )

    def _of_the_rest(self) -> str:
        """Say how the jobs stand that have not ended."""
        progress = self.progress
        running = f"{many(progress.running, 'job')} running" if progress.running else ""
        left = f"{many(progress.left, 'job')} not sent" if progress.left else ""
        return f"{' and '.join(filter(None, (left, running)))}."

    def _way_on(self) -> str:
        """Say when the same command goes on."""
        stopped = self.progress.stopped
        return next((way for words, way in _WAYS_ON if words in stopped), "Once that is mended")

    def _as_dict(self) -> dict[str, Any]:
        progress = self.progress
        failures = progress.failed + progress.unknown
        return {
            "total": progress.total,
            "done": progress.done,
            "failed": progress.failed,
            "unknown": progress.unknown,
            "running": progress.running,
            "left": progress.left,
            "late": progress.late,
            "earlier": progress.earlier,
            "skipped": progress.skipped,
            "withdrawn": progress.withdrawn,
            "kept": progress.kept,
            "credits": progress.credits,
            "unpriced": progress.unpriced,
            "seconds": round(time.monotonic() - self._began, 3),
            "stopped": progress.stopped or None,
            "results": str(self.directory / RESULTS),
            "error": None if self.error is None else str(self.error),
            "errors": self._errors,
            "more_errors": failures - len(self._errors),
        }
