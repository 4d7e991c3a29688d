from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import Response
from .models.create_task_request import CreateTaskRequest
from .models.create_task_response import CreateTaskResponse

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs(
    *,
    body: CreateTaskRequest,
) -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "POST",
        "url": "/api/v1/jobs/createTask",
    }

    _kwargs["json"] = body.to_dict()

    return _kwargs


def parse(response: httpx.Response) -> CreateTaskResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return CreateTaskResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[CreateTaskResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
    body: CreateTaskRequest,
) -> Response[CreateTaskResponse]:
    """Generate content using google/nano-banana-edit

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(
        **request_kwargs(
            body=body,
        )
    )
    return _response(response)


def sync(
    *,
    client: Client,
    body: CreateTaskRequest,
) -> CreateTaskResponse | None:
    """Generate content using google/nano-banana-edit

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        sync_detailed(
            client=client,
            body=body,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    body: CreateTaskRequest,
) -> Response[CreateTaskResponse]:
    """Generate content using google/nano-banana-edit

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            body=body,
        )
    )
    return _response(response)


async def asyncio(
    *,
    client: Client,
    body: CreateTaskRequest,
) -> CreateTaskResponse | None:
    """Generate content using google/nano-banana-edit

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
