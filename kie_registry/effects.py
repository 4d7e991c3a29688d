"""What a flow may ask for. A flow is a generator that yields effects; a driver performs them.

Each flow is written once, without I/O. The synchronous and the asynchronous client differ only in how
they perform these few effects.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from attrs import frozen

from kie_registry.addresses import FileSources
from kie_registry.hints import Hint
from kie_registry.limits import RateLimit
from kie_registry.transfers import Body
from kie_registry.writing import Together, write_together

T = TypeVar("T")


class Effect(Protocol):
    """One thing to be done, either way."""

    def perform(self, http: Any) -> Any:
        """Do it, blocking."""

    async def perform_async(self, http: Any) -> Any:
        """Do it without blocking the event loop."""


Flow: TypeAlias = Generator[Effect, Any, T]


@frozen
class Send:
    """Send a request to kie.ai, with the key; gives a `Reply`, or raises TransportError."""

    url: str
    kwargs: dict[str, Any]

    def perform(self, http: Any) -> Any:
        return http.send(self.url, self.kwargs)

    async def perform_async(self, http: Any) -> Any:
        return await http.send(self.url, self.kwargs)


@frozen
class Fetch:
    """Ask for a file, without the key, and stream it into `body`; gives the `Head` of the answer.

    Redirections are not followed. Raises TransportError where it breaks off, or comes from where it may not.
    """

    url: str
    headers: Mapping[str, str]
    body: Body
    sources: FileSources

    def perform(self, http: Any) -> Any:
        return http.fetch(self.url, self.headers, self.body, self.sources)

    async def perform_async(self, http: Any) -> Any:
        return await http.fetch(self.url, self.headers, self.body, self.sources)


@frozen
class Sleep:
    """Wait for so many seconds, or until `hint` is given; gives whether it was."""

    seconds: float
    hint: Hint | None = None

    def perform(self, http: Any) -> bool:  # noqa: ARG002
        if self.hint is not None:
            return self.hint.wait(self.seconds)
        time.sleep(self.seconds)
        return False

    async def perform_async(self, http: Any) -> bool:  # noqa: ARG002
        if self.hint is not None:
            return await self.hint.wait_async(self.seconds)
        await asyncio.sleep(self.seconds)
        return False


@frozen
class Run:
    """Call a function that blocks; gives what it returns."""

    function: Callable[[], Any]

    def perform(self, http: Any) -> Any:  # noqa: ARG002
        return self.function()

    async def perform_async(self, http: Any) -> Any:  # noqa: ARG002
        return await asyncio.to_thread(self.function)


@frozen
class Keep(Run):
    """Call a function that writes down what must not be lost; once begun it is finished, even if cancelled.

    Where it does nothing but read and write a `ledger`, what many write to that goes to the disk together.
    """

    ledger: Together | None = None

    async def perform_async(self, http: Any) -> Any:  # noqa: ARG002
        if self.ledger is not None:
            return await write_together(self.function, self.ledger)
        writing = asyncio.ensure_future(asyncio.to_thread(self.function))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            if not writing.cancelled():
                await asyncio.wait([writing])
            raise


@frozen
class Acquire:
    """Take a slot of a window; gives whether there was one within `timeout` seconds."""

    window: RateLimit
    timeout: float | None
    waiting: Callable[[], object]

    def perform(self, http: Any) -> bool:  # noqa: ARG002
        return self.window.acquire(self.timeout, self.waiting)

    async def perform_async(self, http: Any) -> bool:  # noqa: ARG002
        return await self.window.acquire_async(self.timeout, self.waiting)


def drive(flow: Flow[T], http: Any, failure: BaseException | None = None) -> T:
    """Run `flow` to its end, blocking, and return what it returns; a `failure` is raised in it first.

    What interrupts this function itself, between two effects, is raised in the flow too. An answer that has come,
    or a slot that was granted, it is told before.
    """
    answer: Any = None
    try:
        while True:
            told = True
            effect = flow.send(answer) if failure is None else flow.throw(failure)
            answer, failure = None, None
            try:
                answer = effect.perform(http)
            except BaseException as error:  # the flow decides; what it does not catch comes out again
                failure = error
            told = False
    except StopIteration as stop:
        result: T = stop.value
        return result
    except BaseException as error:
        if inspect.getgeneratorstate(flow) == inspect.GEN_CLOSED:
            raise
        interruption = error
    if answer and not told:
        _tell(flow, answer, interruption)
    return drive(flow, http, interruption)


async def drive_async(flow: Flow[T], http: Any, failure: BaseException | None = None) -> T:
    """Do as `drive` does, without blocking the event loop."""
    answer: Any = None
    try:
        while True:
            told = True
            effect = flow.send(answer) if failure is None else flow.throw(failure)
            answer, failure = None, None
            try:
                answer = await effect.perform_async(http)
            except BaseException as error:  # cancellation too: the flow gives its slot back first
                failure = error
            told = False
    except StopIteration as stop:
        result: T = stop.value
        return result
    except BaseException as error:
        if inspect.getgeneratorstate(flow) == inspect.GEN_CLOSED:
            raise
        interruption = error
    if answer and not told:
        _tell(flow, answer, interruption)
    return await drive_async(flow, http, interruption)


def _tell(flow: Flow[Any], answer: Any, interruption: BaseException) -> None:
    """Tell a flow what came of its last effect; raises the interruption where the flow ends with that."""
    try:
        flow.send(answer)
    except StopIteration:
        raise interruption from None
    except BaseException as error:
        raise interruption from error
