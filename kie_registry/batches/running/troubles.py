"""When to send nothing more: after what would befall every other job as well."""

from __future__ import annotations

from collections.abc import Callable

from kie_registry.answers import KEY_USED_UP
from kie_registry.errors import (
    AuthenticationError,
    IllegalMove,
    InsufficientCredits,
    KieError,
    LedgerError,
    Maintenance,
    SubmitOutcomeUnknown,
    TransportError,
)

# After one of these no other job would fare better.
_HOPELESS = (AuthenticationError, InsufficientCredits, Maintenance, LedgerError, TransportError)
# An answer may get lost. Where several do in a row, all that follow may be paid for nothing.
_MOST_UNKNOWN = 3
# One result may be broken, or its server slow. Where several are not saved, what follows would not be either.
_MOST_UNSAVED = 5


class Troubles:
    """The troubles of a runner.

    Args:
        stop: Called with the reason where nothing more is to be sent.
    """

    def __init__(self, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self._unknown_in_a_row = 0
        self._unsaved_in_a_row = 0

    def sent(self) -> None:
        """Hear that a task was created."""
        self._unknown_in_a_row = 0

    def not_sent(self, error: KieError) -> None:
        """Hear why there is no task, or none that is known."""
        unknown = isinstance(error, SubmitOutcomeUnknown)
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if unknown else 0
        if self._unknown_in_a_row >= _MOST_UNKNOWN:
            self._stop(f"of {_MOST_UNKNOWN} requests in a row nobody knows whether they created a task")
        hopeless = isinstance(error, _HOPELESS) and not isinstance(error, IllegalMove)
        if hopeless or error.code == KEY_USED_UP:
            self._stop(str(error))

    def saved(self) -> None:
        """Hear that the files of a job are saved."""
        self._unsaved_in_a_row = 0

    def not_saved(self, error: KieError) -> None:
        """Hear why the files of a job could not be saved."""
        self._unsaved_in_a_row += 1
        # The disk is full, or gone; what other storage says of that may be of any class.
        if isinstance(error.__cause__, OSError) or self._unsaved_in_a_row >= _MOST_UNSAVED:
            self._stop(str(error))
