"""One process of the chaos test, with a clock that is set wrong again and again.

``python -m tests.chaos.worker SEED ROLE DIRECTORY [CALLBACK_URL]`` plays a role of `tests.chaos.roles`;
``SEED kie ARGUMENTS`` runs the command line. With an empty seed the clock is as it is.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

_DAY = 24 * 3600.0
_STEPS = (-30 * _DAY, -3600.0, -1.0, 0.0, 1.0, 3600.0, 20 * _DAY)


def unsteady(seed: str) -> Callable[[], float]:
    """Return a clock that jumps back and forth."""
    chance, real, shift = random.Random(seed), time.time, 0.0

    def now() -> float:
        nonlocal shift
        if chance.random() < 0.1:
            shift = chance.choice(_STEPS)
        return real() + shift

    return now


def main(seed: str, role: str, *arguments: str) -> int:
    """Play a role, and return the exit status."""
    # Before anything is imported that keeps the clock it finds.
    if seed:
        time.time = unsteady(seed)
    if role == "kie":
        from kie_registry.cli.run import run

        return run(arguments)
    from tests.chaos import roles

    roles.play(role, *arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
