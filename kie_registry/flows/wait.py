"""Follow a task to its end by reading its record, no more often than is welcome."""

from __future__ import annotations

import asyncio

from kie_registry.effects import Flow
from kie_registry.events import Listener
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import Look, how_to_go_on
from kie_registry.flows.pauses import Pauses
from kie_registry.session import Session
from kie_registry.status import TaskStatus


class Watch:
    """One wait for one task.

    Args:
        session: The client's session.
        journal: The journal of its job, which knows the task's id.
        deadline_at: The moment until which to wait, by the session's clock.
        fresh: Whether the task was created just now, in this call.
        listener: Who is told of changes.

    Attributes:
        journal: The journal.
    """

    def __init__(
        self,
        session: Session,
        journal: Journal,
        *,
        deadline_at: float,
        fresh: bool,
        listener: Listener | None = None,
    ) -> None:
        self.journal = journal
        self._look = Look(session, journal, deadline_at=deadline_at, fresh=fresh, listener=listener)
        self._pauses = Pauses(session, journal)

    def to_the_end(self) -> Flow[TaskStatus]:
        """Read until the task ends, and return its last status; raises as `advance` does."""
        try:
            while True:
                status = yield from self.advance()
                if status.done:
                    return status
        except GeneratorExit:
            raise
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, asyncio.CancelledError)):
                error.add_note(f"Task {self._look.task_id} goes on. {how_to_go_on(self._look.task_id)}")
            yield from self.journal.let_go()
            raise

    def advance(self) -> Flow[TaskStatus]:
        """Wait until the next read is due, read, and return what the record says; raises as `Look.read` does."""
        yield from self._look.prepare()
        while True:
            if (pause := self._look.pause()) > 0:
                yield from self._pauses.sleep(pause)
            if (status := (yield from self._look.read())) is not None:
                return status
