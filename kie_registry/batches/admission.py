"""When the next job may be sent: only so many run at once, and no more is spent than allowed."""

from __future__ import annotations

import asyncio
from collections import Counter

from attrs import frozen

from kie_registry.batches.prices import Kind, Prices
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State


@frozen
class _Entry:
    """What a job that runs is expected to cost.

    Attributes:
        kind: Its kind; None where nobody counts credits.
        price: The credits; None where nobody knows yet.
    """

    kind: Kind | None = None
    price: float | None = None


_UNCOUNTED = _Entry()


class Admission:
    """Lets jobs in, one after the other.

    Where a price is not known, one job of its kind is sent first, and the others wait for its end. What a job
    whose outcome is unknown would have cost counts as spent.

    Args:
        most: How many jobs may run at once.
        prices: What jobs cost.
        max_credits: The credits that may be spent; None for any number.
        spent: The credits that were spent before.

    Attributes:
        reason: Why no job is let in any more; empty as long as jobs are.
    """

    def __init__(
        self, most: float, prices: Prices, *, max_credits: float | None = None, spent: float = 0.0
    ) -> None:
        self.reason = ""
        self._most = most
        self._prices = prices
        self._max = max_credits
        self._spent = spent
        self._expected = 0.0
        self._running: dict[str, _Entry] = {}
        self._unpriced: Counter[Kind] = Counter()
        self._changed = asyncio.Event()

    @property
    def running(self) -> int:
        """How many jobs are in."""
        return len(self._running)

    async def admit(self, job: Job) -> bool:
        """Wait until a job may be sent, and let it in; False where none is let in any more."""
        while not self.reason:
            if len(self._running) < self._most and self._is_affordable(job):
                self.let_in(job)
                return True
            self._changed.clear()
            if not self.reason:
                await self._changed.wait()
        return False

    def let_in(self, job: Job) -> None:
        """Count a job that runs, however many there are."""
        entry = _UNCOUNTED
        if self._max is not None:
            kind = self._prices.kind(job)
            entry = _Entry(kind, self._prices.of(kind))
            self._expected += entry.price or 0.0
            self._unpriced[kind] += entry.price is None
        self._running[job.id] = entry

    def let_out(self, job: Job, *, charged: bool) -> None:
        """Count a job no more that has ended; `charged` says whether it may have cost something."""
        entry = self._running.pop(job.id, _UNCOUNTED)
        if entry.kind is not None:
            self._settle(entry, entry.kind, job, charged=charged)
        self._changed.set()

    def stop(self, reason: str) -> None:
        """Let no job in any more; the first reason counts."""
        self.reason = self.reason or reason
        self._changed.set()

    def _settle(self, entry: _Entry, kind: Kind, job: Job, *, charged: bool) -> None:
        self._expected -= entry.price or 0.0
        self._unpriced[kind] -= entry.price is None
        if job.credits is not None:
            self._prices.observe(kind, job.credits)
            self._spent += job.credits
        elif charged:
            price = self._prices.of(kind)
            self._spent += price or 0.0
            if price is None and job.state != State.FAILED:
                which = f"task {job.task_id}" if job.task_id else f"job {job.id}"
                self.stop(f"nobody says what {which} has cost, so a limit on credits cannot be kept")

    def _is_affordable(self, job: Job) -> bool:
        """Whether a job fits into what is left; where it never will, no job is let in any more."""
        if self._max is None:
            return True
        kind = self._prices.kind(job)
        price = self._prices.of(kind)
        if price is None and self._unpriced[kind]:
            return False
        total = self._spent + self._expected + (price or 0.0)
        if total <= self._max and (price is not None or total < self._max):
            return True
        if not self._running:
            next_one = "and nobody knows what the next job costs" if price is None else f"the next costs {price:g}"
            self.stop(f"{self._spent:g} of {self._max:g} credits are spent, {next_one}")
        return False
