"""Which generated endpoint creates a model's task: its own client's, or the generic one."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    from kie_registry.contract import Contract

GENERIC = "kie_generated.jobs"


def create_request(
    contract: Contract, native_input: Mapping[str, Any], callback_url: str | None
) -> dict[str, Any]:
    """Return the keyword arguments of the request that creates a task."""
    endpoint, request_class = _modules(contract.client or GENERIC)
    body: dict[str, Any] = {"model": contract.id, "input": native_input}
    if callback_url is not None:
        body["callBackUrl"] = callback_url
    kwargs: dict[str, Any] = endpoint.request_kwargs(body=request_class.from_dict(body))
    return kwargs


def parse_created(contract: Contract, response: Any) -> Any:
    """Return the parsed answer to `create_request`; None where its body is no JSON object."""
    return _modules(contract.client or GENERIC)[0].parse(response)


@functools.cache
def _modules(client: str) -> tuple[ModuleType, Any]:
    """Return the module and the request class; those for all models where a contract brings no client."""
    if importlib.util.find_spec(f"{client}.create_task") is None:
        client = GENERIC
    models = importlib.import_module(f"{client}.models.create_task_request")
    return importlib.import_module(f"{client}.create_task"), models.CreateTaskRequest
