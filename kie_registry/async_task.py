"""A task at kie.ai, for the asynchronous client."""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import define, field

from kie_registry.calls import Calls
from kie_registry.effects import drive_async
from kie_registry.events import Listener
from kie_registry.flows.journal import Journal
from kie_registry.flows.look import read_status
from kie_registry.flows.wait import Watch
from kie_registry.http import AsyncHttp
from kie_registry.results import AsyncResult
from kie_registry.status import TaskStatus


@define(eq=False)
class AsyncTask:
    """A task at kie.ai, for `AsyncKie`: as `Task`, awaited.

    Attributes:
        id: Its id; `AsyncKie.task` takes it up again with that.
        model: The model id, or None for a task taken up by its id.
    """

    id: str
    model: str | None
    _calls: Calls = field(repr=False)
    _http: AsyncHttp = field(repr=False)
    _journal: Journal | None = field(default=None, repr=False)

    async def status(self) -> TaskStatus:
        """Read the record once; as `Task.status`."""
        return await drive_async(read_status(self._calls.session, self.id), self._http)

    async def events(self, deadline: float | None = None) -> AsyncIterator[TaskStatus]:
        """Yield a status at each change of the state, until the task ends; as `Task.events`."""
        deadline_at = self._calls.session.deadline_at(deadline)
        watch = await self._watch(deadline_at, None)
        state = None
        while True:
            status = await drive_async(watch.advance(), self._http)
            if status.state != state:
                yield status
            if status.done:
                return
            state = status.state

    async def wait(self, deadline: float | None = None, *, on_event: Listener | None = None) -> AsyncResult:
        """Wait until the task ends, and return its result; as `Task.wait`."""
        return await self._wait(self._calls.session.deadline_at(deadline), on_event)

    async def _wait(self, deadline_at: float, on_event: Listener | None) -> AsyncResult:
        watch = await self._watch(deadline_at, on_event)
        status = await drive_async(watch.to_the_end(), self._http)
        return AsyncResult.of(status, self._http, self._calls.download_url, watch.journal)

    async def _watch(self, deadline_at: float, on_event: Listener | None) -> Watch:
        fresh = self._journal is not None
        if self._journal is None:
            self._journal = await drive_async(self._calls.take_up(self.id), self._http)
        return Watch(self._calls.session, self._journal, deadline_at=deadline_at, fresh=fresh, listener=on_event)
