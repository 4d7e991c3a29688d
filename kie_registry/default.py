"""One call without a client of one's own."""

from __future__ import annotations

import atexit
import functools
from typing import Any

from kie_registry.calls import Model
from kie_registry.client import Kie
from kie_registry.events import Listener
from kie_registry.results import Result


def generate(
    model: Model,
    prompt: str | None = None,
    *,
    deadline: float | None = None,
    callback_url: str | None = None,
    on_event: Listener | None = None,
    **parameters: Any,
) -> Result:
    """Generate with a default client, which takes its key from ``KIE_API_KEY``; as `Kie.generate`."""
    client = _default_client()
    return client.generate(
        model, prompt, deadline=deadline, callback_url=callback_url, on_event=on_event, **parameters
    )


@functools.cache
def _default_client() -> Kie:
    client = Kie()
    atexit.register(client.close)
    return client
