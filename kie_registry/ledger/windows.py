"""Rate limits that all processes of a machine keep together, and that outlive them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kie_registry.ledger.owners import Owners
from kie_registry.ledger.slots import Place, Slots
from kie_registry.waking import LOOK_AGAIN, Line, Waiter


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
        self._places: dict[Waiter, Place] = {}
        self._settling: threading.Timer | None = None

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            self._drop_the_gone()
            # A child process may give back what only its parent holds.
            if (holder := next(iter(self._holders), None)) is not None:
                self._slots.answered(self._places[holder], counted=counted)
                del self._holders[holder], self._places[holder]
                self._settle()
            self._wake_first()

    def start_anew(self) -> None:
        """Forget, in a child process, what is its parent's."""
        super().start_anew()
        self._slots.start_anew()
        self._places.clear()
        self._settling = None

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._slots.close()

    def _take(self, waiter: Waiter) -> float | None:
        place = self._place(waiter)
        self._have_earliest_ticket(waiter, place)
        pause = self._slots.take(place)
        if pause is None:
            self._holders[waiter] = None
        return pause

    def _join(self, waiter: Waiter) -> None:
        if (place := self._place(waiter)).ticket is None:
            self._slots.draw(place)

    def _left(self, waiter: Waiter) -> None:
        if (place := self._places.get(waiter)) is not None:
            self._slots.give_back(place)
            del self._places[waiter]
            self._settle()

    def _place(self, waiter: Waiter) -> Place:
        return self._places.setdefault(waiter, Place())

    def _have_earliest_ticket(self, waiter: Waiter, place: Place) -> None:
        """Give `place` the ticket of one before it who will not wake: nobody would use that."""
        first = self._places.get(next(iter(self._queue), waiter))
        if first is not None and first is not place and first.ticket is not None:
            waiting = [each for each in self._places.values() if each.ticket is not None]
            earliest = min(waiting, key=lambda each: each.ticket or 0)
            place.ticket, earliest.ticket = earliest.ticket, place.ticket

    def _settle(self) -> None:
        """Write what is due, now or as soon as others let us; nobody waits for that."""
        if self._settling is None and not self._slots.settle():
            self._settling = threading.Timer(LOOK_AGAIN, self._settle_again)
            self._settling.daemon = True
            # No thread begins any more when the process ends; nothing needs to be written then.
            with contextlib.suppress(RuntimeError):
                self._settling.start()

    def _settle_again(self) -> None:
        with self._lock:
            self._settling = None
            self._settle()
