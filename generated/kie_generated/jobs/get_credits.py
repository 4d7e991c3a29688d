from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import Response
from .models.get_credits_response import GetCreditsResponse

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs() -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/api/v1/chat/credit",
    }

    return _kwargs


def parse(response: httpx.Response) -> GetCreditsResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return GetCreditsResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[GetCreditsResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
) -> Response[GetCreditsResponse]:
    """Read the balance of the account.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(**request_kwargs())
    return _response(response)


def sync(
    *,
    client: Client,
) -> GetCreditsResponse | None:
    """Read the balance of the account.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        sync_detailed(
            client=client,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[GetCreditsResponse]:
    """Read the balance of the account.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = await client.get_async_httpx_client().request(**request_kwargs())
    return _response(response)


async def asyncio(
    *,
    client: Client,
) -> GetCreditsResponse | None:
    """Read the balance of the account.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
