"""The parts of one sandbox, put together."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from starlette.requests import Request

from kie_registry.sandbox.callbacks import Callbacks
from kie_registry.sandbox.checking import RequestChecker
from kie_registry.sandbox.documents import Documents
from kie_registry.sandbox.hosting import Hosting
from kie_registry.sandbox.limits import SlidingWindow
from kie_registry.sandbox.options import Options
from kie_registry.sandbox.outbound import Outbound
from kie_registry.sandbox.recording import MAX_REQUESTS, RecordedRequest
from kie_registry.sandbox.script import Script
from kie_registry.sandbox.tasks import Ending, TaskStore


class Service:
    """What the endpoints work on."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.balance = options.credits
        self.tasks = TaskStore(options)
        self.lost_answers = random.Random(f"lost answers {options.seed}")  # noqa: S311  (not for secrets)
        self.endings: deque[Ending] = deque()
        self.hosting = Hosting()
        self.documents = Documents(options.documents)
        self.checker = RequestChecker(self.documents)
        self.outbound = Outbound()
        self.callbacks = Callbacks(options, self.outbound)
        self.script = Script()
        self.requests: deque[RecordedRequest] = deque(maxlen=MAX_REQUESTS)
        self.creates = SlidingWindow(options.rate_limit, options.clock)
        self.reads = SlidingWindow(options.read_limit, options.clock)
        self.catalog = SlidingWindow(options.catalog_limit, options.clock)
        self.closing = asyncio.Event()

    async def close(self) -> None:
        """Stop what is under way and remove the files."""
        self.closing.set()
        await self.callbacks.close()
        await self.outbound.close()
        await asyncio.to_thread(self.hosting.close)


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    service: Service = request.app.state.service
    return service


def base_url_of(request: Request) -> str:
    """Return the address under which the client knows this sandbox, without a slash at its end."""
    return str(request.base_url).rstrip("/")
