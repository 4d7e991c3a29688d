"""What the calls of one client share: settings, limits, and what was uploaded already."""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from attrs import define, field, frozen

from kie_registry.errors import ConfigurationError, LedgerError
from kie_registry.hints import Hint
from kie_registry.limits import RateLimit, shared_window
from kie_registry.polling import Polling
from kie_registry.settings import Settings

if TYPE_CHECKING:
    from kie_registry.ledger.protocol import Ledger

_log = logging.getLogger("kie_registry.limits")

READS = (10, 1.0)
"""kie.ai documents ten reads of task records in a second for each key."""

# Uploads are kept for one to three days, depending on whom one asks; half of the shorter is safe.
_UPLOAD_KEPT = 12 * 3600.0
_MOST_UPLOADS = 10_000


@frozen
class Limits:
    """How many requests may be sent, each as (number, seconds), or None for any number.

    Attributes:
        creates: That of createTask.
        reads: That of reading records.
    """

    creates: tuple[int, float] | None
    reads: tuple[int, float] | None


@define(eq=False)
class Session:
    """One client's state, shared by its threads and tasks.

    Attributes:
        settings: Where to send requests, and with which key.
        account: A digest of the API host and the key, by which limits and jobs are told apart.
        ledger: Where jobs are written down; None for nowhere.
        deadline: Seconds for one task, where a call says nothing else.
        polling: When to read records.
        creates: The limit on createTask; None for none.
        reads: The limit on reading records; None for none.
        own_reads: That limit, kept within this process alone.
        limits: Both limits in numbers.
        clock: Seconds that only go forward.
    """

    settings: Settings
    account: str
    ledger: Ledger | None
    deadline: float
    polling: Polling
    creates: RateLimit | None
    reads: RateLimit | None
    own_reads: RateLimit | None
    limits: Limits
    clock: Callable[[], float] = time.monotonic
    _uploads: dict[str, tuple[str, float]] = field(factory=dict, init=False, repr=False)
    _uploading: dict[tuple[int, str], list[Hint]] = field(factory=dict, init=False, repr=False)

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        deadline: float,
        poll_interval: float | None,
        creates: tuple[int, float] | None,
        reads: tuple[int, float] | None = READS,
        ledger: Ledger | None = None,
    ) -> Session:
        """Make a session; its limits are shared with all sessions of the same key that have the same ledger.

        Without a ledger they are shared within this process.

        Raises:
            ConfigurationError: A number is out of range.
        """
        for name, limit in (("creates", creates), ("reads", reads)):
            if limit is not None and not _is_limit(limit):
                raise ConfigurationError(f"{name} is {limit!r}; it takes (number, seconds), both positive")
        if poll_interval is not None and not (isinstance(poll_interval, (int, float)) and poll_interval >= 0):
            raise ConfigurationError(f"poll_interval is {poll_interval!r}; it takes seconds, or None")
        account = hashlib.sha256(f"{settings.base_url} {settings.api_key.reveal()}".encode()).hexdigest()[:32]
        window = shared_window if ledger is None else ledger.window
        limits = Limits(creates, reads)
        return cls(
            settings,
            account,
            ledger,
            check_deadline(deadline),
            Polling(math.inf if reads is None else reads[0] / reads[1], poll_interval),
            None if creates is None else window("create", account, *creates),
            None if reads is None else window("read", account, *reads),
            None if reads is None else shared_window("read", account, *reads),
            limits,
        )

    def with_ledger(self, ledger: Ledger) -> Session:
        """Return a session like this one that writes its jobs down."""
        return Session.open(
            self.settings,
            deadline=self.deadline,
            poll_interval=self.polling.interval,
            creates=self.limits.creates,
            reads=self.limits.reads,
            ledger=ledger,
        )

    def deadline_at(self, seconds: float | None) -> float:
        """Return the moment, by the session's clock, when `seconds` (or the session's own) are over."""
        return self.clock() + (self.deadline if seconds is None else check_deadline(seconds))

    def share_reads_no_more(self, error: LedgerError) -> None:
        """Keep the limit on reads within this process from now on, for this reason, which is logged once."""
        before, self.reads = self.reads, self.own_reads
        if before is not self.own_reads:
            _log.warning("%s This client shares its limit on reads with no other process from now on.", error)

    def uploaded(self, digest: str) -> str | None:
        """Return the address of a file with this content that was uploaded not long ago."""
        address, until = self._uploads.get(digest, ("", 0.0))
        return address if self.clock() < until else None

    def remember_upload(self, digest: str, address: str) -> None:
        """Note where a file with this content was uploaded."""
        self._uploads[digest] = (address, self.clock() + _UPLOAD_KEPT)
        if len(self._uploads) > _MOST_UPLOADS:
            self._uploads.pop(next(iter(self._uploads)), None)

    def begin_upload(self, digest: str) -> Hint | None:
        """Let the caller upload this content, until `end_upload`; else return a hint that is given at that moment.

        May be called from any thread. What another process uploads at the same moment is its own affair.
        """
        key, mine = (os.getpid(), digest), list[Hint]()
        while (waiting := self._uploading.setdefault(key, mine)) is not mine:
            hint = Hint(WeakSet())
            waiting.append(hint)
            # Whoever ends it takes it away first, and gives the hints then.
            if self._uploading.get(key) is waiting:
                return hint
        return None

    def end_upload(self, digest: str) -> None:
        """Wake whoever waits for the upload of this content, whether it succeeded or not."""
        for hint in self._uploading.pop((os.getpid(), digest), ()):
            hint.give()


def _is_limit(limit: Any) -> bool:
    try:
        number, seconds = limit
        return int(number) == number >= 1 and 0 < float(seconds) < float("inf")
    except (TypeError, ValueError, OverflowError):
        return False


def check_deadline(seconds: float) -> float:
    """Return `seconds`; raises ConfigurationError where it is no positive number."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigurationError(f"deadline is {seconds!r}; it takes a positive number of seconds")
    return seconds
