"""Rate limits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from kie_registry.sandbox.envelope import Refusal
from kie_registry.sandbox.options import Limit


class SlidingWindow:
    """At most so many requests in any window of so many seconds. A refused one does not count."""

    def __init__(self, limit: Limit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._times: deque[float] = deque()

    def take(self) -> None:
        """Count a request, or refuse it with code 429."""
        if self._limit is None:
            return
        number, seconds = self._limit
        now = self._clock()
        while self._times and self._times[0] <= now - seconds:
            self._times.popleft()
        if len(self._times) >= number:
            raise Refusal(429, f"Too many requests: at most {number} in {seconds:g} s. Please try again later.")
        self._times.append(now)
