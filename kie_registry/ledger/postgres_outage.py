"""How long a database is waited for that is gone: all who ask it have one patience together."""

from __future__ import annotations

import copy
import time

from kie_registry.errors import LedgerError


class Outage:
    """The time for which a database is gone. Whoever calls this holds the database's lock.

    Args:
        patience: The seconds for which it is waited for.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._until: float | None = None
        self._failure: tuple[LedgerError, float] | None = None

    def check(self, asked_at: float) -> None:
        """Raise LedgerError where others have waited for it in vain since that moment."""
        if self._failure is not None and asked_at <= self._failure[1]:
            raise copy.copy(self._failure[0]) from self._failure[0].__cause__

    def waits_until(self) -> float:
        """Return until when to wait for it: long ago where others did, and it was not back since."""
        now = time.monotonic()
        # After a while it may be another outage.
        if self._until is None or now > self._until + self._patience:
            self._until = now + self._patience
        return self._until

    def given_up(self, error: LedgerError, *, told: bool) -> LedgerError:
        """Return the error; where it is to be `told`, all hear of it who have asked by now."""
        if told:
            self._failure = error, time.monotonic()
        return error

    def over(self) -> None:
        """Hear that it is there."""
        self._until = self._failure = None
