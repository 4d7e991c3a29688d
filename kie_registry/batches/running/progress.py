"""How far a batch has come."""

from __future__ import annotations

import time

from attrs import define, field

from kie_registry.batches.running.outcomes import Outcome
from kie_registry.errors import TaskTimeout
from kie_registry.ledger.states import State

# So many tasks, or that part of all, tell how long the rest will take; a few less never do.
_ENOUGH_TO_JUDGE = 10
_PART_TO_JUDGE = 0.1
_LEAST_TO_JUDGE = 3

_MADE = frozenset({State.SUCCEEDED, State.COLLECTED, State.FAILED, State.LOST})
_NOT_MADE = frozenset({State.PLANNED, State.REFUSED})


@define
class Progress:
    """How far a batch has come: each job is one of `done`, `failed`, `unknown`, `running` or `left`.

    Attributes:
        total: How many jobs there are.
        done: How many have their files (or their result, where none are saved).
        failed: How many ended without, were refused, or could not be saved.
        unknown: How many were sent without its being known what came of it; they may have been billed.
        running: How many have left for kie.ai, run there, or are being saved.
        late: How many of the failed ones run on at kie.ai, beyond their deadline.
        earlier: How many of all had ended before this run.
        credits: The credits that all jobs are known to have consumed, earlier ones too.
        unpriced: How many of those that ended may have cost credits that nobody tells of.
        skipped: How many lines were wrong, and are left out.
        withdrawn: How many jobs the manifest names no longer; they were not sent, and will not be.
        kept: How many jobs say something else by now than when they were sent, under the same id; they are left as
            they were.
        stopped: Why nothing more is sent; empty as long as something is.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    unknown: int = 0
    running: int = 0
    late: int = 0
    earlier: int = 0
    credits: float = 0.0
    unpriced: int = 0
    skipped: int = 0
    withdrawn: int = 0
    kept: int = 0
    stopped: str = ""
    _began: float = field(factory=time.monotonic, init=False)
    _made: int = field(default=0, init=False)

    @property
    def left(self) -> int:
        """How many have yet to be sent."""
        return max(self.total - self.ended - self.running, 0)

    @property
    def ended(self) -> int:
        """How many have ended."""
        return self.done + self.failed + self.unknown

    @property
    def rate(self) -> float:
        """How many tasks end in a second at kie.ai, in this run so far; what is refused is none."""
        seconds = time.monotonic() - self._began
        return self._made / seconds if seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long the rest will take at that rate; None where it is too early to say."""
        part = _PART_TO_JUDGE * (self.total - self.earlier)
        if self._made < max(min(part, _ENOUGH_TO_JUDGE), _LEAST_TO_JUDGE):
            return None
        rate = self.rate
        return (self.total - self.ended) / rate if rate else None

    def count(self, outcome: Outcome, *, earlier: bool = False) -> None:
        """Count what came of one job."""
        if outcome.error is None:
            self.done += 1
        elif outcome.job.state == State.UNKNOWN:
            self.unknown += 1
        else:
            self.failed += 1
            self.late += isinstance(outcome.error, TaskTimeout)
        self.earlier += earlier
        state, credits_ = outcome.job.state, outcome.job.credits
        self._made += state in _MADE and not earlier
        self.credits += credits_ or 0.0
        self.unpriced += credits_ is None and state not in _NOT_MADE
