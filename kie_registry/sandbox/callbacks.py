"""Callbacks: the record of a task, posted to its callBackUrl when it ends."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

import httpx
from attrs import define, field

from kie_registry import webhooks
from kie_registry.sandbox.options import Options
from kie_registry.sandbox.outbound import NotLoopback, Outbound
from kie_registry.sandbox.tasks import Task

RETRIES = 3
TIMEOUT = 15.0


@define(eq=False)
class Callback:
    """A callback and how far it has come.

    Attributes:
        task_id: The task that it tells about.
        url: Where it is sent.
        state: ``skipped`` if the URL leads off this machine; ``dropped`` after the last retry failed.
        statuses: The HTTP status of each attempt; None where no answer came.
    """

    task_id: str
    url: str
    state: Literal["pending", "delivered", "dropped", "skipped"] = "pending"
    statuses: list[int | None] = field(factory=list)


class Callbacks:
    """Sends callbacks when their tasks end."""

    def __init__(self, options: Options, outbound: Outbound) -> None:
        self._options = options
        self._outbound = outbound
        self._running: set[asyncio.Task[None]] = set()
        self.sent: list[Callback] = []

    def schedule(self, task: Task) -> None:
        """See to the callback of a task, if it asks for one."""
        if not task.callback_url:
            return
        callback = Callback(task.id, task.callback_url)
        self.sent.append(callback)
        running = asyncio.create_task(self._deliver(task, callback))
        self._running.add(running)
        running.add_done_callback(self._running.discard)

    async def _deliver(self, task: Task, callback: Callback) -> None:
        while (remaining := task.ends - self._options.clock()) > 0:
            await asyncio.sleep(remaining)
        for attempt in range(1 + RETRIES):
            if attempt:
                await asyncio.sleep(self._options.callback_retry)
            try:
                status = await self._post(task, callback.url)
            except NotLoopback:
                callback.state = "skipped"
                return
            callback.statuses.append(status)
            if status == 200:
                callback.state = "delivered"
                return
        callback.state = "dropped"

    async def _post(self, task: Task, url: str) -> int | None:
        succeeded = task.state == "success"
        body = {
            "code": 200 if succeeded else 501,
            "msg": "success" if succeeded else task.ending.fail_message,
            "data": task.record(),
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            return await self._outbound.post(url, content, self._headers(task), timeout=TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def _headers(self, task: Task) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._options.webhook_key is not None:
            timestamp = str(int(self._options.clock()))
            headers["X-Webhook-Timestamp"] = timestamp
            headers["X-Webhook-Signature"] = webhooks.sign(self._options.webhook_key, task.id, timestamp)
        return headers

    async def close(self) -> None:
        """Give up what was not delivered yet."""
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
