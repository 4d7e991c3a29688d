from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..types import Response
from .models.upload_response import UploadResponse
from .models.upload_stream_request import UploadStreamRequest

if TYPE_CHECKING:
    import httpx

    from ..client import Client


def request_kwargs(
    *,
    body: UploadStreamRequest,
) -> dict[str, Any]:
    """Return the keyword arguments of httpx's ``request`` for this call."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "POST",
        "url": "/api/file-stream-upload",
    }

    _kwargs["files"] = body.to_multipart()

    return _kwargs


def parse(response: httpx.Response) -> UploadResponse | None:
    """Return what the body says, whatever the status; None where it is no JSON object."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    return UploadResponse.from_dict(body) if isinstance(body, dict) else None


def _response(response: httpx.Response) -> Response[UploadResponse]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=parse(response),
    )


def sync_detailed(
    *,
    client: Client,
    body: UploadStreamRequest,
) -> Response[UploadResponse]:
    """Upload a file as multipart form data; the way for anything over 10 MB.

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
    body: UploadStreamRequest,
) -> UploadResponse | None:
    """Upload a file as multipart form data; the way for anything over 10 MB.

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
    body: UploadStreamRequest,
) -> Response[UploadResponse]:
    """Upload a file as multipart form data; the way for anything over 10 MB.

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
    body: UploadStreamRequest,
) -> UploadResponse | None:
    """Upload a file as multipart form data; the way for anything over 10 MB.

    Raises:
        httpx.HTTPError: No answer came.
    """
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
