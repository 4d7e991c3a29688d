"""What needs no client of its own: the registry of the process, and one call with a default client."""

from __future__ import annotations

import atexit
import functools
from typing import TYPE_CHECKING, Any

from kie_registry.adapter import Adapter
from kie_registry.registry import Registry

if TYPE_CHECKING:
    from kie_registry.calls import Model
    from kie_registry.client import Kie
    from kie_registry.results import Result


@functools.cache
def default_registry() -> Registry:
    """Return the registry that clients use unless they are given another."""
    return Registry()


def register(*adapters: type[Adapter], replace: bool = False) -> None:
    """Add models from the program's own code; as `Registry.register`."""
    default_registry().register(*adapters, replace=replace)


def generate(model: Model, prompt: str | None = None, **parameters: Any) -> Result:
    """Generate with a default client, which takes its key from ``KIE_API_KEY``; as `Kie.generate`."""
    return _default_client().generate(model, prompt, **parameters)


@functools.cache
def _default_client() -> Kie:
    from kie_registry.client import Kie

    client = Kie()
    atexit.register(client.close)
    return client
