"""Rate limits that all processes of a machine keep together, and that outlive them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from kie_registry.ledger.owners import Owners
from kie_registry.ledger.slots import Slots
from kie_registry.waking import Line, Waiter


class SharedWindow(Line):
    """A `RateLimit` of all processes of this machine that use the same file.

    Requests are sent in the order in which they were asked for, over all processes. In each process only the first
    in line looks into the file: when the slot that it waits for will be free, and once a second while
    something may happen of which nobody tells it. A process that has died holds no slot.

    Args:
        path: The file; made on first use. It holds nothing that would be missed.
        owners: The processes that use it.
        kind: What is limited, such as ``create``.
        account: Whose limit it is; a hash, and never the key itself.
        number: How many requests there may be in `seconds`.
        seconds: The time after its answer for which a request counts.
        clock: Seconds that only go forward, the same in all processes.

    Asking raises LedgerError where the file cannot be used. `release` does not: something was sent by then.
    """

    def __init__(  # noqa: PLR0917
        self,
        path: Path,
        owners: Owners,
        kind: str,
        account: str,
        number: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self._slots = Slots(path, owners, f"{kind} {account}", number, seconds, clock)
        self._in_flight: deque[int] = deque()
        self._tickets: dict[Waiter, int] = {}

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            # A child process may give back what only its parent holds.
            if self._in_flight:
                self._slots.answered(self._in_flight.popleft(), counted=counted)
            self._wake_first()

    def start_anew(self) -> None:
        """Forget, in a child process, what is its parent's."""
        super().start_anew()
        self._slots.start_anew()
        self._in_flight.clear()
        self._tickets.clear()

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._slots.close()

    def _take(self, waiter: Waiter) -> float | None:
        self._have_earliest_ticket(waiter)
        look = self._slots.take(self._tickets.get(waiter))
        if look.slot is not None:
            self._in_flight.append(look.slot)
            self._tickets.pop(waiter, None)
            return None
        if look.ticket is not None:
            self._tickets[waiter] = look.ticket
        return look.pause

    def _join(self, waiter: Waiter) -> None:
        self._tickets[waiter] = self._slots.draw()

    def _left(self, waiter: Waiter) -> None:
        if (ticket := self._tickets.pop(waiter, None)) is not None:
            self._slots.turn_in(ticket)

    def _have_earliest_ticket(self, waiter: Waiter) -> None:
        """Give `waiter` the ticket of one before it who will not wake: nobody would use that."""
        first = next(iter(self._queue), waiter)
        if first is not waiter and first in self._tickets:
            earliest = min(self._tickets, key=self._tickets.__getitem__)
            own = self._tickets.pop(waiter, None)
            self._tickets[waiter] = self._tickets.pop(earliest)
            if own is not None and earliest is not waiter:
                self._tickets[earliest] = own
