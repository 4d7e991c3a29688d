"""The Starlette application: which endpoint answers what."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kie_registry.sandbox import catalog, jobs, uploads
from kie_registry.sandbox.envelope import Refusal, error
from kie_registry.sandbox.options import Options
from kie_registry.sandbox.recording import RecordRequests
from kie_registry.sandbox.script import AnswerByScript
from kie_registry.sandbox.service import Service, service_of

Endpoint = Callable[[Request], Awaitable[Response]]


def create_app(options: Options | None = None) -> Starlette:
    """Return a sandbox as an ASGI application, to be served by any server.

    Its parts are in ``app.state.service``. Only the server that `Sandbox` starts can cut connections.
    """
    service = Service(options or Options())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await service.close()

    app = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(RecordRequests, requests=service.requests),
            Middleware(AnswerByScript, script=service.script, closing=service.closing),
        ],
        exception_handlers={Refusal: _refuse, HTTPException: _refuse_http, ClientDisconnect: _give_up},
        lifespan=lifespan,
    )
    app.state.service = service
    return app


def _routes() -> list[Route]:
    guarded: list[tuple[str, str, Endpoint]] = [
        ("POST", "/api/v1/jobs/createTask", jobs.create_task),
        ("GET", "/api/v1/jobs/recordInfo", jobs.record_info),
        ("GET", "/api/v1/chat/credit", jobs.credit),
        ("POST", "/api/v1/common/download-url", jobs.download_url),
        ("POST", "/api/file-stream-upload", uploads.upload_stream),
        ("POST", "/api/file-base64-upload", uploads.upload_base64),
        ("POST", "/api/file-url-upload", uploads.upload_url),
        ("GET", "/api/v1/models", catalog.list_models),
        ("GET", "/api/v1/models/{model:path}/schema", catalog.model_schema),
        ("GET", "/api/v1/models/{model:path}/price", catalog.model_price),
    ]
    routes = [Route(path, _with_key(endpoint), methods=[method]) for method, path, endpoint in guarded]
    return [*routes, Route("/files/{name:path}", uploads.get_file, methods=["GET"])]


def _with_key(endpoint: Endpoint) -> Endpoint:
    """Ask for the API key before an endpoint is reached."""

    async def guarded(request: Request) -> Response:
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {service_of(request).options.key}"
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, "You do not have access permissions: the API key is missing or wrong")
        return await endpoint(request)

    return guarded


async def _refuse(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101  (Starlette's signature is wider than its calls)
    return error(refusal, request.url.path, as_status=service_of(request).options.error_style == "http")


async def _refuse_http(request: Request, exception: Exception) -> Response:
    """Answer what Starlette refuses by itself: 404, 405 and broken form data."""
    assert isinstance(exception, HTTPException)  # noqa: S101
    answer = error(Refusal(exception.status_code, str(exception.detail)), request.url.path, as_status=True)
    # A 405 says in one which methods there are.
    answer.headers.update(exception.headers or {})
    return answer


async def _give_up(request: Request, exception: Exception) -> Response:  # noqa: ARG001
    """Answer a client that left before its request was whole; nobody reads it."""
    return Response(status_code=400)
