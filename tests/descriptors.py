"""Counting what a process has open, to see that nothing leaks."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN = Path("/proc/self/fd")


def open_descriptors() -> int:
    """Return how many files, sockets and pipes this process has open; 0 where the system does not tell."""
    gc.collect()
    return len(os.listdir(_OPEN)) if sys.platform == "linux" else 0  # noqa: PTH208


@contextmanager
def none_left_open() -> Iterator[None]:
    """Fail if more is open afterwards than before."""
    before = open_descriptors()
    yield
    assert open_descriptors() <= before
