"""When the next job may be sent: only so many run at once, and no more is spent than allowed."""

from __future__ import annotations

import asyncio
from collections import Counter

from kie_registry.batches.running.prices import Kind, Prices
from kie_registry.batches.running.spending import Spending
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

# Tasks of one model that fail, one after the other, without anybody saying what they cost.
_MOST_FAILED = 3


class Admission:
    """Lets jobs in, one after the other.

    Where credits are counted, prices are found out with as little as possible at stake. Of a kind whose price was
    not seen yet, one job goes ahead, and the others wait for its end; it counts at the highest price seen of its
    model, and the first of a model goes while no other does of which nothing is known. Nobody knows whether a kind
    always costs the same, so there may run one more at once than prices were seen: 1, then 2, 4, 8. So many kinds
    of a model, too, may be tried at once. A job of which nobody says what it has cost, though it may have cost
    something, counts as others of its kind.

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
        self._spending = Spending(prices)
        self._running: dict[str, Kind | None] = {}
        self._of_a_kind: Counter[Kind] = Counter()
        # Of each model, how many of those that run are of a kind whose price was not seen yet.
        self._trying: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
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
                if self._may_enter(kind):
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
            self._trying[kind[0]] -= self._prices.of(kind) is None
            self._settle(kind, job, charged=charged)
        self._changed.set()

    def remember(self, job: Job) -> None:
        """Count what a job has cost, or may have, that ended in an earlier run."""
        if (kind := self._kind(job)) is not None:
            self._spending.expect(kind)
            if job.credits is not None:
                self._learn(kind, job)

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
            self._trying[kind[0]] += self._prices.of(kind) is None
            self._spending.expect(kind)

    def _settle(self, kind: Kind, job: Job, *, charged: bool) -> None:
        if job.credits is not None:
            self._learn(kind, job)
        elif not charged:
            self._spending.expect(kind, -1)
        elif self._prices.likely(kind) is None:
            self._failed[kind[0]] += job.state == State.FAILED
            if job.state != State.FAILED or self._failed[kind[0]] >= _MOST_FAILED:
                which = f"task {job.task_id}" if job.task_id else f"job {job.id}"
                self.stop(f"nobody says what {which} has cost, so a limit on credits cannot be kept")

    def _learn(self, kind: Kind, job: Job) -> None:
        was_tried = self._prices.of(kind) is None
        self._spending.learn(kind, job)
        if was_tried and self._prices.of(kind) is not None:
            self._trying[kind[0]] -= self._of_a_kind[kind]

    def _may_enter(self, kind: Kind | None) -> bool:
        """Whether a job may be let in now; where it can never be paid for, no job is let in any more."""
        if len(self._running) >= self._most:
            return False
        if self._max is None or kind is None:
            return True
        return self._has_turn(kind) and self._is_affordable(kind, self._max)

    def _has_turn(self, kind: Kind) -> bool:
        """Whether enough is known of the price for one more to run."""
        if self._prices.of(kind) is not None:
            return self._of_a_kind[kind] <= self._prices.seen(kind)
        if self._of_a_kind[kind]:
            return False
        if known := self._prices.kinds(kind[0]):
            return self._trying[kind[0]] <= known
        return not any(tried and not self._prices.kinds(model) for model, tried in self._trying.items())

    def _is_affordable(self, kind: Kind, most: float) -> bool:
        price = self._prices.likely(kind)
        total = self._spending.total + (price or 0.0)
        if total <= most and (price is not None or total < most):
            return True
        if not self._running:
            next_one = "and nobody knows what the next job costs" if price is None else f"the next costs {price:g}"
            self.stop(f"{self._spending.total:g} of {most:g} credits are spent, {next_one}")
        return False
