"""A task at kie.ai, for the synchronous client."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from kie_registry.calls import Calls
from kie_registry.effects import drive
from kie_registry.events import Listener
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import read_status
from kie_registry.flows.wait import Watch
from kie_registry.http import Http
from kie_registry.results import Result
from kie_registry.status import TaskStatus


@define(eq=False)
class Task:
    """A task at kie.ai.

    Attributes:
        id: Its id; `Kie.task` takes it up again with that.
        model: The model id, or None for a task taken up by its id.
    """

    id: str
    model: str | None
    _calls: Calls = field(repr=False)
    _http: Http = field(repr=False)
    _journal: Journal | None = field(default=None, repr=False)

    def status(self) -> TaskStatus:
        """Read the record once.

        Raises:
            NotFound: kie.ai does not know the task, or not yet.
            ApiError: kie.ai answers with another error.
            TransportError: No answer came.
        """
        return drive(read_status(self._calls.session, self.id), self._http)

    def events(self, deadline: float | None = None) -> Iterator[TaskStatus]:
        """Yield a status at each change of the state, until the task ends; raises as `wait` does."""
        deadline_at = self._calls.session.deadline_at(deadline)
        watch = self._watch(deadline_at, None)
        state = None
        while True:
            status = drive(watch.advance(), self._http)
            if status.state != state:
                yield status
            if status.done:
                return
            state = status.state

    def wait(self, deadline: float | None = None, *, on_event: Listener | None = None) -> Result:
        """Wait until the task ends, and return its result.

        Args:
            deadline: Seconds from now; by default the client's.
            on_event: Called with an `Event` at each change; what it raises is logged.

        Raises:
            TaskFailed: The task ended without a result.
            TaskTimeout: The deadline passed; the task goes on.
            NotFound: kie.ai does not know the task.
            ApiError: kie.ai answers with an error that does not pass by itself.
        """
        return self._wait(self._calls.session.deadline_at(deadline), on_event)

    def _wait(self, deadline_at: float, on_event: Listener | None) -> Result:
        watch = self._watch(deadline_at, on_event)
        status = drive(watch.to_the_end(), self._http)
        return Result.of(status, self._http, self._calls.download_url, watch.journal)

    def _watch(self, deadline_at: float, on_event: Listener | None) -> Watch:
        fresh = self._journal is not None
        if self._journal is None:
            self._journal = drive(self._calls.take_up(self.id), self._http)
        return Watch(self._calls.session, self._journal, deadline_at=deadline_at, fresh=fresh, listener=on_event)
