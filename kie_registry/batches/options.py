"""How a batch is to be run."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import field, frozen
from attrs.converters import optional

from kie_registry.errors import ConfigurationError
from kie_registry.events import Listener
from kie_registry.media import address_problem
from kie_registry.session import check_deadline


def _expanded(directory: str | os.PathLike[str]) -> Path:
    try:
        return Path(directory).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise ConfigurationError(f"the directory {os.fspath(directory)!r}: {error}. Nothing was sent.") from None


@frozen(kw_only=True)
class BatchOptions:
    """How a batch is to be run.

    Attributes:
        directory: Where its files go; None to leave them at kie.ai.
        concurrency: How many of its tasks run at once.
        max_credits: The credits that the whole batch may cost, earlier runs included; None for any number.
        deadline: Seconds to wait for each task; None for the client's.
        callback_url: Where kie.ai posts the record of each task that ends, or None.
        skip_invalid: Whether lines that are wrong are left out, and do not keep the others from being sent.
        add: Whether the directory may hold another batch already, to which these jobs are added.
        on_event: Called with each `Event`.
    """

    directory: Path | None = field(default=None, converter=optional(_expanded))
    concurrency: int = 100
    max_credits: float | None = None
    deadline: float | None = None
    callback_url: str | None = None
    skip_invalid: bool = False
    add: bool = False
    on_event: Listener | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise ConfigurationError where one is out of range."""
        number, most = self.concurrency, self.max_credits
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigurationError(f"concurrency is {number!r}; it takes a positive integer")
        if most is not None and (isinstance(most, bool) or not isinstance(most, (int, float)) or not most > 0):
            raise ConfigurationError(f"max_credits is {most!r}; it takes a positive number of credits, or None")
        if self.callback_url is not None and (wrong := address_problem(self.callback_url)):
            raise ConfigurationError(f"callback_url: {wrong}")
        if self.deadline is not None:
            check_deadline(self.deadline)
