"""Progress on stderr: a line that changes on a terminal, a few plain lines where it is piped."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kie_registry.cli import output
from kie_registry.events import Event

if TYPE_CHECKING:
    from rich.status import Status

# Piped, only what someone who reads the log later must know.
_LASTING = frozenset({"submitted", "limited", "retry"})


class Progress:
    """Shows the events of a call, and remembers how far it came; pass `show` as ``on_event``."""

    def __init__(self, task_id: str | None = None) -> None:
        self.task_id = task_id
        self.submitting = False
        self._started = time.monotonic()
        self._status: Status | None = None

    def show(self, event: Event) -> None:
        """Show one event."""
        self.submitting = event.kind == "submitting"
        self.task_id = event.task_id or self.task_id
        if self._status is not None:
            from rich.markup import escape

            self._status.update(f"{escape(event.message)} [dim]({time.monotonic() - self._started:.0f} s)[/dim]")
        elif event.kind in _LASTING:
            output.note(event.message)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status("checking the request")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()
            if self.task_id is not None:
                output.note(f"task {self.task_id}")
        if kind is KeyboardInterrupt:
            raise KeyboardInterrupt(self._how_to_go_on()) from None

    def _how_to_go_on(self) -> str:
        if self.task_id is not None:
            return (
                f"Interrupted. Task {self.task_id} is paid and goes on; collect it with: "
                f"kie task wait {self.task_id}"
            )
        if self.submitting:
            return (
                "Interrupted while the task was being submitted: whether it was accepted, and billed, is not "
                "known. See https://kie.ai/logs before you repeat it."
            )
        return "Interrupted. Nothing was submitted, nothing was spent."
