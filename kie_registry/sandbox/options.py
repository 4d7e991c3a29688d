"""The settings of a sandbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import define, field

from kie_registry.errors import ConfigurationError

Limit = tuple[int, float] | None
"""So many requests in so many seconds; None for no limit."""


def _within(low: float, high: float = float("inf")) -> Callable[[Any, Any, float], None]:
    def check(_: Any, attribute: Any, value: float) -> None:
        if not low <= value <= high:
            bounds = f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}"
            raise ConfigurationError(f"sandbox option {attribute.name}: {value!r} is not {bounds}")

    return check


def _limit(_: Any, attribute: Any, value: Limit) -> None:
    if value is not None and not (value[0] >= 1 and value[1] > 0):
        raise ConfigurationError(
            f"sandbox option {attribute.name}: {value!r} is not (requests, seconds), such as (20, 10.0)"
        )


def _style(_: Any, attribute: Any, value: str) -> None:
    if value not in {"envelope", "http"}:
        raise ConfigurationError(f"sandbox option {attribute.name}: {value!r} is not 'envelope' or 'http'")


@define(kw_only=True, eq=False, slots=False)
class Options:
    """How a sandbox behaves. The defaults are what kie.ai is known to do, only faster.

    Attributes:
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.
        key: The one API key that is accepted.
        latency: Seconds from a task's creation to its end. ``math.inf`` for tasks that never end.
        visible_after: Seconds for which recordInfo does not know a fresh task (422 "recordInfo is null").
        credits: The balance at the start.
        price: Credits that a task costs, taken when it is accepted.
        failure_rate: The share of tasks that end in ``fail``, 0 to 1.
        drop_answers: The share of createTask answers, 0 to 1, that are lost with their connection, after
            the task was accepted and billed.
        seed: What decides which tasks fail and which answers are lost, in their order of creation.
        rate_limit: createTask: (requests, seconds); code 429 over it.
        read_limit: recordInfo: (requests, seconds); code 429 over it.
        catalog_limit: The catalog: (requests, seconds); code 429 over it.
        error_style: ``envelope`` answers errors as HTTP 200 with a ``code``, as kie.ai mostly does;
            ``http`` gives them that code as their HTTP status too.
        webhook_key: The key that callbacks are signed with; None sends them unsigned.
        callback_retry: Seconds to wait before a callback is sent again.
        image_scale: By how much to scale pictures; 1 draws 1K as 1024 pixels on the long side.
        documents: OpenAPI documents of further models, by model id: a file, or a folder that has an
            ``openapi.yaml``. They go before those that are built in, installed, or in ``KIE_HOME/models``.
        catalog_without: Ids of models of which the catalog has no document (``openapi: null``).
        catalog_quirks: Whether the catalog's documents have what the real ones are said to have:
            percent-encoded references, and names of components that end in a space.
        clock: Seconds since 1970. A clock moved by hand moves tasks, limits and links, but not callbacks.
    """

    host: str = "127.0.0.1"
    port: int = field(default=0, validator=_within(0, 65535))
    key: str = field(default="sandbox-key", repr=False)
    latency: float = field(default=0.2, validator=_within(0))
    visible_after: float = field(default=0.0, validator=_within(0))
    credits: float = 1000.0
    price: float = field(default=4.0, validator=_within(0))
    failure_rate: float = field(default=0.0, validator=_within(0, 1))
    drop_answers: float = field(default=0.0, validator=_within(0, 1))
    seed: int = 0
    rate_limit: Limit = field(default=(20, 10.0), validator=_limit)
    read_limit: Limit = field(default=(10, 1.0), validator=_limit)
    catalog_limit: Limit = field(default=(1, 1.0), validator=_limit)
    error_style: Literal["envelope", "http"] = field(default="envelope", validator=_style)
    webhook_key: str | None = field(default=None, repr=False)
    callback_retry: float = field(default=1.0, validator=_within(0))
    image_scale: float = field(default=1.0, validator=_within(0.01, 4))
    documents: Mapping[str, Path] = field(factory=dict)
    catalog_without: Collection[str] = ()
    catalog_quirks: bool = False
    clock: Callable[[], float] = field(default=time.time, repr=False)
