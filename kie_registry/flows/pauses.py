"""The pauses between two reads of a task's record, which a callback ends."""

from __future__ import annotations

from kie_registry import hints
from kie_registry.effects import Flow, Run, Sleep
from kie_registry.errors import LedgerError
from kie_registry.flows.journal import Journal
from kie_registry.ledger.states import State
from kie_registry.session import Session
from kie_registry.waking import LOOK_AGAIN

# A thousand who wait look more rarely, so that they cost no more than these.
_LOOKS_IN_A_SECOND = 100


class Pauses:
    """The pauses of one wait for one task.

    A callback that arrives in this process ends them, and one that another process has written into the ledger
    does so about a second later (where over a hundred wait here, a second for each hundred).

    Args:
        session: The client's session.
        journal: The journal of the task's job.
    """

    def __init__(self, session: Session, journal: Journal) -> None:
        job = journal.job
        self._job_id = job.id
        self._hint = hints.expect(session.account, job.task_id or "")
        asked_for_a_callback = journal.kept and job.callback_url is not None and job.state == State.RUNNING
        self._ledger = session.ledger if asked_for_a_callback else None

    def sleep(self, seconds: float) -> Flow[None]:
        """Wait for so many seconds, or until there is word that the task may have ended."""
        while seconds > 0:
            pause = seconds if self._ledger is None else min(seconds, _until_next_look())
            seconds -= pause
            if (yield Sleep(pause, self._hint)) or (yield from self._ended_elsewhere()):
                return

    def _ended_elsewhere(self) -> Flow[bool]:
        """Whether another process has written down the end of the task; told once."""
        if (ledger := self._ledger) is None:
            return False
        try:
            job = yield Run(lambda: ledger.get(self._job_id))
        except LedgerError:
            # Without the ledger the record is polled, as it is without a callback.
            return False
        if job is None or job.state == State.RUNNING:
            return False
        self._ledger = None
        return True


def _until_next_look() -> float:
    return LOOK_AGAIN * max(1.0, hints.expected() / _LOOKS_IN_A_SECOND)
