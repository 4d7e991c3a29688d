"""A minimal kie.ai that limits the creation of tasks, answers late, and counts.

python -m benchmarks.strict_server READS CREATES SECONDS
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import deque

from benchmarks.server import Connection, response, serve

COUNTED = "/counted"
"""Where it says when it accepted tasks, and how many requests it refused."""

_LATEST = 0.3
_chance = random.Random(1)
_accepted: list[float] = []
_window: deque[float] = deque()
_refused: list[float] = []


def _take(creates: int, seconds: float) -> bool:
    """Count a request for a task; False where that is one too many, which does not count."""
    now = time.monotonic()
    while _window and _window[0] <= now - seconds:
        _window.popleft()
    if len(_window) >= creates:
        _refused.append(now)
        return False
    _window.append(now)
    _accepted.append(now)
    return True


class _Strict(Connection):
    creates, seconds = 20, 10.0

    def answer(self, head: bytes) -> None:
        if head.startswith(f"GET {COUNTED} ".encode()):
            self.write(response({"accepted": _accepted, "refused": len(_refused)}))
            return
        refused = head.startswith(b"POST") and not _take(self.creates, self.seconds)
        # What is refused is told at once, and what is accepted when the server feels like it.
        if refused:
            self.write(response(None, code=429, message="Too many requests. Please try again later."))
        else:
            asyncio.get_running_loop().call_later(_chance.uniform(0, _LATEST), super().answer, head)


if __name__ == "__main__":
    _Strict.creates, _Strict.seconds = int(sys.argv[2]), float(sys.argv[3])
    asyncio.run(serve(_Strict))
