"""How far a batch has come, on stderr: a bar on a terminal, a line now and then where it is piped."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from kie_registry.cli import output
from kie_registry.events import Event
from kie_registry.ledger.states import State
from kie_registry.wording import clip

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from kie_registry.batches.batch import AsyncBatch
    from kie_registry.batches.running.outcomes import Outcome
    from kie_registry.batches.running.progress import Progress

_TICK = 0.25
_QUIET = 30.0
"""The most seconds without a line, where it is piped."""

_PARTS = 10
# Of failures that say the same so many are shown one by one; so many messages are told apart.
_ALIKE = 3
_MOST_MESSAGES = 1000
_TELLING = frozenset({"limited", "retry"})
# For so long what was told last is shown.
_TOLD_FOR = 10.0


class BatchProgress:
    """Shows how far a batch has come; pass `hear` as its ``on_event``."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._said_at = time.monotonic()
        self._parts = 0
        self._earlier = 0
        self._begun = False
        self._told = ""
        self._told_at = 0.0
        self._failures: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def showing(self, batch: AsyncBatch) -> AsyncIterator[None]:
        """Show it until the context is left."""
        with contextlib.ExitStack() as stack:
            if sys.stderr.isatty():
                from rich.console import Console
                from rich.live import Live

                live = Live(
                    console=Console(stderr=True), auto_refresh=False, transient=True, redirect_stdout=False
                )
                self._live = stack.enter_context(live)
                stack.callback(self._forget_terminal)
            ticking = asyncio.create_task(self._tick(batch))
            try:
                yield
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)
                self._say_how_many_more()

    def hear(self, event: Event) -> None:
        """Hear of a step of one job, and keep what everybody waits for."""
        if event.kind in _TELLING:
            self._told, self._told_at = event.message, time.monotonic()

    def ended(self, outcome: Outcome, progress: Progress) -> None:
        """Show that a job has ended; of one that failed why, unless that was in an earlier run."""
        if progress.earlier > self._earlier:
            self._earlier = progress.earlier
            return
        self._begin(progress)
        self._tell(outcome)
        parts = progress.ended * _PARTS // max(progress.total, 1)
        if self._live is None and parts > self._parts and progress.left + progress.running:
            self._say_how_far(progress)
        self._parts = parts

    def say(self, text: str) -> None:
        """Print a line, above those that change."""
        if self._live is None:
            output.note(text)
        else:
            from rich.text import Text

            self._live.console.print(Text(output.visible(text)), soft_wrap=True)

    def _tell(self, outcome: Outcome) -> None:
        """Show why a job failed, unless enough others have failed for the same reason."""
        if outcome.error is None:
            return
        how, why = ("Unknown" if outcome.job.state == State.UNKNOWN else "Failed"), str(outcome.error)
        said = f"{how}: {_without_ids(outcome, why)}"
        if said in self._failures or len(self._failures) < _MOST_MESSAGES:
            self._failures[said] += 1
        if self._failures[said] <= _ALIKE:
            self.say(f"{how}: {_named(outcome)}: {why}")

    def _say_how_many_more(self) -> None:
        for said, times in self._failures.items():
            if times > _ALIKE:
                how, _, why = said.partition(": ")
                self.say(f"{how}: {many(times - _ALIKE, 'more job')}: {clip(why)}")

    def _begin(self, progress: Progress) -> None:
        """Say what there is to do, once that is known."""
        if not self._begun:
            self._begun = True
            self._parts = progress.earlier * _PARTS // max(progress.total, 1)
            if self._live is not None:
                self._live.update(self._drawn(progress))
            self.say(opening(progress))

    async def _tick(self, batch: AsyncBatch) -> None:
        while True:
            await asyncio.sleep(_TICK)
            progress = batch.progress
            if progress.running:
                self._begin(progress)
            if self._live is not None:
                self._live.update(self._drawn(progress), refresh=True)
            elif time.monotonic() - self._said_at > _QUIET:
                self._say_how_far(progress)

    def _say_how_far(self, progress: Progress) -> None:
        self._said_at = time.monotonic()
        left = time_left(progress)
        output.note("; ".join(filter(None, (counts(progress), left and f"{left} left", self._waiting()))))

    def _waiting(self) -> str:
        return clip(self._told) if time.monotonic() - self._told_at < _TOLD_FOR else ""

    def _drawn(self, progress: Progress) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        if not progress.total:
            return Text("checking the jobs", style="dim")
        first = Table.grid(padding=(0, 1))
        left = time_left(progress)
        first.add_row(
            ProgressBar(total=progress.total, completed=progress.ended, width=40, complete_style="green"),
            f"{100 * progress.ended // progress.total} %",
            Text(f"{left} left" if left else ""),
        )
        lines: list[RenderableType] = [first, Text(counts(progress), no_wrap=True, overflow="ellipsis")]
        if waiting := self._waiting():
            lines.append(Text(output.visible(waiting), style="dim", no_wrap=True, overflow="ellipsis"))
        return Group(*lines)

    def _forget_terminal(self) -> None:
        self._live = None


def opening(progress: Progress) -> str:
    """Return what there is to do, in words."""
    before = f": {progress.earlier:,} ended before, {progress.total - progress.earlier:,} to do"
    return f"{many(progress.total, 'job')}{before if progress.earlier else ''}"


def counts(progress: Progress) -> str:
    """Return how far a batch has come, in words."""
    parts = [f"{progress.done:,} of {progress.total:,} done"]
    for number, what in (
        (progress.running, "running"),
        (progress.left, "to do"),
        (progress.failed, "failed"),
        (progress.unknown, "unknown"),
    ):
        if number:
            parts.append(f"{number:,} {what}")
    if progress.rate:
        parts.append(f"{60 * progress.rate:,.0f} a minute")
    return ", ".join([*parts, credits_of(progress)])


def credits_of(progress: Progress) -> str:
    """Return what a batch has cost so far, in words."""
    return f"{'at least ' if progress.unpriced else ''}{many(round(progress.credits, 2), 'credit')}"


def many(number: float, thing: str) -> str:
    """Return ``1 job``, ``2 jobs``."""
    return f"{number:,g} {thing}" if number == 1 else f"{_digits(number)} {thing}s"


def _digits(number: float) -> str:
    return f"{number:,.0f}" if number == int(number) else f"{number:,}"


def time_left(progress: Progress) -> str:
    """Return how long the rest will take, as ``1:02:03`` or ``2:03``; empty where it is too early to say."""
    seconds = progress.seconds_left
    if seconds is None or seconds < 1 or progress.stopped:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _without_ids(outcome: Outcome, text: str) -> str:
    """Return a message without what is another for each job."""
    for own in filter(None, (outcome.job.id, outcome.job.task_id)):
        text = text.replace(own, "...")
    return text


def _named(outcome: Outcome) -> str:
    return outcome.id or outcome.name or f"job {outcome.job.id}"
