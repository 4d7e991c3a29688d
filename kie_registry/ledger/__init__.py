"""The ledger: every job that was sent or may have been, so that nothing is paid twice, and nothing paid is lost.

kie.ai bills a task when it accepts it, has no idempotency key and lists no tasks. So the client remembers: a job
is written down before createTask leaves, and its task id before the caller has it. `states` draws how a job goes
on from there. `Ledger` says what a ledger can do; `SqliteLedger` keeps one in a file, `PostgresLedger` in
a database that many machines share.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kie_registry.ledger.job import Job as Job
    from kie_registry.ledger.postgres import PostgresLedger as PostgresLedger
    from kie_registry.ledger.protocol import Ledger as Ledger
    from kie_registry.ledger.sqlite import SqliteLedger as SqliteLedger
    from kie_registry.ledger.states import State as State

__all__ = ["Job", "Ledger", "PostgresLedger", "SqliteLedger", "State"]

# SQLite and psycopg are imported by those who keep a ledger in them, and by nobody else.
_HOMES = {
    "Job": "job",
    "Ledger": "protocol",
    "PostgresLedger": "postgres",
    "SqliteLedger": "sqlite",
    "State": "states",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
