"""When the next job may be sent: only so many run at once, and no more is spent than allowed."""

from __future__ import annotations

import asyncio
from collections import Counter

from kie_registry.batches.running.prices import Kind, Prices
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

# Tasks of one kind that fail, one after the other, without anybody saying what they cost.
_MOST_FAILED = 3


class Admission:
    """Lets jobs in, one after the other.

    Where a price is not known, one job of its kind is sent first, and the others wait for its end. A job of which
    nobody says what it has cost, though it may have cost something, counts as others of its kind.

    Args:
        most: How many jobs may run at once.
        prices: What jobs cost.
        max_credits: The credits that may be spent; None for any number.

    Attributes:
        waiting: How many jobs wait to be let in.
        reason: Why no job is let in any more; empty as long as jobs are.
    """

    def __init__(self, most: float, prices: Prices, *, max_credits: float | None = None) -> None:
        self.reason = ""
        self.waiting = 0
        self._most = most
        self._prices = prices
        self._max = max_credits
        self._spent = 0.0
        # What jobs cost that run, or of which nobody said; of these there are so many of each kind.
        self._assumed = 0.0
        self._unsaid: Counter[Kind] = Counter()
        self._running: dict[str, Kind | None] = {}
        self._of_a_kind: Counter[Kind] = Counter()
        self._failed: Counter[Kind] = Counter()
        self._changed = asyncio.Event()

    @property
    def running(self) -> int:
        """How many jobs are in."""
        return len(self._running)

    async def admit(self, job: Job) -> bool:
        """Wait until a job may be sent, and let it in; False where none is let in any more."""
        kind = self._kind(job)
        self.waiting += 1
        try:
            while not self.reason:
                if len(self._running) < self._most and self._is_affordable(kind):
                    self._let_in(job, kind)
                    return True
                self._changed.clear()
                if not self.reason:
                    await self._changed.wait()
        finally:
            self.waiting -= 1
        return False

    def let_in(self, job: Job) -> None:
        """Count a job that runs, however many there are."""
        self._let_in(job, self._kind(job))

    def let_out(self, job: Job, *, charged: bool) -> None:
        """Count a job no more that has ended; `charged` says whether it may have cost something."""
        if (kind := self._running.pop(job.id, None)) is not None:
            self._of_a_kind[kind] -= 1
            self._settle(kind, job, charged=charged)
        self._changed.set()

    def remember(self, job: Job) -> None:
        """Count what a job has cost, or may have, that ended in an earlier run."""
        if (kind := self._kind(job)) is not None:
            self._assume(kind, 1)
            if job.credits is not None:
                self._learn(kind, job.credits)

    def stop(self, reason: str) -> None:
        """Let no job in any more; the first reason counts."""
        self.reason = self.reason or reason
        self._changed.set()

    def _kind(self, job: Job) -> Kind | None:
        """Return the kind of a job; None where nobody counts credits."""
        return None if self._max is None else self._prices.kind(job)

    def _let_in(self, job: Job, kind: Kind | None) -> None:
        self._running[job.id] = kind
        if kind is not None:
            self._of_a_kind[kind] += 1
            self._assume(kind, 1)

    def _settle(self, kind: Kind, job: Job, *, charged: bool) -> None:
        if job.credits is not None:
            self._learn(kind, job.credits)
        elif not charged:
            self._assume(kind, -1)
        elif self._prices.of(kind) is None:
            self._failed[kind] += job.state == State.FAILED
            if job.state != State.FAILED or self._failed[kind] >= _MOST_FAILED:
                which = f"task {job.task_id}" if job.task_id else f"job {job.id}"
                self.stop(f"nobody says what {which} has cost, so a limit on credits cannot be kept")

    def _assume(self, kind: Kind, jobs: int) -> None:
        """Count so many more jobs of a kind at its price."""
        self._unsaid[kind] += jobs
        self._assumed += jobs * (self._prices.of(kind) or 0.0)

    def _learn(self, kind: Kind, credits_: float) -> None:
        """Count a job at what it has cost, and the others of its kind at that price if it is higher."""
        self._assume(kind, -1)
        before = self._prices.of(kind) or 0.0
        self._prices.observe(kind, credits_)
        self._assumed += self._unsaid[kind] * ((self._prices.of(kind) or 0.0) - before)
        self._spent += credits_

    def _is_affordable(self, kind: Kind | None) -> bool:
        """Whether a job fits into what is left; where it never will, no job is let in any more."""
        if self._max is None or kind is None:
            return True
        price = self._prices.of(kind)
        if price is None and self._of_a_kind[kind]:
            return False
        total = self._spent + self._assumed + (price or 0.0)
        if total <= self._max and (price is not None or total < self._max):
            return True
        if not self._running:
            next_one = "and nobody knows what the next job costs" if price is None else f"the next costs {price:g}"
            spent = self._spent + self._assumed
            self.stop(f"{spent:g} of {self._max:g} credits are spent, {next_one}")
        return False
