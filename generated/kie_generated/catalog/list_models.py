from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import UNSET, Response, Unset
from .models.list_models_response import ListModelsResponse

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs(
    *,
    task_type: str | Unset = UNSET,
    provider: str | Unset = UNSET,
    q: str | Unset = UNSET,
) -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""

    params: dict[str, Any] = {}

    params["taskType"] = task_type

    params["provider"] = provider

    params["q"] = q

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/api/v1/models",
        "params": params,
    }

    return _kwargs


def parse(response: httpx.Response) -> ListModelsResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return ListModelsResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[ListModelsResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
    task_type: str | Unset = UNSET,
    provider: str | Unset = UNSET,
    q: str | Unset = UNSET,
) -> Response[ListModelsResponse]:
    """List the models, of one task type, of one provider, or those that have a word in their names.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(
        **request_kwargs(
            task_type=task_type,
            provider=provider,
            q=q,
        )
    )
    return _response(response)


def sync(
    *,
    client: Client,
    task_type: str | Unset = UNSET,
    provider: str | Unset = UNSET,
    q: str | Unset = UNSET,
) -> ListModelsResponse | None:
    """List the models, of one task type, of one provider, or those that have a word in their names.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        sync_detailed(
            client=client,
            task_type=task_type,
            provider=provider,
            q=q,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    task_type: str | Unset = UNSET,
    provider: str | Unset = UNSET,
    q: str | Unset = UNSET,
) -> Response[ListModelsResponse]:
    """List the models, of one task type, of one provider, or those that have a word in their names.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            task_type=task_type,
            provider=provider,
            q=q,
        )
    )
    return _response(response)


async def asyncio(
    *,
    client: Client,
    task_type: str | Unset = UNSET,
    provider: str | Unset = UNSET,
    q: str | Unset = UNSET,
) -> ListModelsResponse | None:
    """List the models, of one task type, of one provider, or those that have a word in their names.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
            task_type=task_type,
            provider=provider,
            q=q,
        )
    ).parsed
