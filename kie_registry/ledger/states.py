"""The states of a job, and the only moves between them.

::

    (a batch's) ──▶ planned ◀──▶ sending ──▶ running ──▶ succeeded ──▶ collected
                       ▲          │ ▲ │        ▲ │ │         │
                       │          │ │ ▼        │ │ └▶ failed │
                       │          │ unknown ───┘ │           │
                       ▼          ▼    │         └──▶ lost ◀─┘
                    refused ◀─────┴────┘

``planned``     to be sent; nothing has left, or what left created nothing
``sending``     createTask is on its way; written before it leaves
``unknown``     createTask was sent, and whether a task came of it is not known: it may have been billed
``refused``     certainly no task came of it, and nobody will send it again by itself
``running``     kie.ai accepted it: there is a task id, and it is paid
``succeeded``   the task has a result, whose files are not saved yet
``failed``      the task ended without a result
``collected``   the files are on disk
``lost``        kie.ai keeps neither the task nor its files any more, and they were never saved

What kie.ai says is believed even where somebody said otherwise before: a callback makes ``running`` of
``unknown``, and also of ``planned`` and ``refused``. A person makes ``running``, ``refused`` or again ``sending``
of ``unknown``; nobody else does. As long as nobody knows what came of an earlier attempt, a new one that creates
nothing leads back to ``unknown``.

The process that is to send a job, or sends it, owns it. A batch plans jobs that are nobody's until a process takes
them, and again when that one lets them go, or ends, before anything was sent; those that were refused it may plan
anew. A job that is running or has succeeded may be owned by whoever sees to it. In all other states it is
nobody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a job stands."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    COLLECTED = "collected"
    LOST = "lost"


MOVES: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SENDING, State.REFUSED, State.RUNNING}),
    State.SENDING: frozenset({State.PLANNED, State.UNKNOWN, State.REFUSED, State.RUNNING}),
    State.UNKNOWN: frozenset({State.RUNNING, State.REFUSED, State.SENDING}),
    State.REFUSED: frozenset({State.PLANNED, State.RUNNING}),
    State.RUNNING: frozenset({State.SUCCEEDED, State.FAILED, State.LOST}),
    State.SUCCEEDED: frozenset({State.COLLECTED, State.LOST}),
    State.FAILED: frozenset(),
    State.COLLECTED: frozenset(),
    State.LOST: frozenset(),
}
"""State -> the states that a job may go to from there."""

INITIAL = frozenset({State.PLANNED, State.SENDING, State.RUNNING})
"""How a job may begin: planned by a batch, sent by a call, or taken over while it runs."""

PENDING = frozenset({State.SENDING, State.UNKNOWN, State.RUNNING, State.SUCCEEDED})
"""Sent (or perhaps sent), and not collected."""

OPEN = PENDING | {State.PLANNED}
"""Of these more will be heard."""

SENDERS = frozenset({State.PLANNED, State.SENDING})
"""Owned by the process that is to send them, or does."""

HELD = frozenset({State.RUNNING, State.SUCCEEDED})
"""Owned by whoever sees to them, if anybody does."""


def sources(to: State) -> tuple[State, ...]:
    """Return the states from which a job may go to `to`."""
    return tuple(state for state, targets in MOVES.items() if to in targets)
