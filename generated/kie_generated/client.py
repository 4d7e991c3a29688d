"""The client that the generated functions take, around one httpx client of each kind."""

from __future__ import annotations

from typing import Any, Self

import httpx
from attrs import define, field


@define
class Client:
    """What the generated functions need to talk to kie.ai.

    Attributes:
        base_url: The address that the paths of the endpoints are appended to.
        token: The API key, sent as a bearer; never shown.
        httpx_args: More arguments for httpx.Client and httpx.AsyncClient, such as ``timeout``.
    """

    base_url: str
    token: str = field(repr=False)
    httpx_args: dict[str, Any] = field(factory=dict, kw_only=True, repr=False)
    _client: httpx.Client | None = field(default=None, init=False, repr=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False)

    def _arguments(self) -> dict[str, Any]:
        headers = {**self.httpx_args.get("headers", {}), "Authorization": f"Bearer {self.token}"}
        return {**self.httpx_args, "base_url": self.base_url, "headers": headers}

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Use `client` as it is, with its own address, headers and timeouts."""
        self._client = client
        return self

    def get_httpx_client(self) -> httpx.Client:
        """Return the httpx client, made at the first call."""
        if self._client is None:
            self._client = httpx.Client(**self._arguments())
        return self._client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        self.get_httpx_client().__exit__(*args)

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Use `async_client` as it is, with its own address, headers and timeouts."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the asynchronous httpx client, made at the first call."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._arguments())
        return self._async_client

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(self, *args: Any) -> None:
        await self.get_async_httpx_client().__aexit__(*args)
