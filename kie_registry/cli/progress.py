"""Progress on stderr: a line that changes on a terminal, a few plain lines where it is piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from kie_registry.cli import output
from kie_registry.events import Event
from kie_registry.ledger.opening import with_ledger

if TYPE_CHECKING:
    from rich.status import Status

# Piped, only what someone who reads the log later must know.
_LASTING = frozenset({"submitted", "limited", "retry"})


class Progress:
    """Shows the events of a call, and remembers which task it is; pass `show` as ``on_event``.

    Args:
        task_id: The task, where there is one already.
        ledger: The file of the ledger, unless it is the default one.
    """

    def __init__(self, task_id: str | None = None, *, ledger: Path | str | None = None) -> None:
        self.task_id = task_id
        self._ledger = ledger
        self._started = time.monotonic()
        self._status: Status | None = None

    def show(self, event: Event) -> None:
        """Show one event."""
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
            raise KeyboardInterrupt(self._how_to_go_on(getattr(error, "__notes__", []))) from None

    def _how_to_go_on(self, notes: Sequence[str]) -> str:
        """Say what the interruption came to, in the words of whoever was interrupted where there are any."""
        if notes:
            return f"Interrupted. {notes[-1]}"
        if self.task_id is not None:
            command = with_ledger(f"kie task wait {self.task_id}", self._ledger)
            return f"Interrupted. Task {self.task_id} is paid; `{command}` saves its files."
        return "Interrupted. Nothing was submitted, nothing was spent."
