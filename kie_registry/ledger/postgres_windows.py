"""Rate limits that all processes which share a database keep together, on any number of machines.

No event loop waits for the database here: in each process one thread asks it, and writes to it.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kie_registry.errors import LedgerError
from kie_registry.ledger.postgres_owners import PostgresOwners
from kie_registry.ledger.postgres_slots import GivenBack, PostgresSlots
from kie_registry.waking import LOOK_AGAIN, Line, Waiter

if TYPE_CHECKING:
    from kie_registry.ledger.postgres_database import PostgresDatabase

_log = logging.getLogger("kie_registry.limits")

# Whoever has no time to wait waits for one look at the database, but not for long.
_ONE_LOOK = 2.0
_AT_ONCE = 100
# Seconds after which a thread ends that has nothing to do.
_IDLE = 5.0


class PostgresWindow(Line):
    """A `RateLimit` of all processes that use the same database.

    In each process one thread asks the database, so that no event loop waits for it: it takes as many slots as
    there are free ones and waiters, and hands them out in the order of asking. Between processes whoever comes
    first is served first. A process that has died holds no slot for longer than it counts as alive.

    Args:
        database: The database; slots are not worth a durable one.
        owners: The processes that share it.
        kind: What is limited, such as ``create``.
        account: Whose limit it is; a hash, and never the key itself.
        number: How many requests there may be in `seconds`.
        seconds: The time after its answer for which a request counts.

    Asking raises LedgerError where the database was gone for longer than its patience. `release` does not:
    something was sent by then. It is written as soon as the database is there.
    """

    def __init__(  # noqa: PLR0917
        self,
        database: PostgresDatabase,
        owners: PostgresOwners,
        kind: str,
        account: str,
        number: int,
        seconds: float,
    ) -> None:
        super().__init__()
        self._slots = PostgresSlots(database, owners, f"{kind} {account}", number, seconds)
        self._be_new()

    def start_anew(self) -> None:
        """Forget, in a child process, what is its parent's."""
        super().start_anew()
        self._be_new()

    def _be_new(self) -> None:
        self._stock: deque[str] = deque()
        self._tokens: dict[Waiter, str] = {}
        self._due: list[GivenBack] = []
        self._failure: tuple[LedgerError, float] | None = None
        self._told = False
        self._slots.unheard = []
        self._look_at = 0.0
        self._given_back = 0
        self._called = threading.Event()
        self._thread: threading.Thread | None = None

    def release(self, *, counted: bool = True) -> None:
        """Give a slot back: for later, or at once where the request was never `counted` by the server."""
        with self._lock:
            self._drop_the_gone()
            # A child process may give back what only its parent holds.
            if (holder := next(iter(self._holders), None)) is not None:
                token = self._tokens.pop(holder)
                del self._holders[holder]
                if counted:
                    self._due.append(GivenBack(token, counted=True))
                else:
                    self._give_back(token)
                self._call()

    def settle(self, timeout: float) -> None:
        """Wait, for up to so many seconds, until all that was given back is written."""
        until = time.monotonic() + timeout
        while self._due and time.monotonic() < until:
            time.sleep(0.005)

    def _wait(self, waiter: Any, timeout: float | None, waiting: Callable[[], object] | None) -> bool:
        started = time.monotonic()
        if self._try(waiter) is None:
            return True
        if self._looks():
            waiter.wait(_ONE_LOOK)
            waiter.clear()
        return super()._wait(waiter, _rest(timeout, started), waiting)

    async def _wait_async(self, waiter: Any, timeout: float | None, waiting: Callable[[], object] | None) -> bool:
        started = time.monotonic()
        if self._try(waiter) is None:
            return True
        if self._looks():
            await waiter.wait(_ONE_LOOK)
        return await super()._wait_async(waiter, _rest(timeout, started), waiting)

    def _looks(self) -> bool:
        """Whether the database is being asked, or will be at once."""
        return time.monotonic() >= self._look_at

    def _take(self, waiter: Waiter) -> float | None:
        if self._stock:
            self._tokens[waiter] = self._stock.popleft()
            self._holders[waiter] = None
            return None
        now = time.monotonic()
        if self._failure is not None and now < self._failure[1]:
            raise copy.copy(self._failure[0]) from self._failure[0].__cause__
        self._call()
        return max(self._look_at - now, 0.0) or LOOK_AGAIN

    def _left(self, waiter: Waiter) -> None:
        if (token := self._tokens.pop(waiter, None)) is not None:
            self._give_back(token)
        if self._due or self._stock:
            self._call()

    def _give_back(self, token: str) -> None:
        """Have a slot freed, and looked for at once."""
        self._due.append(GivenBack(token, counted=False))
        self._given_back += 1
        self._look_at = 0.0

    def _call(self) -> None:
        """Have the thread see what is to be done; needs the lock."""
        self._called.set()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._serve, name=f"kie-registry {self._slots.line}", daemon=True
            )
            # No thread begins any more when the process ends.
            with contextlib.suppress(RuntimeError):
                self._thread.start()

    def _serve(self) -> None:
        """Write what is due, and look for slots, until there is nothing to do."""
        try:
            while not self._is_idle():
                pass
        finally:
            # Whatever ended it, the next call begins another.
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _is_idle(self) -> bool:
        """Do what there is to do now, and wait for more; return whether there was none for a while."""
        self._called.clear()
        if (pause := self._settle()) is None:
            pause = self._look()
        if self._called.wait(_IDLE if pause is None else pause) or pause is not None:
            return False
        with self._lock:
            if not self._called.is_set():
                self._thread = None
            return self._thread is None

    def _settle(self) -> float | None:
        """Write what was given back; return after how many seconds to try again, where that failed."""
        with self._lock:
            while self._stock and len(self._stock) > len(self._queue):
                self._due.append(GivenBack(self._stock.pop(), counted=False))
            self._due += self._slots.unheard
            self._slots.unheard = []
            due = list(self._due)
        if not due:
            return None
        try:
            self._slots.write(due)
        except LedgerError as error:
            # Once, and not every second for as long as the database is gone.
            level = logging.DEBUG if self._told else logging.WARNING
            _log.log(level, "%s What was to be written of the rate limits is written later.", error)
            self._told = True
            self._fail(error)
            return LOOK_AGAIN
        self._told = False
        with self._lock:
            del self._due[: len(due)]
            if not all(each.counted for each in due):
                self._look_at = 0.0
        return None

    def _look(self) -> float | None:
        """Take slots for those who wait; return after how many seconds to look again, if anybody does."""
        with self._lock:
            wanted = min(len(self._queue) - len(self._stock), _AT_ONCE)
            pause, given_back = self._look_at - time.monotonic(), self._given_back
            if self._due:
                return 0.0
        if wanted <= 0 or pause > 0:
            return None if wanted <= 0 else pause
        try:
            tokens, pause = self._slots.take(wanted)
        except LedgerError as error:
            self._fail(error)
            return LOOK_AGAIN
        with self._lock:
            self._stock.extend(tokens)
            if given_back != self._given_back and not tokens:
                return 0.0
            self._look_at = time.monotonic() + pause
            self._wake_first()
        return pause

    def _fail(self, error: LedgerError) -> None:
        """Have all who wait hear of it."""
        with self._lock:
            self._failure = error, time.monotonic() + LOOK_AGAIN
            self._look_at = time.monotonic() + LOOK_AGAIN
            self._wake_first()


def _rest(timeout: float | None, started: float) -> float | None:
    return None if timeout is None else max(0.0, timeout - (time.monotonic() - started))
