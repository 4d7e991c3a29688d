"""An ASGI application that takes callbacks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from typing import Any

from attrs import frozen

from kie_registry.async_client import AsyncKie
from kie_registry.callback_urls import reference_in
from kie_registry.client import Kie
from kie_registry.effects import drive, drive_async
from kie_registry.errors import ConfigurationError, InvalidRequest, KieError
from kie_registry.events import log
from kie_registry.flows.callback import Outcome, Taken, take
from kie_registry.secret import Secret
from kie_registry.webhooks.parsing import Callback, parse
from kie_registry.webhooks.reading import Receive, Refusal, Scope, Send, headers_of, path_of, read_body
from kie_registry.webhooks.signature import verify

TAKE_WITHIN = 8.0
"""Seconds for what is done about a callback: with `BODY_WITHIN`, kie.ai has its answer well within its 15 s."""

_ANSWERS = {
    Outcome.TAKEN: (200, "taken"),
    Outcome.DUPLICATE: (409, "the end of the task is known already"),
    Outcome.STRANGER: (404, "nobody here knows the task"),
    # Sent again, it comes when the record has caught up.
    Outcome.EARLY: (503, "the record of the task does not say yet that it has ended"),
}


@frozen
class Receipt:
    """What was answered to one request, for logs.

    Attributes:
        status: The HTTP status: 200 where the callback was taken.
        message: Why, in words.
        task_id: The task that it names; None where it was not read so far.
        job_id: The task's job in the ledger, or None.
        model: The model id, or None.
        state: The state of the task after its record, or None where that was not read.
    """

    status: int
    message: str
    task_id: str | None = None
    job_id: str | None = None
    model: str | None = None
    state: str | None = None


class Receiver:
    """An ASGI application that takes callbacks: to be mounted in another one, or served by itself.

    A callback is a hint: the record of its task is read before anything is believed. Then whoever waits for the
    task in this process goes on at once, and with a ledger its end is written down, where others see it; a job
    whose outcome is unknown is settled. Without a ledger only tasks that somebody in this process waits for are
    known.

    It answers 200 where that was done. All else changes nothing, and is logged as a warning: 400 (malformed or
    truncated), 401 (not signed, or not with the key, or more than 5 minutes off), 404 (of a task that nobody here
    knows), 405, 408 (slower than 5 s), 409 (the end is known already), 413 (over 1 MiB), 503 (the record or the
    ledger could not be read; kie.ai sends it again).

    Args:
        kie: The client, a `Kie` or an `AsyncKie`. It is not closed here.
        key: The account's webhook key; by default ``KIE_WEBHOOK_KEY``.
        unsigned: Take callbacks without a look at their signature, for an account that has no webhook key.
        path: The only path at which callbacks are taken; None for any.
        on_receipt: Called with the `Receipt` of each request, in the event loop; what it raises is logged.

    Raises:
        ConfigurationError: There is no key, or one with `unsigned`.
    """

    def __init__(
        self,
        kie: Kie | AsyncKie,
        *,
        key: str | Secret | None = None,
        unsigned: bool = False,
        path: str | None = None,
        on_receipt: Callable[[Receipt], object] | None = None,
    ) -> None:
        key = Secret.of(key)
        self._kie = kie
        self._key = _webhook_key(key, unsigned=unsigned)
        self._path = None if path is None else "/" + path.strip("/")
        self._on_receipt = on_receipt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            receipt = await self._receive(scope, receive)
            self._tell(receipt)
            # Nobody may be there any more to have the answer.
            with contextlib.suppress(OSError):
                await _answer(send, receipt)

    async def _receive(self, scope: Scope, receive: Receive) -> Receipt:
        callback = None
        try:
            callback = await self._read(scope, receive)
            taken = await self._take(callback.task_id, _reference(scope))
        except Refusal as refusal:
            return Receipt(refusal.status, str(refusal), callback.task_id if callback else None)
        status, message = _ANSWERS[taken.outcome]
        return Receipt(status, message, callback.task_id, *_about(taken))

    async def _read(self, scope: Scope, receive: Receive) -> Callback:
        """Return what a request says whose sender has shown to know the key."""
        if self._path is not None and path_of(scope) != self._path:
            raise Refusal(404, "no callbacks are taken at this path")
        if scope["method"] != "POST":
            raise Refusal(405, f"its method is {scope['method']}, and that of callbacks is POST")
        headers = headers_of(scope)
        timestamp, signature = headers.get("x-webhook-timestamp"), headers.get("x-webhook-signature")
        if self._key is not None and (timestamp is None or signature is None):
            raise Refusal(401, "it is not signed")
        body = await read_body(receive, headers)
        try:
            callback = parse(body)
        except InvalidRequest as error:
            raise Refusal(400, str(error.problems[0])) from None
        if self._key is not None and not verify(self._key.reveal(), callback.task_id, timestamp, signature):
            raise Refusal(401, "its signature is forged, or more than 5 minutes off")
        return callback

    async def _take(self, task_id: str, reference: str | None) -> Taken:
        """Do what the callback asks for, within the time that there is for it."""
        try:
            async with asyncio.timeout(TAKE_WITHIN):
                return await self._drive(task_id, reference)
        except KieError as error:
            raise Refusal(503, f"it could not be checked: {error}") from None
        except TimeoutError:
            raise Refusal(503, f"it could not be checked within {TAKE_WITHIN:g} s") from None

    async def _drive(self, task_id: str, reference: str | None) -> Taken:
        calls, http = self._kie._calls, self._kie._http
        flow = take(calls.session, calls.registry.hooks, task_id, reference)
        if isinstance(self._kie, AsyncKie):
            return await drive_async(flow, http)
        return await asyncio.to_thread(drive, flow, http)

    def _tell(self, receipt: Receipt) -> None:
        """Log what was answered, and pass it on."""
        fields: dict[str, Any] = {
            "kind": "callback",
            "task_id": receipt.task_id,
            "job_id": receipt.job_id,
            "model": receipt.model,
            "state": receipt.state,
        }
        level = logging.INFO if receipt.status == 200 else logging.WARNING
        about = f" of task {receipt.task_id}" if receipt.task_id else ""
        log(level, f"callback{about} answered with {receipt.status}: {receipt.message}", **fields)
        if self._on_receipt is None:
            return
        try:
            self._on_receipt(receipt)
        except Exception:
            log(logging.ERROR, "the listener for receipts failed", failed=True, **{**fields, "kind": "listener"})


def _webhook_key(key: Secret | None, *, unsigned: bool) -> Secret | None:
    """Return the key to verify with; None for none."""
    if unsigned:
        if key is not None:
            raise ConfigurationError("give the webhook key or unsigned=True, and not both")
        return None
    key = key or Secret.of(os.environ.get("KIE_WEBHOOK_KEY"))
    if key is None or not key.reveal():
        raise ConfigurationError(
            "there is no webhook key to check callbacks with: set KIE_WEBHOOK_KEY to that of your account at "
            "kie.ai, or take unsigned callbacks with unsigned=True (--unsigned)"
        )
    return key


def _reference(scope: Scope) -> str | None:
    return reference_in("?" + scope.get("query_string", b"").decode("latin-1"))


def _about(taken: Taken) -> tuple[str | None, str | None, str | None]:
    job, status = taken.job, taken.status
    return job.id if job else None, job.model if job else None, status.state if status else None


async def _live(receive: Receive, send: Send) -> None:
    """Answer a server that tells when it starts and stops; nothing is to be done then."""
    while True:
        event = (await receive())["type"]
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return


async def _answer(send: Send, receipt: Receipt) -> None:
    # A stranger is told no more than the status does; what was wrong stands in the log.
    body = b"ok" if receipt.status == 200 else f"refused with {receipt.status}".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if receipt.status == 405:
        headers.append((b"allow", b"POST"))
    start: dict[str, Any] = {"type": "http.response.start", "status": receipt.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
