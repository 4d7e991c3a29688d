"""A sandbox served on this machine, from a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import uvicorn
from attrs import define, field
from starlette.applications import Starlette

from kie_registry.errors import ConfigurationError
from kie_registry.sandbox import script
from kie_registry.sandbox.app import create_app
from kie_registry.sandbox.callbacks import Callback
from kie_registry.sandbox.cutting import CuttableProtocol
from kie_registry.sandbox.options import Options
from kie_registry.sandbox.recording import RecordedRequest
from kie_registry.sandbox.service import Service
from kie_registry.sandbox.tasks import Ending, Task


@define(kw_only=True, eq=False, slots=False)
class Sandbox(Options):
    """A local kie.ai, on from entering its context to leaving it. Serves once.

    ``with Sandbox(latency=0.2) as box: Kie(box.key, base_url=box.url, upload_url=box.url)``

    Its options are those of `Options`. All else here may be used from any thread.
    """

    _app: Starlette = field(init=False, repr=False)
    _service: Service = field(init=False, repr=False)
    _running: _Running | None = field(init=False, repr=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Put the parts together; nothing is served yet."""
        self._app = create_app(self)
        self._service = self._app.state.service

    def start(self) -> Self:
        """Start serving, and return when requests are answered.

        Raises:
            ConfigurationError: The port is in use, the host is no address of this machine, or the sandbox
                was started before.
        """
        if self._service.closing.is_set() or self._running is not None:
            raise ConfigurationError("a sandbox serves only once: make another one")
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._running = _Running(self._app, self._service, listener)
        return self

    def stop(self) -> None:
        """Stop serving: answers under way are cut, callbacks given up, and all files removed."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def __enter__(self) -> Self:
        """Start serving."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop serving."""
        self.stop()

    @property
    def url(self) -> str:
        """The address of the API, of the upload host and of the files."""
        if self.port == 0:
            raise ConfigurationError("the sandbox has no address yet: use `with Sandbox() as box:`")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def balance(self) -> float:
        """The credits that are left."""
        return self._service.balance

    @property
    def tasks(self) -> list[Task]:
        """The tasks that were accepted, in order."""
        return self._service.tasks.all()

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest 10,000 requests, in order of arrival."""
        return list(self._service.requests)

    @property
    def callbacks(self) -> list[Callback]:
        """The callbacks that tasks asked for, in order of creation."""
        return list(self._service.callbacks.sent)

    def answer_next(
        self,
        path: str,
        *,
        code: int | None = None,
        message: str = "scripted",
        data: Any = None,
        json: Any = None,
        body: str | bytes | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        accepted: bool = False,
        cut: script.Cutting | None = None,
        delay: float = 0.0,
        times: int = 1,
    ) -> None:
        """Say what the next request is answered whose path contains `path`.

        Without a code, data, body or status, it is answered as usual, only with `delay` or `cut`.

        Args:
            path: A part of the path, such as ``createTask``, ``recordInfo``, ``upload`` or ``/files/``.
            code: The ``code`` of the envelope; that of `status` if None.
            message: The ``msg`` of the envelope.
            data: The ``data`` of the envelope.
            json: A JSON body to answer in place of the envelope.
            body: A body that is no JSON; ``text/html`` unless `headers` say otherwise. May be empty.
            status: The HTTP status, 200 to 599.
            headers: Further headers of the answer.
            accepted: Carry the request out (and bill it) before answering.
            cut: Break the connection, ``before`` the request is carried out, ``after`` it, or ``midway``
                in the answer's body.
            delay: Seconds to wait before answering (or breaking the connection).
            times: For how many requests this holds.
        """
        response = script.response(
            code=code, message=message, data=data, json_body=json, body=body, status=status, headers=headers
        )
        carried_out = accepted or (response is None and cut != "before")
        answer = script.ScriptedAnswer(path=path, response=response, accepted=carried_out, cut=cut, delay=delay)
        self._service.script.add(answer, times)

    def end_next(
        self,
        *,
        latency: float | None = None,
        fail_code: str | None = None,
        fail_message: str = "",
        result: Mapping[str, Any] | None = None,
        times: int = 1,
    ) -> None:
        """Say how the next task to be created is to end.

        Args:
            latency: Seconds from its creation to its end; None for the sandbox's own, ``math.inf`` for never.
            fail_code: The ``failCode``; None for a task that succeeds.
            fail_message: The ``failMsg``.
            result: What ``resultJson`` holds; None for pictures (or other media) that show the request.
            times: For how many tasks this holds.
        """
        ending = Ending(latency=latency, fail_code=fail_code, fail_message=fail_message, result=result)
        self._service.endings.extend([ending] * times)


class _Running:
    """The thread that serves."""

    def __init__(self, app: Starlette, service: Service, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            http=CuttableProtocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config, service.closing)
        self._thread = threading.Thread(target=self._serve, args=[listener], name="kie-sandbox", daemon=True)
        self._thread.start()
        self._server.ready.wait()

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            asyncio.run(self._server.serve(sockets=[listener]))

    def stop(self) -> None:
        self._server.leave()
        self._thread.join()


class _Server(uvicorn.Server):
    """A server that tells when it is ready."""

    def __init__(self, config: uvicorn.Config, closing: asyncio.Event) -> None:
        super().__init__(config)
        self._closing = closing
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Tick once a second, as the date in the headers does, and leave as soon as it is told to."""
        while not await self.on_tick(counter=0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), 1)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    def leave(self) -> None:
        """Make the server stop. May be called from any thread, once it is ready."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._closing.set)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol left out, asyncio does not set TCP_NODELAY, and each answer takes 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"the sandbox cannot listen on {host}, port {port}: {error.strerror or error}"
        ) from error
    return listener
