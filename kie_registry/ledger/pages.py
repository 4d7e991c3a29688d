"""The jobs of a batch, however many there are, a page at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from kie_registry.ledger.job import Job
from kie_registry.ledger.states import State

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

_PAGE = 250


def pages_of(ledger: Ledger, batch: str, states: Collection[State] | None = None) -> Iterator[list[Job]]:
    """Yield the jobs of a batch in pages, in the order of planning; raises LedgerError."""
    after = 0
    while page := ledger.batch(batch, states=states, after=after, limit=_PAGE):
        yield page
        after = page[-1].number


def jobs_of(ledger: Ledger, batch: str, states: Collection[State] | None = None) -> Iterator[Job]:
    """Yield the jobs of a batch, in the order of planning; raises LedgerError."""
    for page in pages_of(ledger, batch, states):
        yield from page
