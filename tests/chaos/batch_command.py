"""``python -m tests.chaos.batch_command SEED ARGUMENTS``: the command line, with a wrong clock and high limits.

The limits of kie.ai would make of ten thousand jobs an hour and a half.
"""

from __future__ import annotations

import sys
import time

from tests.chaos.worker import unsteady

_HIGH = {"creates": (1000, 1.0), "reads": (2000, 1.0), "poll_interval": 0.3}


def main(seed: str, *arguments: str) -> int:
    """Run a command, and return its exit status."""
    # Before anything is imported that keeps the clock it finds.
    if seed:
        time.time = unsteady(seed)
    from kie_registry.async_client import AsyncKie
    from kie_registry.cli.run import run

    defaults = AsyncKie.__init__.__kwdefaults__
    assert defaults is not None
    defaults.update(_HIGH)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
