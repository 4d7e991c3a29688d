"""Send a request to kie.ai and read the answer; every flow asks this way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kie_registry.answers import Answer, read_answer
from kie_registry.effects import Flow, Send
from kie_registry.session import Session


def ask(session: Session, host: str, kwargs: dict[str, Any], parse: Callable[[Any], Any]) -> Flow[Answer]:
    """Send what a generated endpoint's ``request_kwargs`` gave to `host`, and read what its ``parse`` makes of it.

    Raises:
        TransportError: No answer came.
    """
    response = yield Send(host + kwargs["url"], kwargs)
    return read_answer(response, parse(response), secret=session.settings.api_key)
