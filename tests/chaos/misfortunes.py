"""What goes wrong at the server, and how often."""

from __future__ import annotations

import random
from typing import Any

from kie_registry.sandbox import Sandbox

# For each job that is handed out: how likely, to which request, and what happens to it.
_MISFORTUNES: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (0.03, "createTask", {"cut": "before"}),
    (0.03, "createTask", {"cut": "after"}),
    (0.03, "createTask", {"cut": "midway"}),
    (0.02, "createTask", {"code": 500, "accepted": True}),
    (0.02, "createTask", {"status": 502, "body": "<html>Bad Gateway</html>", "accepted": True}),
    (0.01, "createTask", {"status": 500, "body": ""}),
    # With the status, unlike the sandbox's own.
    (0.02, "createTask", {"status": 429, "times": 3}),
    (0.01, "createTask", {"code": 433}),
    (0.05, "recordInfo", {"cut": "before"}),
    (0.05, "recordInfo", {"cut": "midway"}),
    (0.05, "recordInfo", {"status": 500}),
    (0.02, "recordInfo", {"status": 429, "times": 3}),
    (0.05, "/files/", {"cut": "before"}),
    (0.10, "/files/", {"cut": "midway"}),
    (0.03, "/files/", {"status": 503, "body": "busy"}),
    (0.03, "/files/", {"status": 403, "body": "expired"}),
)


def prepare(box: Sandbox, chance: random.Random) -> None:
    """Decide what goes wrong with one of the next requests, if anything."""
    for likely, path, what in _MISFORTUNES:
        if chance.random() < likely:
            box.answer_next(path, **what)
    if chance.random() < 0.3:
        box.end_next(latency=chance.lognormvariate(-1.0, 0.7))
