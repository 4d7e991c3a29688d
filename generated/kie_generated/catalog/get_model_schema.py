from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..types import Response
from .models.get_model_schema_response import GetModelSchemaResponse

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs(
    model: str,
) -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""

    _kwargs: dict[str, Any] = {
        "method": "GET",
        "url": "/api/v1/models/{model}/schema".format(
            model=quote(str(model), safe="/"),
        ),
    }

    return _kwargs


def parse(response: httpx.Response) -> GetModelSchemaResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return GetModelSchemaResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[GetModelSchemaResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
    model: str,
) -> Response[GetModelSchemaResponse]:
    """Read the OpenAPI document of a model.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = client.get_httpx_client().request(
        **request_kwargs(
            model=model,
        )
    )
    return _response(response)


def sync(
    *,
    client: Client,
    model: str,
) -> GetModelSchemaResponse | None:
    """Read the OpenAPI document of a model.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        sync_detailed(
            client=client,
            model=model,
        )
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    model: str,
) -> Response[GetModelSchemaResponse]:
    """Read the OpenAPI document of a model.

    Raises:
        httpx.HTTPError: No answer came.
    """
    response = await client.get_async_httpx_client().request(
        **request_kwargs(
            model=model,
        )
    )
    return _response(response)


async def asyncio(
    *,
    client: Client,
    model: str,
) -> GetModelSchemaResponse | None:
    """Read the OpenAPI document of a model.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
            model=model,
        )
    ).parsed
