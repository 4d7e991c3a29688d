"""How long a whole request may take, however its bytes drip."""

from __future__ import annotations

from time import monotonic
from typing import Self

# Connecting, sending and being answered may each need all of their time, and no more than that.
_STEPS = 3
# Bytes per second. What moves a file no faster is not worth the place that it holds.
_LEAST_RATE = 1024


class RequestTimeout(float):
    """The seconds for each step of a request, as httpx takes them, that also know when all of it must be over.

    httpx counts anew for each piece that it reads, so that a server which sends a byte now and then would hold a
    request for ever. All in all it gets three times as long; time is added while a file moves.
    """

    _ends: float

    def __new__(cls, seconds: float) -> Self:
        """Begin to count."""
        self = super().__new__(cls, seconds)
        self._ends = monotonic() + _STEPS * seconds
        return self

    @property
    def steps(self) -> dict[str, float]:
        """The timeout of each step, as httpx takes them."""
        return dict.fromkeys(("connect", "read", "write", "pool"), self)

    @property
    def total(self) -> float:
        """The seconds that the whole request gets."""
        return _STEPS * self

    def left(self) -> float:
        """Return the seconds that the next step may take; none are left where it is not above 0."""
        return min(self, self._ends - monotonic())

    def earn(self, size: int) -> None:
        """Add the time that so many bytes of a file may take; there is never more left than in the beginning."""
        self._ends = min(self._ends + size / _LEAST_RATE, monotonic() + self.total)
