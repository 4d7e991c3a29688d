"""Requests that the sandbox makes itself: to this machine, and to no other."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from kie_registry.sandbox.addresses import is_loopback


class NotLoopback(Exception):
    """The URL leads off this machine."""


class Outbound:
    """An HTTP client that contacts loopback addresses only, follows no redirects and uses no proxy."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], *, timeout: float) -> int:
        """Post, and return the HTTP status of the answer.

        Raises:
            NotLoopback: The URL leads off this machine.
            httpx.HTTPError: No answer came within `timeout` seconds.
        """
        response = await self._open(url).post(url, content=content, headers=dict(headers), timeout=timeout)
        return response.status_code

    async def get(self, url: str, *, timeout: float) -> httpx.Response:
        """Fetch; raises as `post` does."""
        return await self._open(url).get(url, timeout=timeout)

    def _open(self, url: str) -> httpx.AsyncClient:
        if not is_loopback(url):
            raise NotLoopback(url)
        if self._client is None:
            # No certificates are read: what runs on loopback has none that anybody vouches for.
            self._client = httpx.AsyncClient(trust_env=False, verify=False)  # noqa: S501
        return self._client

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()
