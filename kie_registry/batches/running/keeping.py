"""Ask a ledger from a coroutine that is in no flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from kie_registry.effects import Keep

T = TypeVar("T")


async def kept(function: Callable[[], T]) -> T:
    """Return what a function that blocks returns; once begun it is finished, even if this is cancelled."""
    value: T = await Keep(function).perform_async(None)
    return value
