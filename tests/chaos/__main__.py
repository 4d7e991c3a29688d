"""``python -m tests.chaos``: see `tests.chaos.program`."""

from __future__ import annotations

import sys

from tests.chaos.program import main

if __name__ == "__main__":
    sys.exit(main())
