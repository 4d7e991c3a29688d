"""One call without a client of one's own."""

from __future__ import annotations

import atexit
import functools
from typing import Any

from kie_registry.calls import Model
from kie_registry.client import Kie
from kie_registry.results import Result


def generate(model: Model, prompt: str | None = None, **parameters: Any) -> Result:
    """Generate with a default client, which takes its key from ``KIE_API_KEY``; as `Kie.generate`."""
    return _default_client().generate(model, prompt, **parameters)


@functools.cache
def _default_client() -> Kie:
    client = Kie()
    atexit.register(client.close)
    return client
