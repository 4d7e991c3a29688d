from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import UNSET, Response
from .models.get_task_response import GetTaskResponse

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs(
    *,
    task_id: str,
) -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""

    params: dict[str, Any] = {}

    params["taskId"] = task_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/api/v1/jobs/recordInfo",
        "params": params,
    }

    return _kwargs


def parse(response: httpx.Response) -> GetTaskResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return GetTaskResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[GetTaskResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
    task_id: str,
) -> Response[GetTaskResponse]:
    """Read the record of a task, free of charge.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(
        **request_kwargs(
            task_id=task_id,
        )
    )
    return _response(response)


def sync(
    *,
    client: Client,
    task_id: str,
) -> GetTaskResponse | None:
    """Read the record of a task, free of charge.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        sync_detailed(
            client=client,
            task_id=task_id,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    task_id: str,
) -> Response[GetTaskResponse]:
    """Read the record of a task, free of charge.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            task_id=task_id,
        )
    )
    return _response(response)


async def asyncio(
    *,
    client: Client,
    task_id: str,
) -> GetTaskResponse | None:
    """Read the record of a task, free of charge.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
            task_id=task_id,
        )
    ).parsed
