"""Callbacks from kie.ai: their signature, what they say, and an ASGI application that takes them.

kie.ai signs the task id and the time of a callback, not its body. So even a verified callback is only a hint, and
the task's record is read before anything is believed. `Receiver` does that; for a receiver of your own there are
`verify` and `parse`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kie_registry.webhooks.parsing import Callback as Callback, parse as parse
    from kie_registry.webhooks.receiver import Receipt as Receipt, Receiver as Receiver
    from kie_registry.webhooks.signature import sign as sign, verify as verify

__all__ = ["Callback", "Receipt", "Receiver", "parse", "sign", "verify"]

# Who only signs or verifies needs no client.
_HOMES = {
    "Callback": "parsing",
    "Receipt": "receiver",
    "Receiver": "receiver",
    "parse": "parsing",
    "sign": "signature",
    "verify": "signature",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
