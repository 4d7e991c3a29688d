"""What the jobs of a batch have cost, and will, as far as anybody can know."""

from __future__ import annotations

from collections import Counter

from kie_registry.batches.running.prices import Kind, Prices
from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State


class Spending:
    """Adds up what jobs have cost, and what those will likely cost of which nobody has said so yet.

    Args:
        prices: What jobs cost.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._spent = 0.0
        self._expected = 0.0
        # Of each kind, how many jobs run, or have ended without a word of what they cost.
        self._unsaid: Counter[Kind] = Counter()

    @property
    def total(self) -> float:
        """What all jobs have cost, or will, in credits."""
        return self._spent + self._expected

    def expect(self, kind: Kind, jobs: int = 1) -> None:
        """Count so many more jobs of a kind at the price that is likely."""
        self._unsaid[kind] += jobs
        if not self._unsaid[kind]:
            del self._unsaid[kind]
        self._expected += jobs * self._price(kind)

    def learn(self, kind: Kind, job: Job) -> None:
        """Count a job, which was expected, at what it has cost, and others like it at what that teaches."""
        credits_ = job.credits or 0.0
        self.expect(kind, -1)
        self._spent += credits_
        # Of a task that failed and was not charged, nobody learns a price.
        told = credits_ or job.state != State.FAILED
        if told and self._prices.observe(kind, credits_):
            self._expected = sum(jobs * self._price(each) for each, jobs in self._unsaid.items())

    def _price(self, kind: Kind) -> float:
        return self._prices.likely(kind) or 0.0
